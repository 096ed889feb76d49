"""Standard input and output that are closed, full, marked, or in another encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BOM = b"\xef\xbb\xbf"
SAID = "我叫王小明"


def coach(*arguments, stdin=b"", shell="", **variables):
    """Run `coach`, with what a shell is to do with its streams."""
    command = ["sh", "-c", f'"$0" -m coach "$@" {shell}', sys.executable, *arguments]
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **variables},
    )


@pytest.mark.parametrize("command", [("check",), ("check", "--json"), ("mask",)])
def test_a_closed_input_is_an_empty_one(command):
    """A job that was started without standard input ends without a trace."""
    done = coach(*command, shell="<&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_closed_output_is_none():
    """What nobody wants to read hinders nothing."""
    done = coach("mask", SAID, "--json", shell=">&-")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("lines", [1, 20_000])
def test_a_full_disk_is_told(lines):
    """Output that cannot be written is a failure, told in a line."""
    done = coach("mask", stdin=f"{SAID}\n".encode() * lines, shell=">/dev/full")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("无法写出结果：")
    assert "Traceback" not in done.stderr.decode()


def test_check_names_lines_that_are_not_utf8():
    """A file in GBK is no file without faults: each line is named, the others are checked."""
    done = coach("check", stdin="我不知道\n".encode("gbk") + "您好\n".encode())
    assert done.returncode == 2
    assert done.stdout.decode() == "✓ 您好\n"
    assert "第 1 行：第 1 个字节不是 UTF-8" in done.stderr.decode()


@pytest.mark.parametrize(
    ("command", "line", "told"),
    [
        (("check", "--json"), b'{"id": 1, "text": "x"}', '{"id":1,"categories":[],"hits":[]}'),
        (("check",), "您好".encode(), "✓ 您好"),
        (("mask",), SAID.encode(), "我叫王**"),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_first_line(command, line, told):
    """Windows writes one before the first line."""
    done = coach(*command, stdin=BOM + line + b"\r\n")
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, told + "\n", b"")


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("gbk", "√ 您好".encode("gbk")), ("ascii", "✓ 您好".encode()), ("utf-8", "✓ 您好".encode())],
)
def test_output_in_another_encoding(encoding, told):
    """GBK lacks the marks and has others; ASCII lacks all and gives way to UTF-8."""
    done = coach("check", "您好", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, told, b"")


def test_letters_that_the_encoding_lacks_become_question_marks():
    """Nothing that was said ends a run."""
    done = coach("mask", "好的😀", PYTHONIOENCODING="gbk", PYTHONUTF8="0")
    assert (done.returncode, done.stdout.decode("gbk").strip()) == (0, "好的?")
