"""Dispute loops: two contradictions of each side in turn."""

from __future__ import annotations

import pytest

from .talk import found

OPENING = ["坐席：您好，晨光银行客服，工号8602，请讲。", "客户：我上个月没用过流量，怎么扣了三十块"]
LOOP = [
    "坐席：不会扣错的，系统没有问题。",
    "客户：不可能，我明明没用过。",
    "坐席：您肯定记错了，记录就是这样。",
    "客户：我没记错，你们当时说不用不扣。",
]


def test_a_loop_is_told_when_both_have_contradicted_twice():
    """It names where it began; an agent who goes on arguing is not told again."""
    [loop] = found(
        [*OPENING, *LOOP, "坐席：跟您说过了，规定就是这样。", "客户：凭什么，我不同意。"], "dispute-loop"
    )
    assert (loop.turn, dict(loop.details)) == (5, {"first_turn": 2, "count": 4})


def test_one_contradiction_each_is_a_misunderstanding():
    """What is settled at once is no loop."""
    assert found([*OPENING, *LOOP[:2], "坐席：好的，那您看这样可以吗。", LOOP[3]], "dispute-loop") == []


@pytest.mark.parametrize(
    "way_out",
    [
        "坐席：很抱歉，是我没说清楚。",
        "坐席：我先帮您查一下记录，请您稍等。",
        "坐席：您说得对，是我们的问题。",
    ],
)
def test_who_regrets_or_goes_to_look_leaves_the_loop(way_out):
    """The third turn ends the dispute, and what follows begins a new count."""
    assert found([*OPENING, *LOOP[:2], way_out, LOOP[3], LOOP[2]], "dispute-loop") == []


def test_after_leaving_a_new_loop_is_told():
    """A second dispute in the same call is news."""
    script = [*OPENING, *LOOP, "坐席：很抱歉，我帮您查一下。", "客户：好", *LOOP]
    assert len(found(script, "dispute-loop")) == 2


def test_a_contradiction_in_the_second_half_of_a_turn_counts():
    """A turn may come as several utterances, with backchannels in between."""
    script = [*OPENING, "坐席：您这个我看到了。", "客户：嗯", *LOOP]
    assert len(found(script, "dispute-loop")) == 1


def test_denying_questions_of_a_calm_customer_make_no_loop():
    """Corrections that the customer takes are ordinary work."""
    script = [
        *OPENING,
        "坐席：这个不是流量费，是会员费。",
        "客户：哦，那是我看错了。",
        "坐席：没关系，会员是您三月开通的。",
        "客户：不对，我三月没在国内。",
        "坐席：那我帮您核实一下开通的渠道。",
        "客户：好的",
    ]
    assert found(script, "dispute-loop") == []
