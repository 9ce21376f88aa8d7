"""Warnings that name the line of the caller."""

from __future__ import annotations

import os
import sys
import warnings
from types import FrameType

_PACKAGE = os.path.dirname(__file__)


def warn(note: str) -> None:
    """Warns at the innermost line that lies outside of this package: ``open()`` and ``with`` add calls of their own."""
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and os.path.dirname(frame.f_code.co_filename) == _PACKAGE:
        frame = frame.f_back
        level += 1
    warnings.warn(note, UserWarning, stacklevel=level)
