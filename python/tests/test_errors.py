"""Exceptions: their classes, codes and words."""

import errno
import os
import pickle
import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest

import ztensor

CLASSES = {
    ztensor.FormatError: (ValueError, "malformed"),
    ztensor.ChecksumError: (ValueError, "mismatch"),
    ztensor.UnsupportedError: (NotImplementedError, "unsupported"),
    ztensor.LimitError: (ValueError, "limit"),
    ztensor.RefusedError: (ValueError, "refused"),
    ztensor.TensorNotFoundError: (KeyError, "not_found"),
    ztensor.UsageError: (ValueError, "usage"),
    ztensor.InternalError: (RuntimeError, "internal"),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_each_class_is_also_the_built_in_one(kind):
    built_in, code = CLASSES[kind]
    assert issubclass(kind, ztensor.ZTensorError)
    assert issubclass(kind, built_in)
    error = kind("what happened", rule="a.rule")
    assert (str(error), error.code, error.rule) == ("what happened", code, "a.rule")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.code, again.rule) == (kind, "what happened", code, "a.rule")


def test_a_missing_tensor_is_named_without_quotes_around_the_message(tmp_path):
    path = tmp_path / "e.zt"
    with ztensor.Writer(path):
        pass
    with pytest.raises(ztensor.TensorNotFoundError) as caught:
        ztensor.open(path)["no"]
    assert "no" in str(caught.value)
    assert not str(caught.value).startswith(("'", '"'))
    assert caught.value.code == "not_found"


def test_what_the_system_refuses_is_the_plain_os_error(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        ztensor.open(tmp_path / "none.zt")
    assert caught.value.filename == str(tmp_path / "none.zt")
    assert caught.value.errno == 2
    assert type(caught.value) is FileNotFoundError
    with pytest.raises(ztensor.UsageError, match="the folder has no tensor files"):
        ztensor.open(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        ztensor.Writer(tmp_path / "no" / "such.zt")
    assert caught.value.filename.startswith(str(tmp_path / "no"))
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.zt")
    with pytest.raises(FileNotFoundError) as caught:
        ztensor.open(strange)
    assert caught.value.filename == strange
    with pytest.raises(ValueError, match="null"):
        ztensor.open("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_permission_error(tmp_path):
    path = tmp_path / "e.zt"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(PermissionError):
        ztensor.open(path)


@pytest.mark.parametrize("data", [b"", b"x", b"ZTEN1000", b"ZTEN1000" + bytes(8) + b"ZTEN1000", os.urandom(1000)])
def test_what_is_no_tensor_file_is_refused_with_a_rule(tmp_path, data):
    path = tmp_path / "bad.zt"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises((ztensor.FormatError, ztensor.UnsupportedError)) as caught:
            ztensor.open(source)
        assert caught.value.rule
    with pytest.raises(ztensor.ZTensorError, match=r"bad\.zt"):
        ztensor.open(path)


@pytest.mark.parametrize("source", [5, None, 1.5, {}, object()])
def test_a_wrong_source_is_a_type_error(source):
    with pytest.raises(TypeError):
        ztensor.open(source)


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda path: ztensor.Writer(path, mode=1), "mode must be a str, not int"),
        (lambda path: ztensor.Writer(path, compress="zstd"), "compress must be a bool, a zstd level"),
        (lambda path: ztensor.Writer(path, alignment="64"), "alignment must be an int, not str"),
        (lambda path: ztensor.Writer(path, threads=1.5), "threads must be an int, not float"),
        (
            lambda path: ztensor.Writer(path, max_shard_size=5.0),
            "max_shard_size must be a number of bytes, or a",
        ),
        (lambda path: ztensor.Writer(path, canonical="yes"), "canonical must be a bool or None, not str"),
        (lambda path: ztensor.open(path, backend=None), "backend must be a str, not NoneType"),
        (lambda path: ztensor.open(path, verify="no"), "verify must be a bool or None, not str"),
        (lambda path: ztensor.Limits(rank="a"), "limits: rank must be an int, not str"),
        (lambda path: ztensor.convert(None, path), "inputs must be a path or a list of paths, not NoneType"),
    ],
)
def test_arguments_of_a_wrong_type_are_named(tmp_path, call, what):
    with pytest.raises(TypeError) as caught:
        call(tmp_path / "t.zt")
    assert str(caught.value).startswith(what)


def test_parts_and_errors_of_arrays_keep_their_own(tmp_path):
    class OddError(TypeError):
        args = property(lambda self: ("fixed",))

    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise OddError("fixed")

    with ztensor.Writer(tmp_path / "t.zt") as writer:
        with pytest.raises(OddError):
            writer.add_tensor("t", Odd())
        with pytest.raises(TypeError, match=r"^tensor 't': part 'q': expected an array"):
            writer.add_object("t", (1,), "own", {"q": 5})
        with pytest.raises(TypeError, match=r"^parts must be a dict of arrays, not list$"):
            writer.add_object("t", (1,), "own", [np.zeros(1)])
        with pytest.raises(TypeError, match=r"^a tensor's name must be a str, not int$"):
            writer.add_object(5, (1,), "own", {"q": 5})


def test_wrong_options_are_usage_errors(tmp_path):
    path = tmp_path / "e.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.ones(3))
    reader = ztensor.open(path)
    for use in (
        lambda: ztensor.open(path, backend="tape"),
        lambda: ztensor.open(path.read_bytes(), backend="tape"),
        lambda: ztensor.open(path, threads=0),
        lambda: ztensor.open(path, threads=1025),
        lambda: ztensor.Limits(rank=-1),
        lambda: reader.read_tensor("t", to="list"),
        lambda: reader.read_tensor("t", device="cuda"),
    ):
        with pytest.raises(ztensor.UsageError):
            use()
    for use in (lambda: ztensor.open(path, verify="yes"), lambda: ztensor.open(path, limits=5)):
        with pytest.raises(TypeError):
            use()


def test_a_file_that_is_cut_while_open_is_an_os_error_that_names_the_tensor(tmp_path):
    path = tmp_path / "cut.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.ones(1000))
    reader = ztensor.open(path, backend="read")
    os.truncate(path, 100)
    with pytest.raises(OSError, match="tensor 't'") as caught:
        reader.read_tensor("t")
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(path))
    assert "cut" in caught.value.strerror
    assert str(path) not in caught.value.strerror
    assert str(path) in str(caught.value)


def test_a_part_of_half_an_element_is_malformed(tmp_path):
    path = tmp_path / "half.zt"
    with ztensor.Writer(path) as writer:
        writer.add_object("t", (3,), "own.layout/1", {"data": np.arange(3, dtype=np.uint16)})
    data = path.read_bytes()
    assert data.count(b"u16") == 1
    path.write_bytes(data.replace(b"u16", b"f32"))
    with pytest.raises(ztensor.FormatError, match=r"half\.zt: tensor 't': part 'data': 6 bytes") as caught:
        ztensor.open(path)["t"].parts["data"]
    assert caught.value.rule == "part.length"


def test_an_array_that_numpy_cannot_have_is_unsupported(tmp_path):
    path = tmp_path / "high.zt"
    limits = ztensor.Limits(rank=100)
    with ztensor.Writer(path, limits=limits) as writer:
        writer.add_object("t", (1,) * 65, "dense", {"data": np.zeros(1)})
    tensor = ztensor.open(path, limits=limits)["t"]
    assert tensor.ndim == 65
    with pytest.raises(ztensor.UnsupportedError, match=r"high\.zt: tensor 't': NumPy") as caught:
        tensor.numpy()
    assert caught.value.rule == "python.array"


def test_an_unknown_layout_has_a_rule_and_names_the_file(tmp_path):
    path = tmp_path / "own.zt"
    with ztensor.Writer(path) as writer:
        writer.add_object("t", (3,), "own.layout/1", {"data": np.zeros(3)})
    with pytest.raises(ztensor.UnsupportedError, match=r"own\.zt: .*own\.layout/1") as caught:
        ztensor.open(path).read_tensor("t")
    assert caught.value.rule == "layout.unknown"


def test_limits_are_kept(tmp_path):
    path = tmp_path / "e.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("t", np.ones((1, 1, 1)))
    with pytest.raises(ztensor.LimitError):
        ztensor.open(path, limits=ztensor.Limits(index_bytes=4))
    parts = {f"p{i}": np.zeros(1) for i in range(300)}
    with ztensor.Writer(path, limits=ztensor.Limits(parts=300)) as writer:
        writer.add_object("t", (1,), "own.layout/1", parts)
    assert isinstance(ztensor.open(path).unreadable["t"], ztensor.LimitError)
    assert len(ztensor.open(path, limits=ztensor.Limits(parts=300))["t"].parts) == 300
    with pytest.raises(ztensor.UsageError):
        ztensor.Limits(parts=-1)


def test_importing_loads_neither_torch_nor_scipy():
    program = "import sys, ztensor; print([n for n in ('torch', 'scipy', 'jax') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nothing_is_left_out_of_the_public_names():
    assert sorted(ztensor.__all__) == ztensor.__all__
    assert all(hasattr(ztensor, name) for name in ztensor.__all__)
    assert ztensor.__version__ == "0.1.0"


def test_advice_is_in_words_of_python(tmp_path):
    a, b = tmp_path / "a.zt", tmp_path / "b.zt"
    for path in (a, b):
        with ztensor.Writer(path) as writer:
            writer.add_tensor("x", np.arange(3.0))
    with pytest.raises(FileExistsError, match="not replaced: File exists; pass force=True to replace it"):
        ztensor.convert(a, b)
    with pytest.raises(ztensor.UsageError, match=r"not a regular file; .*Writer\(open\(path, 'wb'\)\)"):
        ztensor.Writer("/dev/null")
    with pytest.raises(ztensor.UsageError, match="`from_` is the format of the inputs"):
        ztensor.convert(a, tmp_path / "c.zt", from_="2")
    with pytest.raises(FileNotFoundError, match="'': a path must not be empty"):
        ztensor.open("")


def test_a_warning_names_the_line_of_the_caller(tmp_path):
    header = b'{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":0}}'
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"a")
    for work in (lambda: ztensor.open(path), lambda: ztensor.Reader(path), lambda: ztensor.Reader(path.read_bytes())):
        with pytest.warns(UserWarning, match="1 entry has fields") as found:
            work().close()
        line = work.__code__.co_firstlineno
        assert [(warning.filename, warning.lineno) for warning in found] == [(__file__, line)]


def in_child_as_nobody(work):
    """Runs `work` in a process of another user, and returns the result."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            code = int(work())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_what_a_replaced_file_had_and_the_new_one_cannot_have_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save():
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            with ztensor.Writer("a.zt") as writer:
                writer.add_tensor("x", np.arange(3.0))
        assert all(warning.filename == __file__ for warning in found)
        return [str(warning.message) for warning in found]

    assert save() == []
    tmp_path.chmod(0o777)
    assert (
        in_child_as_nobody(
            lambda: [text.split(" could")[0] for text in save()] != ["a.zt: its owner 0", "a.zt: its group 0"]
        )
        == 0
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_file_that_may_only_be_written_in_place_leads_to_a_file_object(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.zt").write_bytes(b"old")
    (tmp_path / "a.zt").chmod(0o666)
    tmp_path.chmod(0o555)

    def work():
        try:
            ztensor.Writer("a.zt")
        except PermissionError as error:
            return "Writer(open(path, 'wb'))" not in str(error)
        return 2

    assert in_child_as_nobody(work) == 0
    tmp_path.chmod(0o755)


@pytest.mark.parametrize("threads", ["abc", "0", "-2", "1025"])
def test_a_number_of_threads_that_is_none_is_a_usage_error(tmp_path, monkeypatch, threads):
    with ztensor.Writer(tmp_path / "a.zt") as writer:
        writer.add_tensor("x", np.arange(3.0), compress=True)
    monkeypatch.setenv("ZTENSOR_THREADS", threads)
    with pytest.raises(ztensor.UsageError, match=f"ZTENSOR_THREADS is '{threads}': expected a whole number"):
        ztensor.verify(tmp_path / "a.zt")
    with pytest.raises(ztensor.UsageError, match="ZTENSOR_THREADS"):
        ztensor.Writer(tmp_path / "b.zt")
    ztensor.verify(tmp_path / "a.zt", threads=1)
    if threads != "abc":
        with pytest.raises(ztensor.UsageError, match="expected 1 to 1024"):
            ztensor.verify(tmp_path / "a.zt", threads=int(threads))


def test_out_of_memory_names_the_tensor(tmp_path):
    program = """if True:
        import numpy as np, resource, ztensor
        with ztensor.Writer("a.zt") as writer:
            writer.add_tensor("x", np.zeros(30_000_000), compress=True)
        size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + (4 << 20), size + (4 << 20)))
        try:
            ztensor.convert("a.zt", "b.zt", compress=False, threads=1)
        except MemoryError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "tensor 'x'" in done.stdout
    assert "no memory" in done.stdout
    assert sorted(os.listdir(tmp_path)) == ["a.zt"]
