"""`coach transcripts` shows how files are read."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from coach.cli import app
from tests.transcripts.reading import SAMPLES


def run(*arguments):
    """Run the command."""
    return CliRunner().invoke(app, ["transcripts", *map(str, arguments)], env={"COLUMNS": "200"})


def test_shows_a_file():
    """The format, the counts, what is known of the first call and its first lines."""
    result = run(SAMPLES / "table-gbk.csv", "--turns", 1)
    assert result.exit_code == 0
    assert "CSV（一行一句），GB18030\n  2 通，4 句：坐席 2，客户 2\n" in result.stdout
    assert (
        "第一通 t-1（第 2 行）：工号 1001，班组 一组，开始 2026-11-20 09:30:00\n    00:00.0 坐席：您好，请讲\n"
        in result.stdout
    )
    assert "我说了" not in result.stdout


def test_shows_rejects():
    """What cannot be read is told with its line, and the exit code says so."""
    result = run(SAMPLES / "calls.jsonl")
    assert result.exit_code == 1
    assert "calls.jsonl:2: turns[1].text: 收到 42，应为文字" in result.stdout


def test_sums():
    """Of many files the first of each kind is shown, and the sums of all."""
    result = run(SAMPLES)
    assert result.stdout.count("CSV（一行一句）") == 2
    assert "CSV（一行一句）：5 个文件，8 通，15 句，3 条读不懂" in result.stdout


def test_json():
    """With --json a program gets one line a file."""
    result = run(SAMPLES / "whisperx.json", SAMPLES / "broken.csv", "--agent-is", "SPEAKER_00", "--json")
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["format"], first["layout"], first["calls"]) == ("json", "whisperx", 1)
    assert first["speakers"] == {"agent": 1, "customer": 1, "unknown": 1}
    assert second["rejected"] == 3
    assert second["rejects"][1]["field"] == "start_ms"


def test_repeated_ids(tmp_path):
    """Calls whose id another has are told, in the same file or another, for people and for programs."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("通话ID,对话内容\nx,客服：您好\nx,客服：您好\n", encoding="utf-8")
    assert "编号重复：3 通的编号前面已有别的通话用过（x）" in run(tmp_path).stdout
    counts = [json.loads(line)["repeated_ids"] for line in run(tmp_path, "--json").stdout.splitlines()]
    assert counts == [1, 2]
    assert "编号重复" not in run(SAMPLES / "table-gbk.csv").stdout


def test_head():
    """A large file can be looked at by its first calls alone."""
    result = run(SAMPLES / "table-gbk.csv", "--head", 1)
    assert "1 通（只看了前几通），2 句" in result.stdout


def test_masks(tmp_path):
    """Personal data is masked unless asked for."""
    file = tmp_path / "call.txt"
    file.write_text("客户：我的手机是13800000000\n客服：好的\n", encoding="utf-8")
    assert "13800000000" not in run(file).stdout
    assert "13800000000" in run(file, "--unmasked").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-file"], "没有这个文件"),
        ([SAMPLES / "broken.csv", "--column", "words=内容"], "应为 call、speaker"),
        ([SAMPLES / "broken.csv", "--column", "text"], "应为 FIELD=HEADER"),
    ],
)
def test_wrong_arguments(arguments, words, capsys):
    """A wrong argument says what was expected."""
    result = run(*arguments)
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)
