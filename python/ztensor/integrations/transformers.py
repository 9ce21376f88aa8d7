"""Loads models of `transformers` from any file that zTensor reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import transformers  # noqa: F401
except ImportError as error:
    raise ImportError("ztensor.integrations.transformers needs transformers: pip install transformers") from error

from .._dtypes import torch_dtype
from .._errors import UsageError
from .._reader import Reader
from .._safe_open import SafeSlice

if TYPE_CHECKING:
    import torch

    from .._tensor import Tensor


class LazyTensor(SafeSlice):
    """A tensor of an open file that looks to transformers like a slice of safetensors: `[...]` reads it."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__(tensor, "torch", None)

    @property
    def shape(self) -> torch.Size:
        import torch

        return torch.Size(self._tensor.shape)

    @property
    def dtype(self) -> torch.dtype:
        found: torch.dtype = torch_dtype(self._tensor.dtype_name)
        return found

    def is_floating_point(self) -> bool:
        return bool(self.dtype.is_floating_point)


def load(model_class: Any, config: Any, path: Any, *, dtype: Any = None, **options: Any) -> Any:
    """A model with the tensors of `path`: a file of any format, a list of files, a folder or an index.

    `model_class` is a class of transformers (`AutoModel...` too), `config` its configuration. `dtype` is that of the
    model: a dtype, its name, or "auto" for that of the config, or else of the file; None is torch's default. `options`
    go to `model_class.from_pretrained`.

    Each tensor is read once, when its parameter is made. A parameter whose dtype is that of the file lies in a
    copy-on-write mapping of the file, so it takes no memory until it is used.
    """
    model_class = _concrete(model_class, config)
    with Reader(path) as reader:
        state = {name: LazyTensor(tensor) for name, tensor in reader.items()}
        return model_class.from_pretrained(None, config=config, state_dict=state, dtype=dtype, **options)


def _concrete(model_class: Any, config: Any) -> Any:
    """The class that an `AutoModel...` chooses for a config. A class of its own stays as it is."""
    mapping = getattr(model_class, "_model_mapping", None)
    if mapping is None:
        return model_class
    try:
        found = mapping[type(config)]
    except KeyError:
        raise UsageError(f"{model_class.__name__} has no model for a {type(config).__name__}") from None
    if not isinstance(found, (tuple, list)):
        return found
    named = {each.__name__: each for each in found}
    wanted = (name for name in getattr(config, "architectures", None) or () if name in named)
    return named[next(wanted, found[0].__name__)]
