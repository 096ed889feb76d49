"""Who speaks is known or asked for, never guessed."""

from __future__ import annotations

import pytest

from coach.transcripts.labels import assign, is_label, role_of
from coach.transcripts.model import ReadOptions
from tests.transcripts.reading import only_call, only_reject, told


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


def srt(*cues):
    """Return subtitles, a second a cue."""
    return "\n\n".join(
        f"{number}\n00:00:{number:02},000 --> 00:00:{number + 1:02},000\n{text}"
        for number, text in enumerate(cues, 1)
    )


UNKNOWN = {
    "timed.txt": "[00:01] 客服：您好\n[00:03] X9：我要退订\n[00:05] 客服：好的\n[00:06] 客户：嗯\n",
    "plain.txt": "客服：您好\nX9：我要退订\n客服：好的\n客户：嗯\n",
    "names.txt": "客服：您好\n王芳：我要退订\n客服：好的\n王芳：嗯\n",
    "timed-name.txt": "[00:01] 客服：您好\n[00:03] 王芳：我要退订\n[00:05] 客户：好的\n",
    "coded.srt": srt("客服：您好", "X9：我要退订", "客户：嗯"),
    "named.srt": srt("客服：您好", "王芳：我要退订", "客户：嗯"),
    "coded.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n客服：您好\n\n00:02.000 --> 00:03.000\nX9：我要退订\n",
    "cell.csv": '录音编号,对话内容\n1,"客服：您好\nX9：我要退订\n客户：嗯"\n',
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_stranger_is_asked_for(tmp_path, name):
    """A speaker of whom nothing is known sets the call aside, names him and the option."""
    file = tmp_path / name
    file.write_text(UNKNOWN[name], encoding="utf-8")
    reject = only_reject(file)
    label = "王芳" if "name" in name else "X9"
    assert f"“{label}”" in reject.problem
    assert f"--agent-is {label}" in reject.problem


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_stranger_who_is_named(tmp_path, name):
    """With the option he speaks for himself."""
    file = tmp_path / name
    file.write_text(UNKNOWN[name], encoding="utf-8")
    label = "王芳" if "name" in name else "X9"
    call = only_call(file, options(customer=label))
    assert ("customer", "我要退订") in [turn[:2] for turn in told(call)]


@pytest.mark.parametrize(
    "more",
    [
        "地址：幸福路一号",
        "我说一下：明天上午",
        "12:30到账",
        "见http://a.example/x",
        "4G：没有信号",
        "订单：A12",
    ],
)
def test_more_of_a_turn(tmp_path, more):
    """A line with a colon that opens with no name goes on with the turn before it."""
    file = tmp_path / "1.txt"
    file.write_text(f"客服：您好\n客户：我记一下\n{more}\n客服：好的\n", encoding="utf-8")
    assert told(only_call(file))[1][1].endswith(more)


def test_a_timed_line_of_nobody(tmp_path):
    """A line with a time and without a name is a turn of nobody known, not more of the turn before it."""
    file = tmp_path / "1.txt"
    file.write_text("[00:01] 客服：您好\n[00:03] 我要退订\n[00:05] 客户：喂\n", encoding="utf-8")
    assert told(only_call(file))[1][:3] == ("unknown", "我要退订", 3000)
