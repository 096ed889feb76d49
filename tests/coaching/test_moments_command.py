"""`coach check --calls --json`: lines in, lines out."""

from __future__ import annotations

import io

import orjson
import pytest

from coach.commands.calls import check_calls
from tests.coaching.talk import book


def run(*lines):
    """Check lines; return the answers, the messages and the count of bad lines."""
    output, errors = io.BytesIO(), io.StringIO()
    raw = [line if isinstance(line, bytes) else orjson.dumps(line) for line in lines]
    wrong = check_calls(raw, output, errors, rulebook=book())
    return (
        [orjson.loads(line) for line in output.getvalue().splitlines()],
        errors.getvalue().splitlines(),
        wrong,
    )


def turn(speaker, text, start=0, end=0):
    """Make a turn as it stands in a line."""
    return {"speaker": speaker, "start_ms": start, "end_ms": end, "text": text}


CALL = {
    "id": "c1",
    "turns": [
        turn("客服", "喂，你好。", 500, 1_500),
        turn("客户", "我要投诉你们，叫你们经理来！", 2_000, 5_000),
        turn("坐席", "我不知道。", 5_500, 6_500),
    ],
}


def test_answer_has_categories_and_moments():
    """One line for each call, moments in the order of their turns."""
    [answer], messages, wrong = run(CALL)
    assert (answer["id"], answer["categories"], messages, wrong) == ("c1", ["ignorance"], [], 0)
    assert [(moment["kind"], moment["turn"]) for moment in answer["moments"]] == [
        ("missing-greeting", 0),
        ("customer-complaint", 1),
        ("escalation-risk", 1),
        ("missing-closing", 2),
    ]
    assert set(answer["moments"][0]) == {"kind", "at_ms", "turn", "details"}


def test_missing_times_are_said_to_be_unmeasured():
    """Without times the answer says what could not be judged."""
    [answer], _, _ = run({"id": 7, "turns": [{"speaker": "agent", "text": "您好"}]})
    assert answer["not_measurable"] == ["interruption", "long-silence", "hold-without-notice", "fast-speech"]


def test_wall_clock_gives_promises_a_due_time():
    """`started_at` makes 明天下午五点前 a time."""
    call = {
        "id": 1,
        "started_at": "2026-01-07T15:00:00",
        "turns": [turn("agent", "明天下午五点前我给您回电话")],
    }
    [answer], _, _ = run(call)
    assert [m["details"]["due_ms"] for m in answer["moments"] if m["kind"] == "commitment"] == [
        26 * 3_600_000
    ]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"{", "JSON"),
        (b"[]", "list"),
        ({"turns": []}, "id"),
        ({"id": 1}, "turns"),
        ({"id": 1, "turns": [3]}, "turns.0"),
        ({"id": 1, "turns": [turn("robot", "你好")]}, "turns.0.speaker"),
        ({"id": 1, "turns": [turn("agent", None)]}, "turns.0.text"),
        ({"id": 1, "turns": [turn("agent", "你好", "soon")]}, "turns.0.start_ms"),
        ({"id": 1, "turns": [], "started_at": "noon"}, "started_at"),
        ({"id": 1, "turns": [], "slots": []}, "slots"),
    ],
)
def test_bad_line_is_named_and_the_rest_goes_on(line, field):
    """A message names line and field; the lines around it are answered."""
    answers, [message], wrong = run(CALL, line, CALL)
    assert (len(answers), wrong) == (2, 1)
    assert message.startswith("第 2 行：")
    assert field in message


def test_empty_lines_and_empty_calls_are_fine():
    """Nothing said, nothing found."""
    assert run(b"  ", {"id": "x", "turns": []}) == ([{"id": "x", "categories": [], "moments": []}], [], 0)
