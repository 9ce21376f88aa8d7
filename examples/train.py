"""Trains a small model and appends a checkpoint of each step to one file. Run it again: it goes on where it stopped.

usage: train.py FILE STEPS
"""

import sys
from pathlib import Path

import numpy as np

import ztensor


def step(weights: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """One step of gradient descent on the squared error, and the error before it."""
    error = inputs @ weights - targets
    return weights - 0.1 * inputs.T @ error / len(inputs), float(np.mean(error**2))


def main(path: Path, steps: int) -> None:
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((256, 8))
    targets = inputs @ np.arange(8.0)

    weights, first = np.zeros(8), 0
    if path.exists():
        with ztensor.open(path) as reader:
            weights, first = reader.read_tensor("weights"), reader.attributes["step"]
    for number in range(first + 1, first + steps + 1):
        weights, loss = step(weights, inputs, targets)
        with ztensor.Writer(path, mode="a") as writer:  # a kill leaves the checkpoint before it
            writer.add_tensor("weights", weights, replace=True)
            writer.attributes["step"] = number
    print(f"step {number}, loss {loss:.3g}")
    ztensor.compact(path)  # gives back the bytes of former checkpoints


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
