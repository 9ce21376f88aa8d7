"""Builds and runs programs that use zTensor in the ways that programs do.

usage: run.py installed BUILD_FOLDER    install from there, use the result by find_package and pkg-config, and uninstall
       run.py sources SOURCE_FOLDER     use the sources by add_subdirectory and FetchContent; compiles them twice
       run.py minimal SOURCE_FOLDER     build the container alone, print its size, and use it; compiles it once
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CONSUMER = Path(__file__).resolve().parent / "consumer"


def run(*command: str | Path, **more: str) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=os.environ | more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(found: str, wanted: str) -> None:
    if found != wanted:
        sys.exit(f"printed {found!r}, expected {wanted!r}")
    print(found.strip())


def build(folder: Path, *options: str) -> None:
    run("cmake", "-S", CONSUMER, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", *options)
    run("cmake", "--build", folder)


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def try_installed(binaries: Path, place: Path) -> None:
    prefix = place / "prefix"
    run("cmake", "--install", binaries, "--prefix", prefix)
    libraries = next(prefix.rglob("libztensor.so")).parent
    version = run("pkg-config", "--modversion", "ztensor", PKG_CONFIG_PATH=str(libraries / "pkgconfig")).strip()

    build(place / "package", "-DFROM=package", f"-DCMAKE_PREFIX_PATH={prefix}")
    expect(run(place / "package/consumer", place / "a.zt"), "package 6\n")
    expect(run(place / "package/consumer_shared", place / "b.zt"), "package shared 6\n")
    expect(run(place / "package/consumer_c", place / "c.zt"), f"{version} 6\n")

    moved = place / "moved"  # neither CMake nor pkg-config may know where it was first
    prefix.rename(moved)
    libraries = moved / libraries.relative_to(prefix)
    pkg_config = {"PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "ztensor", **pkg_config).split()
    run("cc", "-std=c11", CONSUMER / "main.c", "-o", place / "shared", *flags, f"-Wl,-rpath,{libraries}")
    expect(run(place / "shared", place / "d.zt"), f"{version} 6\n")
    flags = run("pkg-config", "--cflags", "--libs", "--static", "ztensor", **pkg_config).split()
    flags = [flag.replace("-lztensor", "-l:libztensor.a") for flag in flags]
    run("cc", "-std=c11", CONSUMER / "main.c", "-o", place / "static", *flags)
    expect(run(place / "static", place / "e.zt"), f"{version} 6\n")
    if (moved / "bin/ztensor").exists():
        expect(run(moved / "bin/ztensor", "verify", "-q", place / "e.zt"), "")
        for page in ("man/man1/ztensor.1", "man/man1/ztensor-cat.1", "bash-completion/completions/ztensor"):
            if not (moved / "share" / page).exists():
                sys.exit(f"not installed: share/{page}")
    moved.rename(prefix)

    (prefix / "include/someone_elses.h").write_text("")
    run("cmake", "--build", binaries, "--target", "uninstall")
    if files_in(prefix) != {"include/someone_elses.h"}:
        sys.exit(f"left after uninstalling: {files_in(prefix)}")
    if list(prefix.rglob("ztensor*")):
        sys.exit(f"left after uninstalling: {list(prefix.rglob('ztensor*'))}")


def try_sources(sources: Path, place: Path) -> None:
    for way in ("folder", "fetch"):
        build(place / way, f"-DFROM={way}", f"-DZTENSOR_SOURCES={sources}", "-DCMAKE_UNITY_BUILD=ON")
        expect(run(place / way / "consumer", place / f"{way}.zt"), f"{way} 6\n")


def try_minimal(sources: Path, place: Path) -> None:
    options = ["-DCMAKE_UNITY_BUILD=ON", "-DZTENSOR_FOREIGN=OFF", "-DZTENSOR_CLI=OFF", "-DZTENSOR_PYTHON=OFF"]
    run("cmake", "-S", sources, "-B", place / "build", "-G", "Ninja", *options)
    run("cmake", "--build", place / "build")
    library = place / "build/libztensor.so"
    dynamic = run("readelf", "-d", library)
    needed = {line.split("[")[1].split(".so")[0] for line in dynamic.splitlines() if "(NEEDED)" in line}
    if needed != {"libzstd", "libutf8proc", "libstdc++", "libm", "libgcc_s", "libc"}:
        sys.exit(f"the minimal library needs {sorted(needed)}")
    run("strip", "-o", place / "stripped.so", library)
    print(f"the container alone: {(place / 'stripped.so').stat().st_size / 1e6:.1f} MB, stripped")

    prefix = place / "prefix"
    run("cmake", "--install", place / "build", "--prefix", prefix)
    build(place / "package", "-DFROM=package", f"-DCMAKE_PREFIX_PATH={prefix}")
    expect(run(place / "package/consumer", place / "a.zt"), "package 6\n")
    (place / "a.gguf").write_bytes(b"GGUF" + bytes(28))
    code = ctypes.CDLL(str(library))
    code.zt_code_name.restype = ctypes.c_char_p
    refused = code.zt_code_name(code.zt_open(bytes(place / "a.gguf"), None, ctypes.byref(ctypes.c_void_p()), None))
    if refused != b"unsupported":
        sys.exit(f"opening a GGUF file gives {refused.decode()}, not unsupported")


def main(mode: str, folder: str) -> None:
    with tempfile.TemporaryDirectory(prefix="ztensor-install-") as place:
        {"installed": try_installed, "sources": try_sources, "minimal": try_minimal}[mode](
            Path(folder).resolve(), Path(place)
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
