"""What no call can be is set aside before it is judged."""

from __future__ import annotations

import pytest

from coach.transcripts.model import Limits, ReadOptions
from tests.transcripts.reading import only_call, only_reject, told

SHORT = ReadOptions(limits=Limits(characters=20))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "客户：喂\n客服：{}\n"),
        ("a.csv", "通话ID,角色,内容\na,客户,喂\na,客服,{}\n"),
        ("a.csv", '通话ID,对话内容\na,"客户：喂\n客服：{}"\n'),
        (
            "a.srt",
            "1\n00:00:00,000 --> 00:00:01,000\n客户：喂\n\n2\n00:00:01,000 --> 00:00:02,000\n客服：{}\n",
        ),
        (
            "a.jsonl",
            '{{"id":"a","turns":[{{"speaker":"customer","text":"喂"}},{{"speaker":"agent","text":"{}"}}]}}\n',
        ),
    ],
)
def test_a_turn_that_nobody_can_say(tmp_path, name, text):
    """A turn over the limit sets its call aside and says which and how long; one at the limit is read whole."""
    file = tmp_path / name
    file.write_text(text.format("好" * 21), encoding="utf-8")
    assert "第 2 句有 21 个字，应不超过 20 个" in only_reject(file, SHORT).problem
    file.write_text(text.format("好" * 20), encoding="utf-8")
    assert [turn[1] for turn in told(only_call(file, SHORT))] == ["喂", "好" * 20]


def test_a_call_in_one_turn(tmp_path):
    """A million characters in one turn are refused as a call is read, which takes no time."""
    file = tmp_path / "a.txt"
    file.write_text("客服：" + "您好，" * 400_000, encoding="utf-8")
    reject = only_reject(file)
    assert (reject.place.line, reject.field) == (1, "turns")
    assert "1200000 个字" in reject.problem


def test_a_turn_of_many_lines(tmp_path):
    """Lines that go on with a turn cost the same each: 200,000 of them are refused at once, with their sum."""
    file = tmp_path / "a.txt"
    file.write_text("客服：您好\n" + "接着上一句\n" * 200_000, encoding="utf-8")
    assert "第 1 句有 1200002 个字" in only_reject(file).problem
