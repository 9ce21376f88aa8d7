"""Reads and writes .zt tensor files, and reads tensors of other formats."""

from ._delta import Applied, DeltaWritten, apply, delta, fold
from ._device import release_buffers
from ._errors import (
    ChecksumError,
    FormatError,
    InternalError,
    LimitError,
    RefusedError,
    SafetensorError,
    TensorNotFoundError,
    UnsupportedError,
    UsageError,
    ZTensorError,
)
from ._grow import AttributesSet, Changed, Compacted, Repaired, append, compact, extract, migrate, remove, repair, set
from ._limits import Limits
from ._prefetch import Prefetch
from ._reader import Reader, Verified, open
from ._safe_open import safe_open
from ._tensor import Location, PartMetadata, Parts, Tensor, TensorMetadata
from ._tools import (
    Converted,
    Difference,
    DiffReport,
    ScannedGlobal,
    ScannedPickle,
    ScanReport,
    content_id,
    convert,
    diff,
    info,
    merge,
    scan,
    verify,
)
from ._writer import Writer
from ._ztensor import __version__

__all__ = [
    "Applied",
    "AttributesSet",
    "Changed",
    "ChecksumError",
    "Compacted",
    "Converted",
    "DeltaWritten",
    "DiffReport",
    "Difference",
    "FormatError",
    "InternalError",
    "LimitError",
    "Limits",
    "Location",
    "PartMetadata",
    "Parts",
    "Prefetch",
    "Reader",
    "RefusedError",
    "Repaired",
    "SafetensorError",
    "ScanReport",
    "ScannedGlobal",
    "ScannedPickle",
    "Tensor",
    "TensorMetadata",
    "TensorNotFoundError",
    "UnsupportedError",
    "UsageError",
    "Verified",
    "Writer",
    "ZTensorError",
    "__version__",
    "append",
    "apply",
    "compact",
    "content_id",
    "convert",
    "delta",
    "diff",
    "extract",
    "fold",
    "info",
    "merge",
    "migrate",
    "open",
    "release_buffers",
    "remove",
    "repair",
    "safe_open",
    "scan",
    "set",
    "verify",
]
