"""What the playground asks, without the process around it."""

from __future__ import annotations

import pytest

from coach.rulebook.explain import explain
from coach.service.trial import Trial, read_call

DRAFT = """\
version: 1
rules:
  - id: ignorance/bare-dont-know
    title: 换个说法
    severity: warning
    status: draft
    match: [我 不 (知道|清楚)]
    suggest: [ignorance/check-now]
    explain: 客户听到的是“没人管”。
    source: 测试
    hits: [这个【我不知道】]
    misses: [我不清楚您的意思]
"""


@pytest.fixture(scope="module")
def trial(ruleset):
    """Return a trial of the two rules of these tests."""
    return Trial(ruleset.rulebook)


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("我不知道", None),
        ("我不知道\n客服：您好", None),
        ("", None),
        ("客服：您好\n客户: 喂", [("agent", "您好"), ("customer", "喂")]),
        ("坐席： 您好\n\n  请讲\n顾客：喂", [("agent", "您好，请讲"), ("customer", "喂")]),
        ("客服：", None),
    ],
)
def test_a_call_is_lines_with_speakers(text, turns):
    """Lines with 客服： or 客户： are a call; a line without goes on with the turn before it."""
    read = read_call(text)
    assert (read and [(turn.speaker, turn.text) for turn in read]) == turns


def test_each_turn_of_a_call_is_explained(trial):
    """The agent's turns by the agent's rules, after what the customer said last."""
    answer = trial.explain(
        text="客户：我不知道\n客服：这个我不知道", customer="", speaker="agent", phase=None, yaml=None
    )
    assert answer["call"] is True
    assert [(turn["speaker"], turn["customer"], len(turn["found"])) for turn in answer["turns"]] == [
        ("customer", "", 0),
        ("agent", "我不知道", 1),
    ]


def test_the_command_line_gives_the_same_answer(trial, ruleset):
    """`coach rules try` and the playground explain with the same code."""
    turn = trial.explain(text="这个我不知道", customer="", speaker="agent", phase=None, yaml=None)["turns"][0]
    told = explain(ruleset.rulebook, "这个我不知道").as_dict()
    assert {name: turn[name] for name in ("text", "customer", "normalized", "tokens")} == {
        name: told[name] for name in ("text", "customer", "normalized", "tokens")
    }
    assert [
        each.items() >= other.items() for each, other in zip(turn["found"], told["found"], strict=True)
    ] == [True]


def test_failing_examples_say_why(trial):
    """Each example has its line, and what was expected when it fails."""
    examples = trial.draft(yaml=DRAFT)["examples"]
    assert [(each["line"], each["wanted"], each["passed"]) for each in examples] == [
        (11, True, True),
        (12, False, False),
    ]
    assert "期望 不命中" in examples[1]["problem"]


def test_a_draft_is_tried_whatever_its_status(trial):
    """A rule that is still a draft is found, and marked as not shown."""
    found = trial.explain(text="我不清楚", customer="", speaker="agent", phase=None, yaml=DRAFT)["turns"][0][
        "found"
    ]
    assert [(each["draft"], each["status"], each["shown"]) for each in found] == [(True, "draft", False)]
