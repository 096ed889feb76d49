"""What a customer's words say about him."""

from __future__ import annotations

import pytest

from coach.coaching.checker import Checker
from coach.coaching.signals import CustomerState, SignalFinder
from coach.coaching.stages import StageStrip
from tests.coaching.talk import GREETING, book, finder, found


@pytest.mark.parametrize(
    ("words", "motive"),
    [
        ("你们这叫什么服务，太过分了！", "venting"),
        ("同一个问题我反映了四遍，谁都不管。", "venting"),
        ("那我的损失呢，你们怎么赔？", "compensation"),
        ("我不是为了钱，我就是要讨个说法。", "compensation"),
        ("我给你们提个建议，流程能不能简化一下。", "contribution"),
        ("再不解决我就发到抖音上曝光你们。", "retaliation"),
        ("你们等着，这事没完。", "retaliation"),
        ("我要投诉你！", "explicit"),
        ("我要投訴你們。", "explicit"),
    ],
)
def test_complaint_has_a_motive(words, motive):
    """Each kind of complaint is told with its motive."""
    [moment] = found([GREETING, f"客户：{words}"], "customer-complaint")
    assert moment.details["motive"] == motive


@pytest.mark.parametrize(
    "words",
    [
        "请问怎么办理？",
        "你们服务挺好的，谢谢。",
        "您帮我看看这是怎么回事啊",
        "没有投诉的意思，我就问问情况。",
        "我在网上看到你们的活动。",
        "这个意外险住院怎么赔？",
        "能帮我查一下吗，什么时候能到？",
        "我要投诉骚扰电话",
    ],
)
def test_ordinary_words_are_no_complaint(words):
    """Questions, praise, and asking for help complain of nothing."""
    assert found([GREETING, f"客户：{words}"], "customer-complaint") == []


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("把账号给我注销，以后不在你们家买了！", "churn-risk"),
        ("人家联通便宜多了，我要携号转网。", "churn-risk"),
        ("叫你们主管来。", "escalation-risk"),
        ("我现在就打一二三一五。", "escalation-risk"),
        ("那就法庭见吧。", "escalation-risk"),
    ],
)
def test_risks_are_told(words, kind):
    """A customer who means to leave or to take it higher."""
    assert [moment.turn for moment in found([GREETING, f"客户：{words}"], kind)] == [1]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("我想换个套餐。", "churn-risk"),
        ("我要取消昨天的订单。", "churn-risk"),
        ("不用了，谢谢。", "churn-risk"),
        ("我老板让我来问的。", "escalation-risk"),
        ("派出所开的证明可以吗？", "escalation-risk"),
    ],
)
def test_lookalikes_are_no_risk(words, kind):
    """Housekeeping, thanks, and people of the customer's own."""
    assert found([GREETING, f"客户：{words}"], kind) == []


def test_agent_words_are_no_signal():
    """The same words from the agent say nothing about the customer."""
    assert found([GREETING, "坐席：您可以打12315投诉，也可以销户。"], "escalation-risk") == []
    assert Checker(book()).check("我要投诉你们", speaker="agent") == ()


def test_condition_does_not_cancel_a_threat():
    """Modifiers of agent talk are not applied: a threat is nearly always conditional."""
    assert {signal.name for signal in finder().find("如果再不解决我就投诉你们")} == {"explicit"}


def test_misheard_complaint_is_found():
    """A recogniser writes 投宿."""
    assert "explicit" in {signal.name for signal in finder().find("那我要投宿你们")}


def test_same_signal_is_told_again_only_after_a_minute():
    """A customer who repeats himself is told of once, later again."""
    script = [
        GREETING,
        "客户：我要销户",
        "坐席：抱歉",
        "客户：我说我要销户",
        "坐席：抱歉 /70",
        "客户：我要销户",
    ]
    assert [moment.turn for moment in found(script, "churn-risk")] == [1, 5]


def test_explicit_complaint_keeps_the_motive_behind_it():
    """我要投诉 after a demand for money is a complaint for compensation."""
    script = [GREETING, "客户：你们必须赔偿我的损失", "坐席：抱歉", "客户：那我就投诉"]
    assert [
        (each.details["motive"], each.details["explicit"]) for each in found(script, "customer-complaint")
    ] == [
        ("compensation", False),
        ("compensation", True),
    ]


def test_self_harm_is_flagged():
    """Words of self-harm ask for a person now."""
    [moment] = found([GREETING, "客户：再不解决我就跳楼"], "customer-complaint")
    assert moment.details["safety"] is True


def test_mood_rises_with_signals_and_fades_with_time():
    """Weights add up within a minute and halve each minute after."""
    state = CustomerState()
    assert state.mood(0) == "calm"
    state.hear(finder().find("太过分了"), 10_000)
    assert state.mood(10_000) == "upset"
    state.hear(finder().find("我要投诉你们"), 20_000)
    assert state.mood(20_000) == "critical"
    assert state.mood(320_000) == "calm"


def test_weight_halves_in_a_minute():
    """The half-life is sixty seconds."""
    state = CustomerState()
    state.hear(finder().find("太过分了"), 0)
    assert state.weight(60_000) == pytest.approx(state.weight(0) / 2)


def test_motive_settles_after_a_minute():
    """A first guess is given at once and called settled after sixty seconds."""
    state = CustomerState()
    state.hear(finder().find("你们必须赔偿我"), 12_000)
    assert (state.motive(), state.is_settled(30_000), state.is_settled(60_000)) == (
        "compensation",
        False,
        True,
    )


def test_asking_for_help_alone_is_no_motive():
    """Help is what people call for."""
    state = CustomerState()
    state.hear(finder().find("能帮我查一下吗"), 1_000)
    assert state.motive() is None


def test_stage_strip_names_the_next_step():
    """The first step not taken comes next, whatever was done after it."""
    strip = StageStrip()
    assert strip.next == "稳"
    strip.hear("抱歉让你着急了")
    strip.hear("我来帮你处理，两个小时内给你答复")
    assert (strip.seen, strip.next) == (("稳", "动"), "问")
    strip.hear("你是希望退款，对吗？")
    assert strip.next == "传"


def test_rule_without_a_known_motive_is_venting(make_rulebook):
    """A site's own complaint rule counts even if its id names no motive."""
    rule = """\
version: 1
rules:
  - id: customer-complaint/our-own
    title: 客户不满
    severity: warning
    status: stable
    speaker: customer
    match: [糟心透了]
    suggest: [ignorance/check-now]
    explain: 先听完，再解释。
    source: 测试
    hits: [【糟心透了】]
    misses: [还行]
"""
    own = SignalFinder(make_rulebook(rules={"customer-complaint": rule}))
    assert [signal.motive for signal in own.find("真是糟心透了")] == ["venting"]
