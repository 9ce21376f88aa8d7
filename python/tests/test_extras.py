"""What the package does where an optional library is missing: it works without, and says what to install."""

import subprocess
import sys
import textwrap

import pytest

BLOCK = """
    import sys

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {missing!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

    sys.meta_path.insert(0, Missing())
"""
OPTIONAL = ("torch", "jax", "scipy", "tqdm", "transformers", "h5py", "safetensors", "fsspec")


def run(program, folder, missing=OPTIONAL):
    text = textwrap.dedent(BLOCK.format(missing=missing)) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_with_numpy_alone_files_are_written_and_read(tmp_path):
    program = """
        import numpy as np
        import ztensor
        from ztensor.numpy import load_file, save_file

        save_file({"t": np.arange(6).reshape(2, 3)}, "m.zt", compress=True)
        assert load_file("m.zt")["t"].sum() == 15
        with ztensor.open("m.zt") as reader, ztensor.safe_open("m.zt", "np") as opened:
            assert reader["t"][1].tolist() == [3, 4, 5]
            assert opened.get_slice("t")[:, 0].tolist() == [0, 3]
            print(repr(reader), reader._repr_html_())
        ztensor.convert("m.zt", "m.safetensors")
        assert {"torch", "jax", "scipy", "tqdm"}.isdisjoint(sys.modules)
    """
    assert "m.zt" in run(program, tmp_path)


@pytest.mark.parametrize(
    "statement, install",
    [
        ("import ztensor.torch", '"ztensor[torch]"'),
        ("import ztensor.jax", '"ztensor[jax]"'),
        ("import ztensor.integrations.transformers", "transformers"),
        ("ztensor.verify('m.zt', progress=True)", '"ztensor[progress]"'),
        ("ztensor.open('m.zt').read_tensor('t', to='jax')", '"ztensor[jax]"'),
        ("ztensor.open('m.zt').read_tensor('t', to='torch')", '"ztensor[torch]"'),
        ("ztensor.open('m.zt').read_tensors(to='torch')", '"ztensor[torch]"'),
        ("ztensor.open('m.zt').prefetch()", '"ztensor[torch]"'),
        ("ztensor.safe_open('m.zt', 'pt')", '"ztensor[torch]"'),
        ("ztensor.open('m.zt').read_tensor('s')", '"ztensor[scipy]"'),
    ],
)
def test_a_missing_library_is_an_import_error_that_says_what_to_install(tmp_path, statement, install):
    program = f"""
        import numpy as np
        import ztensor

        with ztensor.Writer("m.zt") as writer:
            writer.add_tensor("t", np.zeros(3))
            writer.add_sparse_coo("s", np.ones(1), np.zeros((2, 1), np.uint64), (2, 2))
        try:
            {statement}
        except ImportError as error:
            print(error)
    """
    assert f"pip install {install}" in run(program, tmp_path)
