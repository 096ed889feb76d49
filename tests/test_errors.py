"""Why something failed is told in Chinese, whatever library or system said so in English."""

from __future__ import annotations

import errno
import json
import os
import re
import zipfile

import orjson
import pytest
from typer.testing import CliRunner

from coach.cli import app
from coach.errors import cause, json_cause
from tests.transcripts.reading import only_reject


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENOSPC])
def test_causes_are_chinese(number):
    """What an operating system says often has words of its own."""
    assert re.fullmatch("[^A-Za-z]+", cause(OSError(number, os.strerror(number))))


def test_an_unknown_cause_is_told_as_it_came():
    """Nothing is hidden behind a general word."""
    assert cause(OSError(errno.ENOTTY, "Inappropriate ioctl")) == "Inappropriate ioctl"


@pytest.mark.parametrize(
    "arguments",
    [
        ["rules", "score", "no-such.jsonl"],
        ["rules", "train", "no-such.jsonl"],
    ],
)
def test_a_missing_file_of_sentences(arguments, tmp_path, monkeypatch):
    """The commands of the rules name the file and say why, without a number of the system."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    told = f"{result.output}{result.exception}"
    assert "Errno" not in told
    assert "no-such.jsonl" in told


@pytest.mark.parametrize("size", [4, 100, 400])
def test_a_cut_archive(tmp_path, size):
    """A zip that was not loaded to its end is told without the words of the library."""
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "客服：您好\n" * 50)
    file.write_bytes(file.read_bytes()[:size])
    assert re.search(r"[A-Za-z]{5}", only_reject(file).problem) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"a"',
        '{"a": tru}',
        '{"a": 1,}',
        "",
        "{'a': 1}",
        '{"a": "\\n',
        '{"a": 1} x',
        '{"a" 1}',
        '{"a": 1 "b": 2}',
    ],
)
@pytest.mark.parametrize("parse", [json.loads, orjson.loads])
def test_faults_of_json_are_chinese(parse, text):
    """Both parsers' words for what goes wrong most are known."""
    with pytest.raises(json.JSONDecodeError) as caught:
        parse(text)
    assert re.search(r"[一-龥]", json_cause(caught.value.msg)), caught.value.msg


def test_null_is_called_null(monkeypatch):
    """A line of JSON that is no object is told as it came, not as a type of Python."""
    result = CliRunner().invoke(app, ["check", "--json"], input="null\n")
    assert "收到 null，应为对象" in result.output
