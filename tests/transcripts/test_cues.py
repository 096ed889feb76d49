"""Subtitles: a cue is read or its call is set aside, never passed over."""

from __future__ import annotations

import pytest

from tests.transcripts.reading import only_call, only_reject, told

FIRST = "1\n00:00:00,000 --> 00:00:01,000\n客服：您好\n"


@pytest.mark.parametrize(
    ("name", "text", "line", "came"),
    [
        ("a.srt", f"{FIRST}\n2\n00:00 -> x\n客户：喂\n", 6, "00:00 -> x"),
        ("a.srt", f"{FIRST}2\n00:00 -> x\n客户：喂\n", 5, "00:00 -> x"),
        ("a.srt", f"{FIRST}\n2\n00:00:02,000 --> x\n客户：喂\n", 6, "00:00:02,000 --> x"),
        ("a.srt", f"{FIRST}\n客户：没有时间的话\n", 5, "客户：没有时间的话"),
        ("a.srt", f"1\n00:00 -> x\n客户：喂\n2{FIRST[1:]}", 2, "00:00 -> x"),
        (
            "a.vtt",
            "WEBVTT\n\n00:01.000 - 00:02.000\n客户：喂\n\n00:03.000 --> 00:04.000\n客服：好\n",
            3,
            "00:01.000 - ",
        ),
    ],
)
def test_a_broken_timing_sets_the_call_aside(tmp_path, name, text, line, came):
    """What stands under a timing that cannot be read is not dropped: line, what came and what was expected."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    reject = only_reject(file)
    assert (reject.place.line, reject.field) == (line, "时间")
    assert f"收到 '{came}" in reject.problem
    assert "应为 00:00:01.000 --> 00:00:02.000" in reject.problem


def test_what_is_no_cue_is_passed_over(tmp_path):
    """The head of the file, notes, names of cues and a number without words cost nothing."""
    file = tmp_path / "a.vtt"
    file.write_text(
        "\ufeffWEBVTT 标题\nKind: captions\n\nKind: captions\n\nNOTE\n说明 -> 无\n\n"
        "开场\n00:01.000 --> 00:02.000\n客服：12:30-13:30之间\n12:30到账\n\n9\n\n",
        encoding="utf-8",
    )
    assert told(only_call(file)) == [("agent", "12:30-13:30之间12:30到账", 1000, 2000)]
