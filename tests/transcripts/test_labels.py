"""Who speaks is known or asked for, never guessed."""

from __future__ import annotations

import pytest

from coach.transcripts.labels import assign, is_label, role_of
from coach.transcripts.model import ReadOptions


def options(agent="", customer=""):
    """Return options with labels parted by commas."""
    return ReadOptions(
        agent_is=frozenset(filter(None, agent.split(","))),
        customer_is=frozenset(filter(None, customer.split(","))),
    )


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("客服", "agent"),
        ("ＡＧＥＮＴ", "agent"),
        ("【坐席】", "agent"),
        ("客服001", "agent"),
        ("坐席-张三", "agent"),
        ("客户（主卡）", "customer"),
        ("CUSTOMER", "customer"),
        ("系统", "unknown"),
        ("客服热线", None),
        ("用户体验", None),
        ("SPEAKER_00", None),
        ("0", None),
    ],
)
def test_roles(label, role):
    """Words for the two sides are known, with a number or a name after them; anything else is not."""
    assert role_of(label) == role


@pytest.mark.parametrize(
    ("label", "expected"),
    [("A", True), ("说话人1", True), ("SPEAKER_01", True), ("地址", False), ("时间", False)],
)
def test_labels(label, expected):
    """What stands before a colon is a speaker only if it looks like one."""
    assert is_label(label, options()) is expected


@pytest.mark.parametrize(
    ("given", "roles"),
    [
        (options("speaker_00"), ["agent", "customer", "customer"]),
        (options(customer="SPEAKER_01"), ["agent", "customer", "agent"]),
        (options("SPEAKER_00", "SPEAKER_01"), ["agent", "customer", "unknown"]),
        (options("first"), ["agent", "customer", "customer"]),
    ],
)
def test_options(given, roles):
    """One option names one side and leaves the other to the rest; both leave third parties unknown."""
    assert assign(["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"], given) == roles


def test_first_after_the_announcement():
    """The first to speak is the first person, not the system."""
    assert assign(["系统", "1", "2"], options("first")) == ["unknown", "agent", "customer"]


def test_option_over_the_word():
    """A label that the user names is what he says it is."""
    assert assign(["客户", "B"], options("客户")) == ["agent", "customer"]


@pytest.mark.parametrize(
    ("labels", "given", "words"),
    [
        (["1", "2"], options(), "--agent-is 1"),
        (["1", "2"], options("SPEAKER_00"), "给了 --agent-is SPEAKER_00"),
        (["客服", "张女士"], options(), "--customer-is 张女士"),
        (["", ""], options("first"), "没有说话人"),
    ],
)
def test_asks(labels, given, words):
    """What is not known is asked for with the option to use."""
    with pytest.raises(ValueError, match=words):
        assign(labels, given)
