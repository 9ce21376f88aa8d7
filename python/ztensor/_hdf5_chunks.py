"""Chunks of an HDF5 dataset: where they lie, and how their filters are undone. It runs in the child process alone.

We undo the filters ourselves. libhdf5 grows its buffer without a bound while it inflates. If a chunk inflates to fewer
bytes than the chunk has, libhdf5 gives memory that it never wrote.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ._errors import FormatError, LimitError, UnsupportedError

Array = np.ndarray[Any, Any]

_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_MOST_CHUNK = 2**32 - 1  # bytes, by the format
_MOST_DEFLATE = 1032  # bytes that a stored byte of deflate can give


class Chunk(NamedTuple):
    origin: tuple[int, ...]
    mask: int  # bit i: filter i was left out
    offset: int
    size: int  # bytes in the file


class Filter(NamedTuple):
    number: int
    parameters: tuple[int, ...]


class Grid:
    """The chunks of one dataset, all checked."""

    def __init__(
        self, dataset: Any, properties: Any, shape: tuple[int, ...], item: int, file_size: int, decoded_bytes: int
    ) -> None:
        self.dataset, self.shape, self.item = dataset, shape, item
        self.chunk: tuple[int, ...] = tuple(properties.get_chunk())
        if len(self.chunk) != len(shape) or min(self.chunk) < 1 or math.prod(self.chunk) * item > _MOST_CHUNK:
            raise FormatError(f"chunks of shape {self.chunk} do not fit the tensor", rule="hdf5.chunk.shape")
        self.chunk_bytes = math.prod(self.chunk) * item
        self.filters = [_filter_of(properties.get_filter(i)) for i in range(properties.get_nfilters())]
        _check_filters(self.filters, item)
        self.chunks = _chunks_of(dataset)
        if self.chunks:
            self._check_places()
            self._check_sizes(decoded_bytes)
        for chunk in self.chunks:
            if chunk.size > file_size or chunk.offset > file_size - chunk.size:
                raise FormatError(
                    f"the chunk at {chunk.origin} has {chunk.size} bytes at {chunk.offset}, and the file ends before",
                    rule="hdf5.chunk.bounds",
                )

    def _check_places(self) -> None:
        seen = set()
        for chunk in self.chunks:
            on_grid = all(
                at % step == 0 and at < size
                for at, step, size in zip(chunk.origin, self.chunk, self.shape, strict=True)
            )
            if not on_grid or chunk.origin in seen:
                raise FormatError(
                    f"a chunk at {chunk.origin} is outside the grid, or is there twice", rule="hdf5.chunk.place"
                )
            seen.add(chunk.origin)
        wanted = math.prod(-(-size // step) for size, step in zip(self.shape, self.chunk, strict=True))
        if len(seen) != wanted:
            raise FormatError(f"{wanted - len(seen)} of {wanted} chunks were never written", rule="hdf5.chunk.missing")

    def _check_sizes(self, decoded_bytes: int) -> None:
        """A chunk may be larger than its dataset, and takes memory. So its size has to be explained before."""
        if self.chunk_bytes > decoded_bytes:
            raise LimitError(
                f"its chunks have {self.chunk_bytes} bytes, and the limit on decoded bytes is {decoded_bytes}",
                rule="hdf5.decoded.limit",
            )
        deflate = next((i for i, one in enumerate(self.filters) if one.number == _DEFLATE), None)
        for chunk in self.chunks:
            is_deflated = deflate is not None and not chunk.mask >> deflate & 1
            if is_deflated and self.chunk_bytes > _MOST_DEFLATE * chunk.size:
                raise FormatError(
                    f"the chunk at {chunk.origin} has {chunk.size} bytes, which cannot inflate to {self.chunk_bytes}",
                    rule="hdf5.chunk.ratio",
                )

    def fill(self, out: Array) -> None:
        """Puts the elements of all chunks into `out`, an array of the shape of the dataset and of stored elements."""
        for chunk in self.chunks:
            mask, stored = self._stored(chunk)
            if len(stored) != chunk.size or mask != chunk.mask:
                raise FormatError(
                    f"the chunk at {chunk.origin} does not have the size that the index says", rule="hdf5.chunk.bounds"
                )
            block = np.frombuffer(self._decode(stored, chunk), out.dtype).reshape(self.chunk)
            inside = tuple(
                slice(at, min(at + step, size))
                for at, step, size in zip(chunk.origin, self.chunk, self.shape, strict=True)
            )
            out[inside] = block[tuple(slice(0, part.stop - part.start) for part in inside)]

    def _stored(self, chunk: Chunk) -> tuple[int, bytes]:
        try:
            found: tuple[int, bytes] = self.dataset.read_direct_chunk(chunk.origin)
            return found
        except (OSError, RuntimeError, SystemError, ValueError) as error:
            raise FormatError(
                f"libhdf5 cannot read the chunk at {chunk.origin}: {error}", rule="hdf5.chunk.bounds"
            ) from None

    def _decode(self, data: bytes, chunk: Chunk) -> bytes:
        used = [one for i, one in enumerate(self.filters) if not chunk.mask >> i & 1]
        for i in reversed(range(len(used))):
            # A checksum that was added before this filter is part of what the filter made.
            want = self.chunk_bytes + 4 * sum(one.number == _FLETCHER32 for one in used[:i])
            if used[i].number == _DEFLATE:
                data = _inflate(data, want, chunk)
            elif used[i].number == _SHUFFLE:
                data = unshuffle(data, self.item)
            else:
                data = _checked(data, chunk)
        if len(data) != self.chunk_bytes:
            raise FormatError(
                f"the chunk at {chunk.origin} has {len(data)} bytes, not {self.chunk_bytes}", rule="hdf5.chunk.length"
            )
        return data


def _chunks_of(dataset: Any) -> list[Chunk]:
    found: list[Chunk] = []

    def take(info: Any) -> None:
        found.append(Chunk(tuple(info.chunk_offset), info.filter_mask, info.byte_offset, info.size))

    if dataset.get_num_chunks():
        dataset.chunk_iter(take)
    return found


def _filter_of(found: tuple[int, int, tuple[int, ...], bytes]) -> Filter:
    return Filter(found[0], tuple(found[2]))


def _check_filters(filters: list[Filter], item: int) -> None:
    numbers = [one.number for one in filters]
    for number in numbers:
        if number not in (_DEFLATE, _SHUFFLE, _FLETCHER32):
            raise UnsupportedError(
                f"its chunks went through filter {number}: only deflate, shuffle and fletcher32 are read",
                rule="hdf5.filter.unknown",
            )
    if len(set(numbers)) != len(numbers):
        raise UnsupportedError("its chunks went through one filter twice", rule="hdf5.filter.twice")
    for one in filters:
        if one.number == _SHUFFLE and one.parameters[:1] != (item,):
            raise FormatError(
                f"the shuffle filter is for elements of {one.parameters[:1]} bytes, not {item}",
                rule="hdf5.filter.shuffle",
            )


def _inflate(data: bytes, want: int, chunk: Chunk) -> bytes:
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, want + 1)  # one more: to see the end of the stream, or that there is none
    except zlib.error as error:
        raise FormatError(
            f"the chunk at {chunk.origin} is no zlib stream: {error}", rule="hdf5.chunk.deflate"
        ) from None
    if len(found) != want or not stream.eof or stream.unused_data:
        raise FormatError(
            f"the chunk at {chunk.origin} does not inflate to exactly {want} bytes", rule="hdf5.chunk.deflate"
        )
    return found


def unshuffle(data: bytes, item: int) -> bytes:
    """Puts the bytes of each element together again. The bytes after the last whole element stay where they are."""
    whole = len(data) // item * item
    planes = np.frombuffer(data, np.uint8, whole).reshape(item, -1)
    joined: bytes = planes.T.tobytes()
    return joined + data[whole:]


def _checked(data: bytes, chunk: Chunk) -> bytes:
    if len(data) < 4:
        raise FormatError(f"the chunk at {chunk.origin} has no checksum", rule="hdf5.chunk.checksum")
    body, stored = data[:-4], data[-4:]
    right = fletcher32(body)
    # Versions of libhdf5 before 1.6.3 exchanged the bytes of each half.
    exchanged = bytes((stored[1], stored[0], stored[3], stored[2]))
    for bytes_of_sum in (stored, exchanged):
        value = int.from_bytes(bytes_of_sum, "little")
        if ((value >> 16) % 65535, (value & 0xFFFF) % 65535) == right:
            return body
    raise FormatError(f"the checksum of the chunk at {chunk.origin} is wrong", rule="hdf5.chunk.checksum")


def fletcher32(data: bytes) -> tuple[int, int]:
    """The two sums of Fletcher's checksum over big-endian words of 16 bits, both modulo 65535: the second one first."""
    first = second = 0
    for words in _words(data):
        count = len(words)
        second = (second + count * first + int((words * np.arange(count, 0, -1, dtype=np.uint64)).sum())) % 65535
        first = (first + int(words.sum())) % 65535
    return second, first


def _words(data: bytes) -> Iterator[Array]:
    step = 1 << 20  # bytes; so no sum reaches 2**64
    for at in range(0, len(data), step):
        piece = data[at : at + step]
        yield np.frombuffer(piece + b"\0" * (len(piece) % 2), ">u2").astype(np.uint64)
