"""What `ztensor completion` prints, as shells and man read it."""

import re
import shutil
import subprocess

import pytest

KINDS = ["bash", "zsh", "fish"]


def commands_of(at):
    """The commands that --help lists."""
    listed = at.ok("--help").split("Commands:")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.M)


def long_options_of(at, command):
    return set(re.findall(r"--[a-z-]+", at.ok(command, "--help").split("Options:")[1].split("\n\n")[0]))


@pytest.mark.parametrize("kind", [*KINDS, "man"])
def test_each_command_is_there(at, kind):
    text = at.ok("completion", kind)
    for command in commands_of(at):
        assert re.search(rf"\b{command}\b", text), command


@pytest.mark.parametrize("kind", KINDS)
def test_each_option_of_each_command_is_there(at, kind):
    lines = at.ok("completion", kind).splitlines()
    for command in commands_of(at):
        if kind == "bash":
            (text,) = [line for line in lines if line.startswith(f"    {command}) ")]
        elif kind == "zsh":
            start = lines.index(f"    {command})")
            text = "\n".join(lines[start : lines.index("      ;;", start)])
        else:
            text = "\n".join(line for line in lines if f"_from {command}'" in line).replace(" -l ", " --")
        missing = {option for option in long_options_of(at, command) if option not in text}
        assert not missing, command


def complete(at, *words):
    """What bash offers for the last of `words`."""
    script = 'eval "$("$1" completion bash)"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ztensor; '
    script += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-ec", script, "bash", at.binary, "ztensor", *words], capture_output=True, text=True, cwd=at.folder
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_offers_commands_options_and_values(at):
    assert complete(at, "com") == ["compress", "compact", "completion"]
    assert complete(at, "verify", "--d") == ["--deep"]
    assert complete(at, "convert", "a.pt", "--to", "s") == ["safetensors"]
    assert complete(at, "info", "m") == []  # bash itself offers files then
    assert complete(at, "nonsense", "--") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_scripts(at, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = at / f"script.{shell}"
    script.write_text(at.ok("completion", shell))
    subprocess.run([shell, "-n", script], check=True)


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_fish_offers_commands_options_and_values(at):
    def offers(line):
        script = f'{at.binary} completion fish | source; complete -C "{line}"'
        done = subprocess.run(["fish", "-c", script], capture_output=True, text=True, cwd=at.folder)
        assert (done.returncode, done.stderr) == (0, "")
        return [offer.split("\t")[0] for offer in done.stdout.splitlines()]

    assert sorted(offers("ztensor com")) == ["compact", "completion", "compress"]
    assert offers("ztensor verify --de") == ["--deep"]
    assert offers("ztensor convert a.pt --to s") == ["safetensors"]


def test_pages_show_the_help(at):
    page = at.ok("completion", "man", "convert")
    assert page.startswith(".TH ZTENSOR\\-CONVERT 1 ")
    assert "\n\\fB\\-f\\fR, \\fB\\-\\-format\\fR \\fIFORMAT\\fR\n" in page
    assert "\nztensor convert [OPTIONS] IN... \\-o OUT\n" in page
    if shutil.which("groff") is not None:
        for command in commands_of(at):
            text = at.ok("completion", "man", command)
            read = subprocess.run(
                ["groff", "-man", "-Tutf8", "-ww", "-P-cbou"], input=text, capture_output=True, text=True
            )
            assert (read.returncode, read.stderr) == (0, ""), command


def test_wrong_words_are_usage_errors(at):
    assert "bash, zsh, fish or man is needed" in at.fails("completion", code=2)
    assert "'csh' is not one of" in at.fails("completion", "csh", code=2)
    assert "there is no command 'blend'" in at.fails("completion", "man", "blend", code=2)
    assert "too many" in at.fails("completion", "bash", "info", code=2)
