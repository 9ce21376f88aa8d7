"""The exceptions. Each is also a built-in exception that a caller would expect."""

from __future__ import annotations

CANNOT_HOLD = "python.array"  # the rule: NumPy, SciPy or torch has arrays of this dtype and shape


class ZTensorError(Exception):
    """An error in a file, a tensor or a call. Errors of the operating system are `OSError`s instead.

    `code` is the library's word for the kind of error. `rule` is the id of the broken rule, or "".
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
    """It is legal, but this build does not support it."""

    code = "unsupported"


class LimitError(ZTensorError, ValueError):
    """A file or a call exceeds a bound of `Limits`, or of its format."""

    code = "limit"


class RefusedError(ZTensorError, ValueError):
    """Refused by policy: only the user can decide to trust it."""

    code = "refused"


class TensorNotFoundError(ZTensorError, KeyError):
    """No tensor has this name."""

    code = "not_found"

    def __str__(self) -> str:
        return Exception.__str__(self)  # KeyError would quote the message


class UsageError(ZTensorError, ValueError):
    """The call itself is wrong."""

    code = "usage"


class InternalError(ZTensorError, RuntimeError):
    """A bug of this library."""

    code = "internal"


# The name that programs catch which were written for safetensors.
SafetensorError = ZTensorError
