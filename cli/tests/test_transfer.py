"""ztensor convert, compress, decompress and merge."""

import os
import re

import pytest
from conftest import write_safetensors

SUMMARY = re.compile(r"(\S+): (\d+ tensors?), \d[\d.]* k?B -> \d[\d.]* k?B in \d+\.\d\d s \([\d.]+ [kMG]?B/s\)\n")


def test_convert_keeps_every_tensor_and_says_so_in_one_line(model, contents):
    summary = SUMMARY.fullmatch(model.ok("convert", "model.safetensors", "model.zt"))
    assert summary.groups() == ("model.zt", "4 tensors")
    assert model.tensors("model.zt") == contents
    document = model.info("model.zt")
    assert document["format"] == "zt-1.2"
    assert document["attributes"]["note"] == "two\nlines"
    assert model.files() == ["model.safetensors", "model.zt"]


@pytest.mark.parametrize("options", [["-c"], ["-l", "9"], ["--compress", "--level", "1"], ["-cl22"]])
def test_convert_compresses_on_request(model, options):
    model.ok("convert", *options, "model.safetensors", "model.zt")
    assert model.info("model.zt")["tensors"][0]["parts"][0]["encoding"] == "zstd"
    model.ok("verify", "model.zt")


@pytest.mark.parametrize("command", [["convert"], ["compress"], ["merge"]])
def test_float_stores_byte_planes(at, command):
    words = [0x3F80 + i * i % 97 for i in range(50000)]
    content = b"".join(word.to_bytes(2, "little") for word in words)
    write_safetensors(at / "model.safetensors", {"w": ("BF16", [len(words)], content)})
    at.ok(*command, "--float", "model.safetensors", "-o", "small.zt")
    (tensor,) = at.info("small.zt")["tensors"]
    assert tensor["layout"] == "dense" and tensor["dtype"] == "bfloat16"
    assert tensor["parts"][0]["encoding"] == "planes"
    at.ok("verify", "--deep", "small.zt")
    assert at.ok("diff", "small.zt", "model.safetensors") == ""
    at.ok("decompress", "small.zt", "back.zt")
    assert at.tensors("back.zt") == {"w": ("bfloat16", [len(words)], content)}
    at.ok("convert", "small.zt", "plain.zt")  # planes only on request
    assert at.tensors("plain.zt") == at.tensors("back.zt")


def test_compress_and_decompress_lead_back_to_the_same_bytes(model):
    model.ok("convert", "model.safetensors", "model.zt")
    model.ok("compress", "model.zt", "-o", "small.zt", "-l", "12")
    model.ok("decompress", "small.zt", "back.zt")
    assert (model / "small.zt").stat().st_size < (model / "model.zt").stat().st_size / 4
    assert (model / "back.zt").read_bytes() == (model / "model.zt").read_bytes()


def test_convert_without_c_keeps_what_is_compressed(model):
    model.ok("compress", "model.safetensors", "small.zt")
    model.ok("convert", "small.zt", "copy.zt")
    assert model.info("copy.zt")["tensors"][0]["parts"] == model.info("small.zt")["tensors"][0]["parts"]


@pytest.mark.parametrize("arguments", [["-o", "-"], ["-"]])
def test_a_dash_is_not_taken_for_standard_output(model, arguments):
    assert "standard output" in model.fails("convert", "model.safetensors", *arguments, code=2)
    assert model.files() == ["model.safetensors"]
    model.ok("convert", "model.safetensors", "-o", "./-")
    assert model.files() == ["-", "model.safetensors"]


def test_the_number_of_threads_changes_no_byte(model):
    model.ok("compress", "model.safetensors", "one.zt", "--threads", "1")
    model.ok("compress", "model.safetensors", "four.zt", "--threads", "4")
    assert (model / "one.zt").read_bytes() == (model / "four.zt").read_bytes()


def test_merge_keeps_the_order_of_its_inputs(at):
    for name in "ba":
        write_safetensors(at / name, {f"{name}{i}": ("U8", [1], b"%d" % i) for i in range(2)})
    at.ok("merge", "b", "a", "-o", "out.zt")
    assert list(at.tensors("out.zt")) == ["b0", "b1", "a0", "a1"]


def test_merge_names_npy_arrays_by_their_files(at):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n"
    for name in "ab":
        (at / f"{name}.npy").write_bytes(
            b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + name.encode() * 2
        )
    at.ok("merge", "a.npy", "b.npy", "-o", "out.zt")
    assert at.tensors("out.zt") == {"a": ("uint8", [2], b"aa"), "b": ("uint8", [2], b"bb")}


def test_merge_refuses_a_name_twice_and_leaves_no_output(model):
    (model / "copy.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    error = model.fails("merge", "model.safetensors", "copy.safetensors", "-o", "out.zt", "--delete-original")
    assert "'weight'" in error and "model.safetensors" in error and "copy.safetensors" in error
    assert model.files() == ["copy.safetensors", "model.safetensors"]


def test_an_existing_output_is_refused_without_force(model):
    (model / "out.zt").write_text("precious")
    error = model.fails("convert", "model.safetensors", "-o", "out.zt")
    assert error == "out.zt: not replaced: File exists; --force replaces it"
    assert model.fails("convert", "model.safetensors", "out.zt").startswith("out.zt: ")
    assert (model / "out.zt").read_text() == "precious"
    model.ok("convert", "model.safetensors", "out.zt", "--force")
    model.ok("verify", "out.zt")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_what_an_output_is_comes_before_whether_it_is_there(model, force):
    (model / "folder").mkdir()
    os.mkfifo(model / "pipe")
    error = "not a regular file; write a file, and copy it"
    for output in ("/dev/null", "pipe"):
        assert model.fails("convert", "model.safetensors", "-o", output, *force) == f"{output}: {error}"
    assert model.fails("convert", "model.safetensors", "-o", "/dev/stdout", *force) == f"/dev/stdout: {error}"
    assert model.fails("convert", "model.safetensors", "-o", "folder", *force) == "folder: not a file: Is a directory"
    missing = "missing/out.zt: cannot open its folder: No such file or directory"
    assert model.fails("convert", "model.safetensors", "-o", "missing/out.zt", *force) == missing
    model.ok("convert", "model.safetensors", "model.zt")
    for command in (["remove", "model.zt", "weight"], ["repair", "model.zt"]):
        assert model.fails(*command, "-o", "pipe", *force) == f"pipe: {error}"
        assert model.fails(*command, "-o", "missing/out.zt", *force) == missing


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")
def test_owner_and_mode_of_a_file_that_is_replaced_are_kept(model):
    model.ok("convert", "model.safetensors", "a.zt")
    model.run("append", "a.zt", "--from", "model.safetensors", "--replace", "-q")

    def give():
        os.chown(model / "a.zt", 1234, 5678)
        (model / "a.zt").chmod(0o640)

    give()
    for command in (
        ["compact", "a.zt"],
        ["convert", "model.safetensors", "-o", "a.zt", "--force"],
        ["compress", "model.safetensors", "-o", "a.zt", "--force"],
    ):
        model.ok(*command)
        status = (model / "a.zt").stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 5678, 0o640), command


def test_what_git_lfs_or_a_server_left_is_told_for_what_it_is(at):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    for suffix in (".zt", ".safetensors", ".gguf", ".npz", ".pt", ""):
        (at / f"a{suffix}").write_text(pointer)
        assert at.fails("info", f"a{suffix}") == (
            f"a{suffix}: this is a Git LFS pointer: 'git lfs pull' fetches the file itself"
        )
        (at / f"b{suffix}").write_text("<!DOCTYPE html>\n<html></html>")
        assert "an HTML page" in at.fails("info", f"b{suffix}")
        (at / f"c{suffix}").write_text("Entry not found")
        assert at.fails("info", f"c{suffix}") == f"c{suffix}: this is text that begins with 'Entry not found'"
        (at / f"d{suffix}").write_text('{"error": "Repository not found"}')
        assert "JSON text" in at.fails("info", f"d{suffix}")


def test_a_text_gives_way_to_a_positional_output_and_a_pointer_does_not(model):
    (model / "text.zt").write_text("notes")
    model.ok("convert", "model.safetensors", "text.zt", "--force")
    (model / "pointer.zt").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "is a tensor file" in model.fails("convert", "model.safetensors", "pointer.zt", "--force")


def test_a_link_to_a_sharded_file_leads_to_its_shards(model):
    (model / "models").mkdir()
    sharded = ["--to", "2", "--max-shard-size", "16kB"]
    model.ok("convert", "model.safetensors", "-o", "models/big.zt", *sharded)
    os.symlink("models/big.zt", model / "big.zt")
    model.ok("verify", "--deep", "big.zt")
    shard = next(name for name in os.listdir(model / "models") if name.startswith("big-"))
    assert "is also a file of big.zt" in model.fails("convert", "big.zt", "-o", f"models/{shard}", "--force")
    assert "write the output to their folder" in model.fails("remove", "big.zt", "steps", "-o", "fewer.zt")
    model.ok("remove", "big.zt", "steps", "-o", "models/fewer.zt")
    model.ok("verify", "models/fewer.zt")


@pytest.mark.parametrize("command", ["convert", "compress", "decompress"])
def test_a_tensor_file_is_replaced_only_when_named_with_o(model, command):
    write_safetensors(model / "other", {"t": ("U8", [1], b"a")})
    before = (model / "other").read_bytes()
    for force in [[], ["--force"]]:
        assert model.fails(command, "model.safetensors", "other", *force) == (
            "other: exists and is a tensor file; to replace it, name it with -o and add --force"
        )
    assert (model / "other").read_bytes() == before
    model.ok(command, "model.safetensors", "-o", "other", "--force")
    assert model.info("other")["format"] == "zt-1.2"


@pytest.mark.parametrize("spelling", ["model.safetensors", "./model.safetensors", "link", "hard"])
def test_an_output_that_is_an_input_is_refused_even_with_force(model, spelling):
    os.symlink("model.safetensors", model / "link")
    os.link(model / "model.safetensors", model / "hard")
    before = (model / "model.safetensors").read_bytes()
    model.fails("convert", "model.safetensors", "-o", spelling, "--force")
    assert (model / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("command", ["convert", "merge"])
def test_originals_are_deleted_once_the_output_is_there(model, contents, command):
    model.ok(command, "--delete-original", "model.safetensors", "-o", "model.zt")
    assert model.files() == ["model.zt"]
    assert model.tensors("model.zt") == contents


def test_an_original_that_was_not_read_whole_is_kept(model):
    error = model.fails("convert", "--delete-original", "--include", "w*", "model.safetensors", "-o", "model.zt")
    assert error.startswith("originals are deleted only if all their tensors are kept")
    assert model.files() == ["model.safetensors"]


def test_what_was_picked_is_what_the_summary_counts(model):
    told = model.ok("convert", "model.safetensors", "-o", "some.zt", "--exclude", "w*")
    assert told.startswith("some.zt: 3 tensors, 14 B -> ")
    whole = (model / "model.safetensors").stat().st_size / 1000
    assert f"4 tensors, {whole:.1f} kB -> " in model.ok("convert", "model.safetensors", "-o", "all.zt")


def test_an_unknown_format_is_told_the_known_ones(model):
    error = model.fails("convert", "model.safetensors", "-o", "out.zt", "-f", "bogus", code=2)
    assert error.startswith("--format: 'bogus' is not a format: expected auto, zt-1.2, ") and "safetensors" in error


def test_a_sharded_output_is_named_by_the_file_that_opens_it(model):
    shards = ["--max-shard-size", "16kB"]
    for name, written, count in [
        ("big.safetensors", "big.safetensors.index.json", 2),
        ("big.zt", "big.zt", None),
        ("small.safetensors", "small.safetensors", 0),
    ]:
        options = ["--max-shard-size", "1MB"] if count == 0 else shards + (["--to", "2"] if name == "big.zt" else [])
        summary = model.ok("convert", "model.safetensors", "-o", name, *options)
        if count is None:
            count = sum(file.startswith("big-") and file.endswith(".zt") for file in model.files())
        told = "" if count == 0 else f" in {count} shards" if count > 1 else " in 1 shard"
        assert summary.startswith(f"{written}: 4 tensors{told}, ")
        assert (model / written).exists()
        model.ok("info", written)


def test_an_option_that_an_error_names_is_spelled_as_the_command_spells_it(model):
    assert model.fails("convert", "model.safetensors", "-o", "m.npz", "--max-shard-size", "16kB").endswith(
        ": leave --max-shard-size out"
    )


def test_an_unreadable_tensor_stops_unless_it_is_to_be_skipped(model):
    model.ok("convert", "model.safetensors", "model.zt")
    data = (model / "model.zt").read_bytes()
    at = data.rindex(b"bf16")
    (model / "odd.zt").write_bytes(data[:at] + b"bq16" + data[at + 4 :])
    for command in ["convert", "merge"]:
        error = model.fails(command, "odd.zt", "-o", "out.zt")
        assert error.endswith("unknown dtype 'bq16'; --skip-unreadable leaves out what cannot be read")
        assert not (model / "out.zt").exists()
        done = model.run(command, "odd.zt", "-o", "out.zt", "--skip-unreadable")
        assert done.returncode == 0
        assert done.stderr == (
            "ztensor: note: skipped größe.重み: odd.zt: tensor 'größe.重み': part 'data': unknown dtype 'bq16'\n"
        )
        assert list(model.tensors("out.zt")) == ["weight", "steps", "e\n"]
        (model / "out.zt").unlink()


def test_a_flipped_byte_stops_a_conversion(model):
    model.ok("convert", "model.safetensors", "model.zt")
    data = bytearray((model / "model.zt").read_bytes())
    data[100] ^= 1
    (model / "bad.zt").write_bytes(data)
    error = model.fails("compress", "bad.zt", "-o", "out.zt")
    assert error.startswith("bad.zt: tensor 'weight': ")
    assert not (model / "out.zt").exists()


def test_the_format_of_the_inputs_can_be_demanded(model):
    model.ok("convert", "-f", "safetensors", "model.safetensors", "model.zt")
    assert "model.safetensors" in model.fails("convert", "-f", "zt-1.2", "model.safetensors", "-o", "out.zt")
    model.ok("convert", "--to", "1.2", "-f", "auto", "model.zt", "out.zt")


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "out.pt"],
        ["-o", "no/such/folder.zt"],
        ["-o", "."],
        ["-o", ""],
        ["-o", "out.zt", "missing.zt"],
    ],
)
def test_what_cannot_be_written_fails_with_one_line_and_no_litter(model, arguments):
    model.fails("convert", "model.safetensors", *arguments)
    assert model.files() == ["model.safetensors"]
