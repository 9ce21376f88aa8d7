"""Files that the published releases of ztensor write and read.

ZTENSOR_PEERS names a folder with a virtual environment for each release: zt-1.1.1, zt-1.2.3.
"""

import json
import os
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest

import ztensor

PEERS = os.environ.get("ZTENSOR_PEERS")
pytestmark = pytest.mark.skipif(PEERS is None, reason="ZTENSOR_PEERS is not set: no released ztensor to compare with")

ARRAYS = {
    "f32": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
    "f64": np.arange(5, dtype=np.float64),
    "i64": np.arange(-4, 4).reshape(2, 2, 2),
    "u8": np.arange(256, dtype=np.uint8),
    "bool": np.array([True, False, True]),
}


def peer(version, program, *arguments):
    python = Path(PEERS or "") / f"zt-{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"ZTENSOR_PEERS has no zt-{version}")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", textwrap.dedent(program), *map(str, arguments)],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


WRITE = {
    "1.1.1": """
        import sys, numpy as np, ztensor
        data = np.load(sys.argv[1])
        with ztensor.Writer(sys.argv[2]) as w:
            for name in data.files: w.add_tensor(name, data[name], compress=name == "u8")
            values, columns, rows = np.float32([1, 2]), np.uint64([0, 2]), np.uint64([0, 1, 2])
            w.add_sparse_csr("csr", values, columns, rows, (2, 3))
    """,
    "1.2.3": """
        import sys, numpy as np, ztensor
        data = np.load(sys.argv[1])
        with ztensor.Writer(sys.argv[2]) as w:
            for name in data.files: w.write_numpy(name, data[name])
    """,
}
READ = {
    "1.1.1": """
        import json, sys, numpy as np, ztensor
        with ztensor.Reader(sys.argv[1]) as r:
            print(json.dumps({n: np.array(r.read_tensor(n)).tolist() for n in r.tensor_names}))
    """,
    "1.2.3": """
        import json, sys, numpy as np, ztensor
        r = ztensor.Reader(sys.argv[1])
        print(json.dumps({n: np.array(r.read_numpy(n)).tolist() for n in r.keys()}))
    """,
}


@pytest.mark.parametrize("version", WRITE)
def test_we_read_what_a_release_writes(tmp_path, version):
    np.savez(tmp_path / "in.npz", **ARRAYS)
    peer(version, WRITE[version], tmp_path / "in.npz", tmp_path / "theirs.zt")
    reader = ztensor.open(tmp_path / "theirs.zt")
    assert set(ARRAYS) <= set(reader)
    for name, array in ARRAYS.items():
        assert reader[name].dtype == array.dtype
        assert np.array_equal(reader.read_tensor(name), array)
        assert np.array_equal(reader.read_tensor(name, copy=True), array)
    if "csr" in reader:
        assert reader.read_tensor("csr").toarray().tolist() == [[1, 0, 0], [0, 0, 2]]
    reader.verify()


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("version", READ)
def test_a_release_reads_what_we_write(tmp_path, version, compress):
    with ztensor.Writer(tmp_path / "ours.zt", compress=compress, attributes={"by": "us"}) as writer:
        for name, array in ARRAYS.items():
            writer.add_tensor(name, array)
        writer.add_tensor("large", np.arange(400_000, dtype=np.int32))
        writer.add_alias("tied", "f32")
    read = json.loads(peer(version, READ[version], tmp_path / "ours.zt"))
    for name, array in ARRAYS.items():
        assert read[name] == array.tolist()
    assert read["tied"] == ARRAYS["f32"].tolist()
    assert read["large"] == list(range(400_000))
