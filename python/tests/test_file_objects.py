"""File objects of callers: which ones we call, and that we check what they return."""

import errno
import io
import os
import tempfile

import numpy as np
import pytest

import ztensor


class Remote:
    """Has only the methods that we need. Each method can be made to return something else."""

    def __init__(self, data, **returns):
        self.file = io.BytesIO(data)
        self.returns = returns

    def _result(self, method, value):
        wanted = self.returns.get(method, lambda value: value)
        return wanted(value) if callable(wanted) else wanted

    def read(self, count=-1):
        return self._result("read", self.file.read(count))

    def seek(self, offset, whence=0):
        return self._result("seek", self.file.seek(offset, whence))

    def tell(self):
        return self._result("tell", self.file.tell())


class RemoteInto(Remote):
    def readinto(self, buffer):
        return self._result("readinto", self.file.readinto(buffer))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.zt"
    with ztensor.Writer(path) as writer:
        writer.add_tensor("x", np.arange(5.0))
        writer.add_tensor("packed", np.arange(100_000) // 1000, compress=True)
    return path


@pytest.mark.parametrize("kind", [Remote, RemoteInto])
def test_a_file_object_may_do_the_least_that_it_must(path, kind):
    for returns in ({}, {"seek": lambda value: None}, {"seek": np.int64, "tell": np.int32, "readinto": np.int64}):
        reader = ztensor.open(kind(path.read_bytes(), **returns))
        assert reader.read_tensor("x").tolist() == list(range(5))
        assert reader.read_tensor("packed")[-1] == 99


def test_a_file_object_may_read_less_than_it_is_asked_for(path):
    class Short(io.BytesIO):
        def read(self, count=-1):
            return super().read(min(count, 7))

        def readinto(self, buffer):
            return super().readinto(memoryview(buffer)[:7])

    assert ztensor.open(Short(path.read_bytes())).read_tensor("x").tolist() == list(range(5))


@pytest.mark.parametrize(
    ("method", "result", "kind", "message"),
    [
        ("seek", "10", TypeError, r"seek\(\) of the file object returned str, not an int"),
        ("seek", 1.0, TypeError, r"seek\(\) of the file object returned float, not an int"),
        ("seek", -1, ValueError, r"seek\(\) of the file object returned -1: expected a number from 0"),
        ("seek", 2**63, ValueError, r"seek\(\) of the file object returned 2\*\*63 or more: expected a number"),
        ("seek", -(2**70), ValueError, r"seek\(\) of the file object returned less than -2\*\*63"),
        ("tell", None, TypeError, r"tell\(\) of the file object returned NoneType, not an int"),
        ("tell", -5, ValueError, r"tell\(\) of the file object returned -5"),
        ("read", "text", TypeError, r'read\(\) .* str, not bytes: open it in binary mode, "rb"'),
        ("read", 5, TypeError, r"read\(\) of the file object returned int, not bytes"),
        ("read", lambda data: data * 2, ValueError, r"read\(\) of the file object returned \d+ bytes, but"),
        ("read", None, BlockingIOError, r"read\(\) of the file object returned None"),
        ("read", b"", OSError, "ends before its size"),
        ("readinto", "text", TypeError, r"readinto\(\) of the file object returned str, not an int"),
        ("readinto", -1, ValueError, r"readinto\(\) of the file object returned -1"),
        ("readinto", 2**40, ValueError, r"readinto\(\) of the file object returned 1099511627776: expected"),
        ("readinto", 2**80, ValueError, r"readinto\(\) of the file object returned 2\*\*63 or more"),
        ("readinto", None, BlockingIOError, r"readinto\(\) of the file object returned None"),
    ],
)
def test_what_a_file_object_returns_is_checked(path, method, result, kind, message):
    returns = {method: result}
    if method == "tell":
        returns["seek"] = lambda value: None
    file = (RemoteInto if method == "readinto" else Remote)(path.read_bytes(), **returns)
    with pytest.raises(kind, match=message):
        ztensor.open(file)


def test_a_seek_that_ends_elsewhere_is_an_error(path):
    reader = ztensor.open(file := Remote(path.read_bytes()))
    file.returns["seek"] = lambda position: position + 1
    with pytest.raises(ValueError, match=r"after seek\("):
        reader.read_tensor("x")
    file.returns = {"seek": lambda position: None, "tell": lambda position: position + 1}
    with pytest.raises(ValueError, match=r"after seek\("):
        reader.read_tensor("x")


def test_a_readinto_that_shrinks_what_it_fills_is_an_error(path):
    class Shrinking(Remote):
        def readinto(self, buffer):
            count = len(buffer)
            del buffer[:]
            return count

    with pytest.raises(ValueError, match="changed the size"):
        ztensor.open(Shrinking(path.read_bytes()))


class Sink:
    def __init__(self, result):
        self.result = result
        self.taken = b""

    def write(self, data):
        result = self.result(data) if callable(self.result) else self.result
        self.taken += data[:result] if isinstance(result, int) and result >= 0 else data
        return result


class RawSink(Sink, io.RawIOBase):
    def writable(self):
        return True


@pytest.mark.parametrize("kind", [Sink, RawSink])
def test_what_a_sink_takes_in_pieces_is_whole(kind):
    sink = kind(lambda data: min(len(data), 70_001))
    with ztensor.Writer(sink) as writer:
        writer.add_tensor("x", np.arange(300_000))
    assert np.array_equal(ztensor.open(sink.taken).read_tensor("x"), np.arange(300_000))


def test_none_of_a_sink_that_is_no_raw_stream_is_all():
    sink = Sink(None)
    with ztensor.Writer(sink) as writer:
        writer.add_tensor("x", np.arange(300_000))
    assert np.array_equal(ztensor.open(sink.taken).read_tensor("x"), np.arange(300_000))


@pytest.mark.parametrize(
    ("result", "kind", "message"),
    [
        ("all", TypeError, r"write\(\) of the file object returned str, not an int"),
        (2.0, TypeError, r"write\(\) of the file object returned float, not an int"),
        (-1, ValueError, r"write\(\) of the file object returned -1: expected a number from 0 to"),
        (2**62, ValueError, r"write\(\) of the file object returned 4611686018427387904: expected a number"),
        (2**64, ValueError, r"write\(\) of the file object returned 2\*\*63 or more"),
        (0, OSError, "took no bytes"),
    ],
)
def test_what_a_sink_returns_is_checked(result, kind, message):
    with pytest.raises(kind, match=message):
        with ztensor.Writer(Sink(result)) as writer:
            writer.add_tensor("x", np.arange(300_000))


def test_a_stream_that_would_block_is_an_error_and_not_a_loss():
    back, out = os.pipe()
    os.set_blocking(out, False)
    with open(back, "rb"), open(out, "wb", buffering=0) as stream:
        with pytest.raises(BlockingIOError) as caught:
            with ztensor.Writer(stream) as writer:
                writer.add_tensor("x", np.arange(100_000.0))
    assert caught.value.errno == errno.EAGAIN


def test_files_that_are_open_as_text_are_refused(path, tmp_path):
    with path.open() as file:
        with pytest.raises(TypeError, match='open it in binary mode, "rb"'):
            ztensor.open(file)
    with pytest.raises(TypeError, match='"rb"'):
        ztensor.open(io.StringIO("text"))
    with (tmp_path / "w.zt").open("w") as file:
        with pytest.raises(TypeError, match='open it in binary mode, "wb"'):
            ztensor.Writer(file)


def test_a_file_on_disk_is_read_by_position(path):
    for buffering in (-1, 0):
        with path.open("rb", buffering=buffering) as file:
            file.seek(17)
            reader = ztensor.open(file)
            assert reader.read_tensor("packed")[-1] == 99
            assert file.tell() == 17
            file.seek(3)
            assert reader.read_tensor("x").tolist() == list(range(5))


def test_what_is_written_and_not_flushed_is_read(path):
    with tempfile.TemporaryFile() as file:
        file.write(path.read_bytes())
        assert ztensor.open(file).read_tensor("x").tolist() == list(range(5))


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_file_that_its_owner_has_closed_is_not_read(path, tmp_path, kind):
    file = path.open("rb") if kind == "file" else io.BytesIO(path.read_bytes())
    reader = ztensor.open(file)
    tensor = reader["x"]
    kept = reader.read_tensor("x")
    file.close()
    other = (tmp_path / "other").open("wb+")  # likely under the descriptor that was closed
    other.write(bytes(4096))
    for use in (lambda: reader.read_tensor("x"), lambda: tensor[1:2], reader.verify, lambda: ztensor.info(file)):
        with pytest.raises(ValueError, match="closed"):
            use()
    assert kept.tolist() == list(range(5))
    other.close()


def test_a_reader_keeps_its_file_open(path):
    reader = ztensor.open(path.open("rb"))
    assert reader.read_tensor("x", copy=True).tolist() == list(range(5))


def test_only_exact_files_are_read_behind_their_back(path):
    class Shifted(io.FileIO):
        """The bytes of the file, after some that are not tensors."""

        def readinto(self, buffer):
            at = self.tell()
            if at < 0:
                raise AssertionError
            return super().readinto(buffer)

        def seek(self, offset, whence=0):
            return super().seek(offset + 100 if whence == 0 else offset, whence) - 100

    shifted = path.with_suffix(".shifted")
    shifted.write_bytes(bytes(100) + path.read_bytes())
    for file in (Shifted(shifted), io.BufferedReader(Shifted(shifted))):
        assert ztensor.open(file).read_tensor("packed")[-1] == 99
