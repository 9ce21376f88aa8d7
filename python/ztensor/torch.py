"""Saves and loads dicts of torch tensors and models, with the functions of `safetensors.torch`."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

try:
    import torch
except ImportError as error:
    raise ImportError('ztensor.torch needs torch: pip install "ztensor[torch]"') from error

from . import _dicts
from ._dicts import CheckpointSaved, LoadOptions, SaveOptions
from ._errors import SafetensorError
from ._from_arrays import is_torch
from ._options import PathLike
from ._progress import Progress
from ._torch import plain_torch

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "CheckpointSaved",
    "SafetensorError",
    "load",
    "load_file",
    "load_model",
    "save",
    "save_checkpoint",
    "save_file",
    "save_model",
    "storage_ptr",
    "storage_size",
]


def save_file(
    tensors: Mapping[str, Any],
    filename: PathLike,
    metadata: Mapping[str, str] | None = None,
    **options: Unpack[SaveOptions],
) -> None:
    """Writes a file of tensors of any device, strides and layout. The name's ending tells its format; any other is a
    .zt.

    Tied tensors (the same elements under several names) are stored once and come back tied; in a format that cannot say
    so, such as safetensors, they are stored under every name. Tensors that only overlap are stored as they are.
    `metadata` become attributes of the file. `options` are those of `Writer`: compress, checksum, durable, ...
    """
    _dicts.save_file(tensors, filename, metadata, options, _ties)


def save_checkpoint(
    tensors: Mapping[str, Any],
    filename: PathLike,
    base: PathLike | None = None,
    *,
    chain: int = 1,
    metadata: Mapping[str, str] | None = None,
    **options: Unpack[SaveOptions],
) -> CheckpointSaved:
    """Writes a checkpoint of a run: whole, or what changed since an earlier one, exactly.

    `base` is the checkpoint before this one, in the same folder; None writes a whole file. Each tensor is stored as
    what changed, or whole where that is shorter. `load_file` reads either.
    A checkpoint needs the file that the result names as its `base` beside it, and the base of that one, and so on, up
    to `chain` files; all others may be deleted. With 1, this is the last whole checkpoint alone. With more, most
    checkpoints hold what changed since the one before, which is less; after `chain` of them, one is over the whole one
    again. Write a whole one now and then: differences grow with the distance. `options` are those of `save_file`.
    """
    return _dicts.save_checkpoint(tensors, filename, base, chain, metadata, options, _ties)


def save(
    tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None, **options: Unpack[SaveOptions]
) -> bytes:
    """The bytes of a .zt file, or of the `format` that is asked for."""
    return _dicts.save(tensors, metadata, options, _ties)


def load_file(
    filename: Any,
    device: Any = "cpu",
    *,
    backend: str = "mmap",
    names: Iterable[str] | None = None,
    progress: Progress = None,
    **options: Unpack[LoadOptions],
) -> dict[str, torch.Tensor]:
    """All tensors of a file, or those of `names`: a file of any format, a list of files, a folder or an index.

    On the CPU the tensors lie in a copy-on-write mapping of the file (backend "mmap"), or are read ("pread"), in
    parallel. Names of one stored tensor share their memory. A mapped load checks no digests, unless `verify=True`.
    """
    chosen = _dicts.check_names(names)
    with _dicts.open_file(filename, backend, options) as reader:
        return reader.read_tensors(chosen, to="torch", device=_device_of(device), progress=progress)


def load(data: Any, **options: Unpack[LoadOptions]) -> dict[str, torch.Tensor]:
    """All tensors of the bytes of a file, of any format. The tensors own their memory."""
    with _dicts.open_bytes(data, options) as reader:
        return reader.read_tensors(to="torch")


def save_model(
    model: torch.nn.Module,
    filename: PathLike,
    metadata: Mapping[str, str] | None = None,
    force_contiguous: bool = True,
    **options: Unpack[SaveOptions],
) -> None:
    """Writes the parameters and buffers of a model, for `load_model`.

    A .zt keeps every name, and stores tied tensors once. A `.safetensors` keeps one name of each group of tensors that
    share memory and says in its metadata which name stands for which, as `safetensors.torch.save_model` does. Where no
    tensor of a group covers the memory of the others, it keeps all names. `force_contiguous` has no effect: tensors of
    any strides are stored right.
    """
    del force_contiguous
    _check_model(model, "save_model")
    state = model.state_dict()
    if not _is_safetensors(filename, options.get("format")):
        return save_file(state, filename, metadata, **options)
    kept = dict(metadata or {})
    for name, dropped in _dropped(state).items():
        for each in dropped:
            kept.setdefault(each, name)
            del state[each]
    return save_file(state, filename, kept or None, **options)


def load_model(
    model: torch.nn.Module,
    filename: Any,
    strict: bool = True,
    device: Any = "cpu",
    *,
    backend: str = "mmap",
    assign: bool = False,
    **options: Unpack[LoadOptions],
) -> tuple[list[str], list[str]]:
    """Copies the tensors of a file into a model, and returns the names that are missing and those that are unexpected.

    A name may be missing if another name brings all elements of its tensor. If `strict`, any other missing name, and
    any unexpected name, is a RuntimeError. `assign` makes the tensors of the file the parameters of the model instead
    of copying them, as in `Module.load_state_dict`: for models on the meta device. Names of one parameter stay names of
    one parameter.
    """
    _check_model(model, "load_model")
    state = load_file(filename, device, backend=backend, **options)
    loaded = set(state)
    own = {name: tensor for name, tensor in model.state_dict(keep_vars=True).items() if is_torch(tensor)}
    tied = _same_objects(own)
    bringing = {name: names for names in tied for name in names}
    if not assign:
        bringing = _add_covering(bringing, own, loaded)
    missing, unexpected = model.load_state_dict(state, strict=False, assign=assign)
    if assign:
        for names in tied:
            _tie(model, names, loaded)
    lost = [name for name in missing if not loaded.intersection(bringing.get(name, ()))]
    if strict and (lost or unexpected):
        lines = [f"Error(s) in loading state_dict for {type(model).__name__}:"]
        if lost:
            lines.append(f"    Missing key(s) in state_dict: {', '.join(map(repr, sorted(lost)))}")
        if unexpected:
            lines.append(f"    Unexpected key(s) in state_dict: {', '.join(map(repr, sorted(unexpected)))}")
        raise RuntimeError("\n".join(lines))
    return lost, list(unexpected)


def _check_model(model: Any, function: str) -> None:
    if not isinstance(model, torch.nn.Module):
        raise TypeError(
            f"model must be a torch.nn.Module, not {type(model).__name__}: call {function}(model, filename)"
        )


def storage_ptr(tensor: torch.Tensor) -> int:
    """The address of the tensor's storage; 0 for none."""
    try:
        return int(tensor.untyped_storage().data_ptr())
    except (NotImplementedError, RuntimeError):
        return 0


def storage_size(tensor: torch.Tensor) -> int:
    """The bytes of the tensor's storage."""
    try:
        return int(tensor.untyped_storage().nbytes())
    except (NotImplementedError, RuntimeError):
        return int(tensor.nelement() * tensor.element_size())


def _end_ptr(tensor: torch.Tensor) -> int:
    """The address after the last element of a tensor; that of a tensor without elements."""
    if not tensor.nelement():
        return int(tensor.data_ptr())
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return int(tensor.data_ptr() + (last + 1) * tensor.element_size())


def _is_complete(tensor: torch.Tensor) -> bool:
    """Whether the tensor covers its storage."""
    size = tensor.nelement() * tensor.element_size()
    return bool(tensor.data_ptr() == storage_ptr(tensor) and size == storage_size(tensor))


def _find_shared_tensors(state_dict: Mapping[str, torch.Tensor]) -> list[set[str]]:
    """Sets of the names whose tensors overlap in memory. A name that shares nothing is a set of its own."""
    by_storage: dict[tuple[Any, int, int], list[str]] = defaultdict(list)
    for name, tensor in state_dict.items():
        pointer, size = storage_ptr(tensor), storage_size(tensor)
        if tensor.device.type != "meta" and pointer and size:
            by_storage[tensor.device, pointer, size].append(name)
    found = []
    for names in by_storage.values():
        end = None
        for name in sorted(names, key=lambda name: state_dict[name].data_ptr()):
            tensor = state_dict[name]
            if end is None or tensor.data_ptr() >= end:
                found.append({name})
                end = _end_ptr(tensor)
            else:
                found[-1].add(name)
                end = max(end, _end_ptr(tensor))
    return found


def _remove_duplicate_names(
    state_dict: Mapping[str, torch.Tensor],
    *,
    preferred_names: Iterable[str] | None = None,
    discard_names: Iterable[str] | None = None,
) -> dict[str, list[str]]:
    """For each name to keep, the names of overlapping tensors that can be dropped beside it.

    Only a tensor that covers its storage is kept. A RuntimeError names a group that has none.
    """
    preferred, discarded = set(preferred_names or ()), set(discard_names or ())
    removed: dict[str, list[str]] = {}
    for names in _find_shared_tensors(state_dict):
        if len(names) == 1:
            continue
        complete = {name for name in names if _is_complete(state_dict[name])}
        if not complete:
            raise RuntimeError(
                f"the tensors {', '.join(sorted(names))} share memory, and none of them covers it: keep all of them"
            )
        kept = min((complete & preferred) or (complete - discarded) or complete)
        removed[kept] = sorted(names - {kept})
    return removed


def _ties(tensors: Mapping[str, Any]) -> dict[str, str]:
    """For each name whose tensor has the same elements in memory as that of a name before it, that name."""
    first: dict[int, list[str]] = {}
    tied = {}
    with plain_torch():
        for name, tensor in tensors.items():
            if not _has_memory(tensor):
                continue
            try:
                address = tensor.data_ptr()
            except RuntimeError:  # a tensor without memory, which add_tensor() refuses by name
                continue
            if not address or not isinstance(name, str):
                continue
            known = first.setdefault(address, [])
            same = next((other for other in known if _is_same(tensors[other], tensor)), None)
            if same is None:
                known.append(name)
            else:
                tied[name] = same
    return tied


def _has_memory(value: Any) -> bool:
    """Whether the value is a dense tensor with memory of its own: neither fake nor a wrapper, and not on meta."""
    return bool(
        is_torch(value)
        and type(value).__torch_dispatch__ is torch._C._disabled_torch_dispatch_impl
        and value.layout == torch.strided
        and not value.is_meta
    )


def _is_same(a: Any, b: Any) -> bool:
    """Whether two tensors at one address are the same elements."""
    return bool(
        a is b
        or (
            a.dtype == b.dtype
            and a.shape == b.shape
            and a.stride() == b.stride()
            and a.device == b.device
            and a.is_conj() == b.is_conj()
            and a.is_neg() == b.is_neg()
        )
    )


def _is_safetensors(filename: Any, format: str | None) -> bool:
    """Whether a file of this name is written as safetensors."""
    if format is not None or not isinstance(filename, (str, os.PathLike)):
        return format == "safetensors"
    return os.fsdecode(filename).endswith(".safetensors")


def _dropped(state: Mapping[str, Any]) -> dict[str, list[str]]:
    """For each name to keep, the names to drop: tensors within its memory, all of whose elements it has."""
    dropped = {}
    with plain_torch():
        for names in _find_shared_tensors({name: each for name, each in state.items() if _has_memory(each)}):
            whole = {name for name in names if _is_complete(state[name]) and _is_dense(state[name])}
            if len(names) > 1 and whole:
                kept = min(whole)
                dropped[kept] = sorted(names - {kept})
    return dropped


def _is_dense(tensor: torch.Tensor) -> bool:
    """Whether the tensor has each element between its first and its last one exactly once."""
    count = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1:
            if stride != count:
                return False
            count *= size
    return True


def _same_objects(state: Mapping[str, torch.Tensor]) -> list[list[str]]:
    """Lists of the names of one tensor object, where an object has several."""
    by_object: dict[int, list[str]] = defaultdict(list)
    for name, tensor in state.items():
        by_object[id(tensor)].append(name)
    return [names for names in by_object.values() if len(names) > 1]


def _add_covering(
    bringing: Mapping[str, list[str]], state: Mapping[str, torch.Tensor], loaded: set[str]
) -> dict[str, list[str]]:
    """Adds, for each name that was not loaded, the loaded names whose tensors have all elements of its tensor."""
    added = dict(bringing)
    with plain_torch():
        for names in _find_shared_tensors({name: each for name, each in state.items() if _has_memory(each)}):
            dense = [name for name in sorted(names & loaded) if _is_dense(state[name])]
            spans = [(state[name].data_ptr(), _end_ptr(state[name]), name) for name in dense]
            for name in names - loaded:
                start, end = state[name].data_ptr(), _end_ptr(state[name])
                covering = [other for first, last, other in spans if first <= start and end <= last]
                added[name] = added.get(name, []) + covering
    return added


def _tie(model: torch.nn.Module, names: list[str], loaded: set[str]) -> None:
    """Makes the last of the names that were loaded the tensor of all of these names."""
    places = []
    for name in names:
        path, _, leaf = name.rpartition(".")
        try:
            owner = model.get_submodule(path)
        except AttributeError:  # a name that the model makes for its state_dict alone
            continue
        for held in (owner._parameters, owner._buffers):
            if leaf in held:
                places.append((name, held, leaf))
    found = [held[leaf] for name, held, leaf in places if name in loaded]
    if found:
        for _, held, leaf in places:
            held[leaf] = found[-1]


def _device_of(device: Any) -> Any:
    if isinstance(device, int) and not isinstance(device, bool):
        return torch.device("cuda", device)
    if device is not None and not isinstance(device, (str, torch.device)):
        raise TypeError(f"device must be a str, an int or a torch.device, not {type(device).__name__}")
    return None if str(device) == "cpu" else device
