"""Lists what an HDF5 file has, and checks where each dataset lies. It runs in the child process alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
from h5py import h5, h5d, h5g, h5l, h5o, h5p, h5s

from ._errors import FormatError, LimitError, RefusedError, UnsupportedError, ZTensorError
from ._hdf5_chunks import Grid
from ._hdf5_types import Array, Kind, kind_of, members_of

# What h5py raises when libhdf5 finds a fault.
BROKEN = (OSError, RuntimeError, SystemError, TypeError, ValueError, LookupError, OverflowError)

_MOST_OBJECTS = 1_000_000
_DEEPEST = 64
_MOST_NAME = 1024  # bytes, as in .zt
_MOST_FILL = 256 << 20  # bytes of all tensors that the file does not store
_LEAST_HEADER = 48  # bytes of the smallest superblock
_MOST_BYTES = 2**63 - 1


@dataclass
class Dataset:
    """A dataset that can be read."""

    name: str
    handle: Any
    kind: Kind
    shape: tuple[int, ...]
    ranges: list[tuple[int, int]] = field(default_factory=list)  # offset and length of all its bytes in the file
    grid: Grid | None = None  # of a chunked dataset
    constant: Array | None = None  # the elements of a dataset that the file does not store, or that are in its header

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.kind.stored.itemsize


@dataclass
class Group:
    name: str
    handle: Any
    depth: int


@dataclass
class Listing:
    """What was found, in the order of the file."""

    datasets: list[Dataset] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    aliases: list[tuple[str, str]] = field(default_factory=list)  # a name, and the dataset that it is another name of
    unreadable: list[tuple[str, ZTensorError]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Walk:
    """One walk. Only hard links are followed, and every object is visited once."""

    def __init__(self, file: Any, file_size: int, decoded_bytes: int | None) -> None:
        self.file_size = file_size
        self.decoded_bytes = _MOST_BYTES if decoded_bytes is None else decoded_bytes
        self.header_end = file.get_create_plist().get_userblock() + _LEAST_HEADER
        self.found = Listing()
        self.seen: dict[tuple[int, int], str] = {}
        self.bad: set[str] = set()  # names of datasets that cannot be read
        self.objects = 0
        self.fill_left = _MOST_FILL
        # What is left to visit; the next one is the last. Its own stack, because a file may nest as deep as it likes.
        self.todo: list[tuple[str, Any, bytes, int]] = []

    def run(self, root: Any) -> Listing:
        info = h5o.get_info(root)
        self.seen[_identity(info)] = ""
        self._group(Group("", root, 0))
        while self.todo:
            name, parent, link, depth = self.todo.pop()
            try:
                self._visit(name, parent, link, depth)
            except ZTensorError as error:
                if self.objects > _MOST_OBJECTS:
                    raise
                self._refuse(name, error)
            except BROKEN as error:
                self._refuse(name, FormatError(f"libhdf5 cannot read it: {error}", rule="hdf5.object.broken"))
        self._refuse_overlaps()
        return self.found

    def _refuse(self, name: str, error: ZTensorError) -> None:
        self.bad.add(name)
        self.found.unreadable.append((name, error))

    def _group(self, group: Group) -> None:
        self.found.groups.append(group)
        links: list[bytes] = []

        def take(name: bytes) -> bool | None:
            self.objects += 1
            links.append(bytes(name))
            return True if self.objects > _MOST_OBJECTS else None  # True ends the iteration; it cannot take an error

        group.handle.links.iterate(take, **_order_of(group.handle))
        if self.objects > _MOST_OBJECTS:
            raise LimitError(f"the file has more than {_MOST_OBJECTS} links", rule="hdf5.link.count")
        prefix = group.name + "/" if group.name else ""
        for link in reversed(links):
            self.todo.append((prefix + link.decode("utf-8", "backslashreplace"), group.handle, link, group.depth + 1))

    def _visit(self, name: str, parent: Any, link: bytes, depth: int) -> None:
        _check_link(parent, link)
        info = h5o.get_info(parent, link)
        former = self.seen.setdefault(_identity(info), name)
        if former != name or not name:
            self._again(name, former, info)
        elif info.type == h5o.TYPE_GROUP:
            if depth > _DEEPEST:
                raise LimitError(f"groups are nested more than {_DEEPEST} deep", rule="hdf5.group.depth")
            self._group(Group(name, h5g.open(parent, link), depth))
        elif info.type == h5o.TYPE_DATASET:
            if len(name.encode()) > _MOST_NAME:
                raise UnsupportedError(f"its name has more than {_MOST_NAME} bytes", rule="hdf5.name.length")
            self.found.datasets.append(self._dataset(name, h5d.open(parent, link)))

    def _again(self, name: str, former: str, info: Any) -> None:
        if info.type == h5o.TYPE_GROUP:
            where = repr(former) if former else "the root"
            self.found.notes.append(f"{name!r} is another name of the group {where}: it was read once, by that name")
        elif info.type == h5o.TYPE_DATASET:
            self.found.aliases.append((name, former))

    # --- one dataset ---

    def _dataset(self, name: str, handle: Any) -> Dataset:
        properties = handle.get_create_plist()
        layout = properties.get_layout()
        # Before anything else: libhdf5 opens the other files of a virtual dataset when it is asked for the shape.
        if layout == h5d.VIRTUAL:
            raise RefusedError("its elements are in other files (a virtual dataset)", rule="hdf5.storage.virtual")
        if properties.get_external_count():
            raise RefusedError("its elements are in other files (external storage)", rule="hdf5.storage.external")
        kind = kind_of(handle.get_type())
        space = handle.get_space()
        if space.get_simple_extent_type() not in _SPACES:
            raise UnsupportedError("it has no shape (a null dataspace)", rule="hdf5.space.null")
        one = Dataset(name, handle, kind, tuple(int(size) for size in space.get_simple_extent_dims()))
        if math.prod(max(size, 1) for size in one.shape) * kind.stored.itemsize > _MOST_BYTES:
            raise FormatError(f"shape {one.shape} has too many elements", rule="hdf5.shape.overflow")
        if one.nbytes > self.decoded_bytes:
            raise LimitError(
                f"it has {one.nbytes} bytes, and the limit on decoded bytes is {self.decoded_bytes}",
                rule="hdf5.decoded.limit",
            )
        self._place(one, properties, layout)
        return one

    def _place(self, one: Dataset, properties: Any, layout: int) -> None:
        if one.nbytes == 0:
            one.constant = np.empty(one.shape, one.kind.stored)
        elif layout == h5d.COMPACT:
            if one.handle.get_storage_size() != one.nbytes:
                raise FormatError("its bytes in the header do not fit its shape", rule="hdf5.compact.length")
            one.constant = _read_compact(one)
        elif layout == h5d.CHUNKED:
            item = one.kind.stored.itemsize
            grid = Grid(one.handle, properties, one.shape, item, self.file_size, self.decoded_bytes)
            one.grid = grid if grid.chunks else None
            one.ranges = [(chunk.offset, chunk.size) for chunk in grid.chunks]
        elif layout == h5d.CONTIGUOUS:
            self._place_contiguous(one)
        else:
            raise UnsupportedError(f"storage layout {layout} is not known", rule="hdf5.storage.unknown")
        if one.constant is None and not one.ranges:
            one.constant = self._fill(one, properties)
        if any(offset < self.header_end for offset, _ in one.ranges):
            raise FormatError("its bytes would be those of the file's header", rule="hdf5.range.header")

    def _place_contiguous(self, one: Dataset) -> None:
        stored = one.handle.get_storage_size()
        if stored == 0:
            return  # never written
        if stored != one.nbytes:
            raise FormatError(f"it has {stored} bytes, and its shape takes {one.nbytes}", rule="hdf5.contiguous.length")
        offset = one.handle.get_offset()
        if offset is None or stored > self.file_size or offset > self.file_size - stored:
            raise FormatError(f"its {stored} bytes at {offset} are not in the file", rule="hdf5.contiguous.bounds")
        one.ranges = [(offset, stored)]

    def _fill(self, one: Dataset, properties: Any) -> Array:
        """The elements of a dataset that was never written. A file of a few bytes can have any number of them."""
        if one.nbytes > self.fill_left:
            raise LimitError(
                f"it was never written, and its {one.nbytes} bytes of fill values are more than the {self.fill_left} "
                f"that are left: a file may have {_MOST_FILL} of them",
                rule="hdf5.fill.size",
            )
        found = _fill(one, properties)
        self.fill_left -= one.nbytes
        return found

    # --- all datasets ---

    def _refuse_overlaps(self) -> None:
        """Datasets with the same bytes are one tensor with several names. Those that share some bytes are broken."""
        kept: list[Dataset] = []
        same: dict[Any, str] = {}
        for one in self.found.datasets:
            if not one.ranges:
                kept.append(one)
                continue
            key = (tuple(one.ranges), one.shape, one.kind, one.grid and (one.grid.chunk, tuple(one.grid.filters)))
            former = same.setdefault(key, one.name)
            if former == one.name:
                kept.append(one)
            else:
                self.found.aliases.append((one.name, former))
                self.found.notes.append(f"{one.name!r} has the same bytes in the file as {former!r}")
        for name in _overlapping(kept):
            self._refuse(name, FormatError("it shares bytes with another dataset", rule="hdf5.range.overlap"))
        self.found.datasets = [one for one in kept if one.name not in self.bad]
        self._refuse_aliases()

    def _refuse_aliases(self) -> None:
        causes = dict(self.found.unreadable)
        known = {one.name for one in self.found.datasets}
        aliases, self.found.aliases = self.found.aliases, []
        for name, former in aliases:
            if former in causes:
                self._refuse(name, causes[former])
            elif former in known and len(name.encode()) <= _MOST_NAME:
                self.found.aliases.append((name, former))
            else:
                self._refuse(
                    name, UnsupportedError(f"its name has more than {_MOST_NAME} bytes", rule="hdf5.name.length")
                )


_SPACES = (h5s.SCALAR, h5s.SIMPLE)


def _identity(info: Any) -> tuple[int, int]:
    return (int(info.fileno), int(info.addr))


def _order_of(group: Any) -> dict[str, Any]:
    """The order in which links were made, if the group keeps it; else libhdf5 gives the order of names."""
    tracked = group.get_create_plist().get_link_creation_order() & h5p.CRT_ORDER_TRACKED
    return {"idx_type": h5.INDEX_CRT_ORDER} if tracked else {}


_LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link to another file"}


def _check_link(parent: Any, link: bytes) -> None:
    try:
        link.decode()
    except UnicodeDecodeError:
        raise FormatError("its name is not UTF-8", rule="hdf5.link.name") from None
    if link in (b"", b".") or b"/" in link:
        raise FormatError("its name cannot be a part of a path", rule="hdf5.link.name")
    kind = parent.links.get_info(link).type
    if kind != h5l.TYPE_HARD:
        what = _LINKS.get(kind, "a link of a kind that is not known")
        raise RefusedError(f"it is {what}, which is not followed", rule="hdf5.link.kind")


def _read_compact(one: Dataset) -> Array:
    out = np.zeros(one.shape, one.kind.stored)
    one.handle.read(h5s.ALL, h5s.ALL, out.reshape(one.shape), mtype=one.handle.get_type())
    return out


def _fill(one: Dataset, properties: Any) -> Array:
    defined = properties.fill_value_defined()
    if defined == h5d.FILL_VALUE_UNDEFINED:
        raise FormatError("it was never written, and has no fill value", rule="hdf5.fill.undefined")
    value = np.zeros((), one.kind.stored)
    if defined == h5d.FILL_VALUE_USER_DEFINED:
        value = _user_fill(one, properties)
    return np.broadcast_to(value, one.shape)


def _user_fill(one: Dataset, properties: Any) -> Array:
    """The fill value as the file would store it. libhdf5 changes its type to that of the array, and knows no bfloat16.

    It pairs the members of records by name, so the array of a record has the names of the file.
    """
    is_bfloat16 = one.kind.logical == ml_dtypes.bfloat16
    names = members_of(one.handle.get_type())
    value: Array
    if names:
        part = f"{one.kind.stored.str[0]}f{one.kind.stored.itemsize // 2}"
        value = np.zeros((1,), [(name, part) for name in names])
    else:
        value = np.zeros((1,), np.bool_ if one.kind.is_bool else np.float32 if is_bfloat16 else one.kind.stored)
    properties.get_fill_value(value)
    if is_bfloat16:
        value = value.astype(ml_dtypes.bfloat16).view("<u2").astype(one.kind.stored)
    return value.view(one.kind.stored).reshape(())


def _overlapping(datasets: list[Dataset]) -> list[str]:
    """The names of the datasets of which some bytes are also those of another one, or of another chunk."""
    ranges = sorted((offset, length, one.name) for one in datasets for offset, length in one.ranges if length)
    found: dict[str, None] = {}
    end, owner = 0, ""
    for offset, length, name in ranges:
        if offset < end:
            found[owner] = None
            found[name] = None
        if offset + length > end:
            end, owner = offset + length, name
    return list(found)
