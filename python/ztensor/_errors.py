"""The exceptions. Each is also the built-in one that a caller would expect."""

from __future__ import annotations

CANNOT_HOLD = "python.array"  # the rule: NumPy, SciPy or torch has arrays of this dtype and shape


class ZTensorError(Exception):
    """What went wrong with a file, a tensor or a call, except what the operating system reports (`OSError`).

    `code` is the library's word for it. `rule` names the rule that a file's content breaks, "" otherwise.
    """

    code: str = "internal"
    rule: str = ""

    def __init__(self, message: str = "", *, code: str | None = None, rule: str = "") -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.rule = rule


class FormatError(ZTensorError, ValueError):
    """The file contradicts its format."""

    code = "malformed"


class ChecksumError(ZTensorError, ValueError):
    """A digest does not match its bytes."""

    code = "mismatch"


class UnsupportedError(ZTensorError, NotImplementedError):
    """Legal, but not known to this build."""

    code = "unsupported"


class LimitError(ZTensorError, ValueError):
    """Over a bound of `Limits`."""

    code = "limit"


class RefusedError(ZTensorError, ValueError):
    """Refused by policy: to trust it is for the user to decide."""

    code = "refused"


class TensorNotFoundError(ZTensorError, KeyError):
    """No tensor has that name."""

    code = "not_found"

    def __str__(self) -> str:
        return Exception.__str__(self)  # KeyError would quote it


class UsageError(ZTensorError, ValueError):
    """The call itself is wrong."""

    code = "usage"


class InternalError(ZTensorError, RuntimeError):
    """A bug of this library."""

    code = "internal"
