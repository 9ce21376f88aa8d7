"""Callbacks that follow long calls."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

# Called with the bytes done and the bytes in all; if it returns False, the call stops. True shows a bar of tqdm.
Progress: TypeAlias = "Callable[[int, int], Any] | bool | None"


@contextlib.contextmanager
def shown(progress: Progress, title: str) -> Iterator[Callable[[int, int], Any] | None]:
    """The callback for a call that does what `title` says."""
    if progress is None or progress is False:
        yield None
    elif progress is not True:
        if not callable(progress):
            raise TypeError(f"progress must be a function, True or None, not {type(progress).__name__}")
        yield progress
    else:
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError('progress=True needs tqdm: pip install "ztensor[progress]"') from error
        with tqdm(total=0, unit="B", unit_scale=True, desc=title) as bar:

            def follow(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            yield follow
