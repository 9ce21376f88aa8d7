"""A training that is killed while it writes a checkpoint goes on from the checkpoint before, bit for bit."""

import random
import signal
import subprocess
import sys
import textwrap

import pytest

import ztensor

pytest.importorskip("torch", reason="torch is not installed")

STEPS = 3

# 20 million weights, a batch of two rows, and a checkpoint after each step: the file grows by the new version of each
# tensor, and the old version stays whole until the new one is. Both ways to write it give the same tensors. torch has
# one thread, so that it adds in the same order in each run.
TRAIN = """
import os, sys
import torch, ztensor, ztensor.torch

path, steps, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
torch.manual_seed(7)
model = torch.nn.Sequential(
    torch.nn.Embedding(9000, 1024, sparse=False),
    torch.nn.Linear(1024, 5120),
    torch.nn.Tanh(),
    torch.nn.Linear(5120, 1024),
)
assert sum(weight.numel() for weight in model.parameters()) > 19_500_000
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

def state():
    found = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for index, kept in optimizer.state_dict()["state"].items():
        found[f"momentum.{index}"] = kept["momentum_buffer"]
    return found | {"random": torch.get_rng_state()}

def restore(tensors):
    model.load_state_dict({name[6:]: each for name, each in tensors.items() if name.startswith("model.")})
    kept = optimizer.state_dict()
    kept["state"] = {
        int(name[9:]): {"momentum_buffer": each.clone()}
        for name, each in tensors.items()
        if name.startswith("momentum.")
    }
    optimizer.load_state_dict(kept)
    torch.set_rng_state(tensors["random"])

def checkpoint(step):
    if way == "writer":
        with ztensor.Writer(path, mode="a", attributes={"step": step}) as writer:
            for name, tensor in state().items():
                writer.add_tensor(name, tensor, replace=True)
    else:
        ztensor.torch.save_file(state() | {"step": torch.tensor(step)}, path + ".new")
        ztensor.append(path, path + ".new", replace=True)

def done():
    with ztensor.open(path) as reader:
        return reader.attributes["step"] if way == "writer" else int(reader.read_tensor("step"))

first = 0
if os.path.exists(path):
    first = done()
    restore(ztensor.torch.load_file(path))
    print("resumed", first, flush=True)
for step in range(first + 1, steps + 1):
    optimizer.zero_grad()
    rows = model(torch.randint(0, 9000, (2, 3)))
    ((rows - torch.randn(rows.shape)) ** 2).sum().backward()
    optimizer.step()
    print("saving", step, flush=True)
    checkpoint(step)
    print("saved", step, flush=True)
"""


def start(path, way):
    command = [sys.executable, "-c", textwrap.dedent(TRAIN), str(path), str(STEPS), way]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed(path, way, after, delay):
    """Trains until the checkpoint after `after` more steps has begun, and kills the child `delay` seconds later.

    Returns the lines that it printed, and whether it was killed before it was done.
    """
    lines = []
    with start(path, way) as child:
        for line in child.stdout:
            lines.append(line.strip())
            if line.startswith("saving") and sum(each.startswith("saving") for each in lines) == after:
                try:
                    child.wait(delay)
                except subprocess.TimeoutExpired:
                    child.send_signal(signal.SIGKILL)
                break
        lines += child.stdout.read().splitlines()
        errors = child.stderr.read()
    assert child.returncode in (0, -signal.SIGKILL), errors
    return lines, child.returncode != 0


def finish(path, way):
    with start(path, way) as child:
        out, errors = child.communicate()
    assert child.returncode == 0, errors
    return out.splitlines()


def contents(path):
    """The bytes of the last version of each tensor."""
    with ztensor.open(path) as reader:
        reader.verify()
        return {name: tensor.numpy().tobytes() for name, tensor in reader.items()}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What a training that was never killed has at its end."""
    path = tmp_path_factory.mktemp("unbroken") / "whole.zt"
    finish(path, "writer")
    found = contents(path)
    path.unlink()  # it is large
    return found


@pytest.mark.parametrize("way", ["writer", "append"])
def test_a_training_that_is_killed_in_a_checkpoint_goes_on_bit_for_bit(tmp_path, way, unbroken):
    path = tmp_path / "model.zt"
    kills, last = 0, 0
    dice = random.Random(5)
    for after in (1, 1):
        lines, was_killed = killed(path, way, after, dice.uniform(0, 0.15))
        kills += was_killed
        saved = max([int(line.split()[1]) for line in lines if line.startswith("saved")], default=last)
        if path.exists():
            with ztensor.open(path) as reader:
                reader.verify()
                last = reader.attributes["step"] if way == "writer" else int(reader.read_tensor("step"))
            assert last in (saved, saved + 1)  # it may have been killed when the new version was whole
        else:
            assert saved == 0
    assert kills >= 1
    assert finish(path, way)[0] == (f"resumed {last}" if last else "saving 1")
    found = contents(path)
    found.pop("step", None)
    assert found == unbroken
    for each in tmp_path.iterdir():
        each.unlink()  # they are large
