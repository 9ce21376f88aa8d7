"""Hostile datasets of HDF5 files: each is unreadable by itself, and hides no other. The ids H5-nn name their kinds."""

import types
import zlib

import numpy as np
import pytest
from conftest import same_bits
from hdf5_files import add_typed, one_dataset

import ztensor
from ztensor import _hdf5

h5py = pytest.importorskip("h5py", reason="h5py is not installed: nothing can make or read HDF5 files")
from h5py import h5d, h5p, h5s, h5t  # noqa: E402

from ztensor import _hdf5_chunks, _hdf5_types, _hdf5_walk  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::h5py.h5py_warnings.H5pyDeprecationWarning")


def add_chunks(file, name, shape, chunk, pieces, *, mask=0, dtype="u1", **options):
    dataset = file.create_dataset(name, shape, dtype, chunks=chunk, **options)
    for i, piece in enumerate(pieces):
        dataset.id.write_direct_chunk((i * chunk[0],), piece, filter_mask=mask)


def add_stacked(file, name):
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk((64,))
    for _ in range(32):
        properties.set_deflate(9)
    kind = h5t.STD_U8LE
    h5d.create(file.id, name.encode(), kind, h5s.create_simple((64,)), properties).write(
        h5s.ALL, h5s.ALL, np.zeros(64, "u1")
    )


def add_virtual(file, name):
    whole = h5s.create_simple((4, 16), (h5s.UNLIMITED, 16))
    whole.select_hyperslab((0, 0), (h5s.UNLIMITED, 1), (1, 16), (1, 16))
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_virtual(whole, b"source-%b.h5", b"a", h5s.create_simple((1, 16)))
    h5d.create(file.id, name.encode(), h5t.IEEE_F32LE, h5s.create_simple((4, 16), (h5s.UNLIMITED, 16)), properties)


def enum_type(base, **values):
    kind = h5t.enum_create(base)
    for name, value in values.items():
        kind.enum_insert(name.encode(), value)
    return kind


def compound_type(size, *members):
    kind = h5t.create(h5t.COMPOUND, size)
    for name, at, member in members:
        kind.insert(name.encode(), at, member)
    return kind


def changed(kind, change):
    copy = kind.copy()
    change(copy)
    return copy


BOMB = 32 << 20
F4, F8 = h5t.IEEE_F32LE, h5t.IEEE_F64LE
TYPES = {  # H5-18, H5-19, H5-20
    "f32-bias-126": changed(F4, lambda t: t.set_ebias(126)),
    "i24-in-4": changed(h5t.STD_I32LE, lambda t: t.set_precision(24)),
    "i31-in-4": changed(h5t.STD_I32LE, lambda t: t.set_precision(31)),
    "enum-exchanged": enum_type(h5t.STD_I8LE, FALSE=1, TRUE=0),
    "enum-of-3": enum_type(h5t.STD_I8LE, FALSE=0, TRUE=1, OTHER=2),
    "enum-lower-case": enum_type(h5t.STD_I8LE, false=0, true=1),
    "enum-of-i32": enum_type(h5t.STD_I32LE, FALSE=0, TRUE=1),
    "mixed": compound_type(12, ("r", 0, F4), ("i", 4, h5t.STD_I64LE)),
    "mixed-floats": compound_type(12, ("r", 0, F4), ("i", 4, F8)),
    "i-before-r": compound_type(8, ("i", 0, F4), ("r", 4, F4)),
    "other-names": compound_type(8, ("x", 0, F4), ("y", 4, F4)),
    "padded": compound_type(12, ("r", 0, F4), ("i", 4, F4)),
    "padded-inside": compound_type(12, ("r", 0, F4), ("i", 8, F4)),
    "three": compound_type(12, ("r", 0, F4), ("i", 4, F4), ("j", 8, F4)),
    "members": compound_type(4000, *((f"m{i}", 4 * i, F4) for i in range(1000))),
    "opaque": h5t.create(h5t.OPAQUE, 4),
    "array": h5t.array_create(F4, (2,)),
    "bits": h5t.STD_B8LE,
    "reference": h5t.STD_REF_OBJ,
}
DATASETS = (
    {  # name -> how to add it, the code and the rule
        "bomb": (  # H5-03
            lambda f, n: add_chunks(f, n, (4096,), (4096,), [zlib.compress(bytes(BOMB), 9)], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "short": (  # H5-04
            lambda f, n: add_chunks(f, n, (64,), (64,), [zlib.compress(b"abcd")], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "tail": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [zlib.compress(bytes(64)) + b"x"], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "cut": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [zlib.compress(bytes(64))[:-2]], compression="gzip"),
            "malformed",
            "hdf5.chunk.deflate",
        ),
        "masked-short": (  # H5-07
            lambda f, n: add_chunks(f, n, (64,), (64,), [bytes(16)], mask=1, compression="gzip"),
            "malformed",
            "hdf5.chunk.length",
        ),
        "missing": (  # H5-06
            lambda f, n: add_chunks(f, n, (64,), (32,), [bytes(32)]),
            "malformed",
            "hdf5.chunk.missing",
        ),
        "checksum": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [bytes(64) + b"abcd"], fletcher32=True),
            "malformed",
            "hdf5.chunk.checksum",
        ),
        "checksum-alone": (
            lambda f, n: add_chunks(f, n, (64,), (64,), [b"abc"], fletcher32=True),
            "malformed",
            "hdf5.chunk.checksum",
        ),
        "stacked": (add_stacked, "unsupported", "hdf5.filter.twice"),  # H5-08
        "lzf": (  # H5-10
            lambda f, n: f.create_dataset(n, data=np.arange(99), chunks=(9,), compression="lzf"),
            "unsupported",
            "hdf5.filter.unknown",
        ),
        "scaled": (
            lambda f, n: f.create_dataset(n, data=np.arange(99), chunks=(9,), scaleoffset=0),
            "unsupported",
            "hdf5.filter.unknown",
        ),
        "external": (  # H5-11
            lambda f, n: f.create_dataset(n, (4,), "u1", external=[("/etc/hostname", 0, 4)]),
            "refused",
            "hdf5.storage.external",
        ),
        "external-up": (
            lambda f, n: f.create_dataset(n, (4,), "u1", external=[("../x", 0, 4)]),
            "refused",
            "hdf5.storage.external",
        ),
        "external-origin": (
            lambda f, n: f.create_dataset(n, (4,), "u1", external=[("${ORIGIN}/x", 0, 4)]),
            "refused",
            "hdf5.storage.external",
        ),
        "soft": (lambda f, n: f.__setitem__(n, h5py.SoftLink("/soft2")), "refused", "hdf5.link.kind"),  # H5-12
        "soft2": (lambda f, n: f.__setitem__(n, h5py.SoftLink("/soft")), "refused", "hdf5.link.kind"),
        "soft-external": (lambda f, n: f.__setitem__(n, h5py.SoftLink("/linked")), "refused", "hdf5.link.kind"),
        "linked": (lambda f, n: f.__setitem__(n, h5py.ExternalLink("o.h5", "/x")), "refused", "hdf5.link.kind"),
        "virtual": (add_virtual, "refused", "hdf5.storage.virtual"),  # H5-13
        "huge": (
            lambda f, n: f.create_dataset(n, (1 << 40,), "f4", chunks=(1 << 20,)),
            "limit",
            "hdf5.fill.size",
        ),  # H5-15
        "huge-contiguous": (lambda f, n: f.create_dataset(n, (1 << 40,), "f4"), "limit", "hdf5.fill.size"),
        "huge-empty": (lambda f, n: f.create_dataset(n, (0, 1 << 62, 8), "f4"), "malformed", "hdf5.shape.overflow"),
        "text": (lambda f, n: f.__setitem__(n, "text"), "unsupported", "hdf5.type.unknown"),  # H5-21
        "texts": (
            lambda f, n: f.__setitem__(n, np.array(["a", "b"], dtype=object)),
            "unsupported",
            "hdf5.type.unknown",
        ),
        "fixed": (lambda f, n: f.__setitem__(n, np.array([b"ab"])), "unsupported", "hdf5.type.unknown"),
        "lists": (
            lambda f, n: f.create_dataset(n, (2,), h5py.vlen_dtype(np.int32)),
            "unsupported",
            "hdf5.type.unknown",
        ),
        "null": (lambda f, n: f.__setitem__(n, h5py.Empty("f4")), "unsupported", "hdf5.space.null"),
        "bool-7": (  # H5-19
            lambda f, n: add_typed(f, n, enum_type(h5t.STD_I8LE, FALSE=0, TRUE=1), np.full(3, 7, "i1"), (3,)),
            "malformed",
            "hdf5.bool.value",
        ),
        "n" * 1025: (lambda f, n: f.__setitem__(n, np.zeros(1)), "unsupported", "hdf5.name.length"),
    }
    | {
        name: (
            lambda f, n, kind=kind: h5d.create(f.id, n.encode(), kind, h5s.create_simple((2,))),
            "unsupported",
            "hdf5.type.unknown",
        )
        for name, kind in TYPES.items()
    }
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    path = tmp_path_factory.mktemp("hdf5") / "hostile.h5"
    with h5py.File(path, "w") as file:
        for name, (add, _, _) in DATASETS.items():
            add(file, name)
        file["good"] = np.arange(3)
        add_chunks(file, "masked", (64,), (64,), [bytes(range(64))], mask=1, compression="gzip")  # H5-07: a control
        file[".."] = np.arange(4)  # H5-12: a name like any other
    return ztensor.open(path)


@pytest.mark.parametrize("name", DATASETS)
def test_a_hostile_dataset_is_unreadable_with_its_cause(hostile, name):
    _, code, rule = DATASETS[name]
    cause = hostile.unreadable[name]
    assert (cause.code, cause.rule) == (code, rule)
    assert name not in hostile
    with pytest.raises(type(cause)):
        hostile.read_tensor(name)
    assert any(repr(name) in note for note in hostile.notes)


def test_hostile_datasets_hide_no_other(hostile):
    assert sorted(hostile) == ["..", "good", "masked"]
    assert set(hostile.unreadable) == set(DATASETS)
    same_bits(hostile.read_tensor("good"), np.arange(3))
    same_bits(hostile.read_tensor("masked"), np.arange(64, dtype="u1"))
    assert set(hostile.verify().unreadable) == set(DATASETS)


def test_a_limit_on_decoded_bytes_holds_before_anything_is_decoded(tmp_path):
    source = one_dataset(tmp_path / "m.h5")
    with h5py.File(source, "a") as file:
        file["b"] = np.zeros(100)
    reader = ztensor.open(source, limits=ztensor.Limits(decoded_bytes=100))
    assert list(reader) == ["a"]
    assert reader.unreadable["b"].rule == "hdf5.decoded.limit"


# --- what libhdf5 might say: today's versions refuse some of it themselves --------------------------------------------


class Says:
    """An object of h5py whose methods return what the test wants."""

    def __init__(self, **answers):
        for name, answer in answers.items():
            setattr(self, name, lambda *_, answer=answer: answer)


class Chunks(Says):
    def chunk_iter(self, take):
        for origin, offset, size in self.chunks():
            take(types.SimpleNamespace(chunk_offset=origin, filter_mask=0, byte_offset=offset, size=size))


def walk(file_size=1000):
    return _hdf5_walk.Walk(Says(get_create_plist=Says(get_userblock=512)), file_size, None)


def contiguous(size=16, offset=600):
    handle = Says(get_storage_size=size, get_offset=offset)
    return _hdf5_walk.Dataset("d", handle, _hdf5_types.kind_of(F4), (4,))


def grid(shape, chunk, *chunks, filters=(), decoded_bytes=1 << 30):
    properties = Says(get_chunk=chunk, get_nfilters=len(filters), get_filter=filters and filters[0])
    handle = Chunks(get_num_chunks=len(chunks), chunks=chunks, read_direct_chunk=(1, b"abcd"))
    return _hdf5_chunks.Grid(handle, properties, shape, 4, 1000, decoded_bytes)


NO_FILL = Says(fill_value_defined=h5d.FILL_VALUE_UNDEFINED)


@pytest.mark.parametrize(
    ("work", "rule"),
    [
        (lambda: walk()._place_contiguous(contiguous(size=12)), "hdf5.contiguous.length"),
        (lambda: walk()._place_contiguous(contiguous(offset=985)), "hdf5.contiguous.bounds"),
        (lambda: walk()._place_contiguous(contiguous(offset=2**64 - 8)), "hdf5.contiguous.bounds"),
        (lambda: walk()._place_contiguous(contiguous(offset=None)), "hdf5.contiguous.bounds"),
        (lambda: walk()._place(contiguous(offset=100), None, h5d.CONTIGUOUS), "hdf5.range.header"),
        (lambda: walk()._place(contiguous(size=12), None, h5d.COMPACT), "hdf5.compact.length"),
        (lambda: walk()._place(contiguous(), None, 9), "hdf5.storage.unknown"),
        (lambda: _hdf5_walk._fill(contiguous(), NO_FILL), "hdf5.fill.undefined"),
        (lambda: grid((8,), (4, 1)), "hdf5.chunk.shape"),
        (lambda: grid((8,), (0,)), "hdf5.chunk.shape"),
        (lambda: grid((8,), (1 << 30,)), "hdf5.chunk.shape"),
        (lambda: grid((8,), (4,), ((0,), 600, 16), ((0,), 700, 16)), "hdf5.chunk.place"),
        (lambda: grid((8,), (4,), ((0,), 600, 16), ((3,), 700, 16)), "hdf5.chunk.place"),
        (lambda: grid((8,), (4,), ((0,), 600, 16), ((8,), 700, 16)), "hdf5.chunk.place"),
        (lambda: grid((8,), (4,), ((0,), 600, 16)), "hdf5.chunk.missing"),
        (lambda: grid((4,), (4,), ((0,), 985, 16)), "hdf5.chunk.bounds"),
        (lambda: grid((4,), (4,), ((0,), 0, 2**32 - 1)), "hdf5.chunk.bounds"),
        (lambda: grid((4,), (4,), ((0,), 600, 16)).fill(np.zeros(4, "<f4")), "hdf5.chunk.bounds"),
        (lambda: grid((4,), (4,), filters=[(2, 0, (), b"")]), "hdf5.filter.shuffle"),
        (lambda: grid((4,), (1 << 20,), ((0,), 600, 16), decoded_bytes=(4 << 20) - 1), "hdf5.decoded.limit"),
        (lambda: grid((4,), (1 << 20,), ((0,), 600, 16), filters=[(1, 0, (), b"")]), "hdf5.chunk.ratio"),
    ],
)  # fmt: skip
def test_what_libhdf5_says_is_checked(work, rule):
    with pytest.raises(ztensor.ZTensorError) as caught:
        work()
    assert caught.value.rule == rule


def test_links_are_counted(monkeypatch, tmp_path):
    monkeypatch.setattr(_hdf5_walk, "_MOST_OBJECTS", 3)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for i in range(4):
            file.create_group(f"g{i}")
        with pytest.raises(ztensor.LimitError) as caught:
            _hdf5_walk.Walk(file.id, 10000, None).run(file["/"].id)
    assert caught.value.rule == "hdf5.link.count"


def test_attributes_have_a_limit(tmp_path, monkeypatch):
    source = one_dataset(tmp_path / "m.h5")
    with h5py.File(source, "a") as file:
        file.attrs["text"] = "x" * 1000
    monkeypatch.setattr(_hdf5, "_MAIN", _hdf5._START + "child._MOST_ATTRIBUTES = 500; child.main(sys.argv[1:])")
    with pytest.raises(ztensor.LimitError) as caught:
        ztensor.open(source)
    assert caught.value.rule == "hdf5.attribute.size"


@pytest.mark.parametrize("names", [("r", "i"), ("real", "imag")])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_complex_dataset_that_was_never_written_has_its_fill_value(tmp_path, names, order):
    kind = np.dtype([(name, f"{order}f4") for name in names])
    value = np.array([(1.5, -2.0)], kind)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("never", (3,), kind, fillvalue=value[0])
    assert ztensor.open(tmp_path / "m.h5")["never"].numpy().tolist() == [1.5 - 2j] * 3


def test_all_fill_values_of_a_file_have_one_limit(monkeypatch, tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for name in "abc":
            file.create_dataset(name, (150,), "u1", fillvalue=3)
    monkeypatch.setattr(_hdf5_walk, "_MOST_FILL", 300)
    with h5py.File(tmp_path / "m.h5") as file:
        listing = _hdf5_walk.Walk(file.id, 10000, 1 << 30).run(file["/"].id)
    assert [one.name for one in listing.datasets] == ["a", "b"]
    assert [(name, error.rule) for name, error in listing.unreadable] == [("c", "hdf5.fill.size")]


def test_an_attribute_with_more_elements_than_the_limit_is_left_out(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w", libver="latest") as file:  # large attributes
        file.create_dataset("a", data=np.zeros(2, "f4"))
        file["a"].attrs.create("many", np.zeros((1 << 20) + 1, "u1"))
        file["a"].attrs["few"] = np.arange(3)
        file.attrs.create("empty", np.zeros((1 << 19, 0, 3), "u1"))
    found = ztensor.open(tmp_path / "m.h5")
    assert found["a"].attributes == {"few": [0, 1, 2]}
    assert any("1048577 elements" in note for note in found.notes)
    assert "empty" not in found.attributes
