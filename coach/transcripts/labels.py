"""Who speaks: the labels that transcripts use, and which of them are the agent.

A label that says nothing by itself (SPEAKER_00, 1, A) is mapped by the options or not at all.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from coach.transcripts.model import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coach.coaching.events import Speaker
    from coach.transcripts.model import ReadOptions

_WORDS: Final[dict[Speaker, str]] = {
    "agent": "agent 客服 坐席 座席 客服人员 坐席员 座席员 客服专员 客服代表 坐席代表 话务员 接线员 工作人员 服务人员 员工 业务员 "
    "顾问 operator representative rep advisor csr staff internal 坐席侧 客服侧",
    "customer": "customer 客户 用户 顾客 客人 来电人 来电者 消费者 买家 会员 旅客 乘客 市民 投诉人 client user caller external "
    "end_user 客户侧 用户侧",
    "unknown": "unknown 未知 system 系统 系统提示 机器人 语音机器人 ivr bot robot 旁白 第三方",
}
_ROLES: Final[dict[str, Speaker]] = {word: role for role, words in _WORDS.items() for word in words.split()}
# 客服001, 坐席-张三, 客户（主卡）: a known word, and then which one of them.
_NUMBERED: Final = re.compile(
    rf"({'|'.join(sorted(_ROLES, key=len, reverse=True))})(?:\s*\d+|[\s_-]+\w{{1,16}}|\s*[(\[【].{{1,16}}[)\]】])"
)
# Labels that machines give to voices and channels they cannot name.
_ANONYMOUS: Final = re.compile(
    r"(?:speaker|spk|channel|ch|person|voice|说话人|发言人|讲话人|声道|通道)[\s_-]*[0-9a-z]{1,3}|[0-9]{1,2}|[a-z]|左声道|右声道|左|右"
)


def plain(label: str) -> str:
    """Return a label as it is compared: half-width, lower case, without the brackets around it."""
    return unicodedata.normalize("NFKC", label).strip().strip("[]<>【】「」*").strip().casefold()


def role_of(label: str) -> Speaker | None:
    """Return the role that a label says by itself, None when it says none."""
    key = plain(label)
    if (role := _ROLES.get(key)) is not None:
        return role
    match = _NUMBERED.fullmatch(key)
    return _ROLES[match.group(1)] if match else None


def is_label(text: str, options: ReadOptions) -> bool:
    """Whether what stands before a colon names a speaker rather than being part of the sentence."""
    if role_of(text) is not None:
        return True
    key = plain(text)
    return _ANONYMOUS.fullmatch(key) is not None or key in named(options.agent_is | options.customer_is)


def named(labels: Iterable[str]) -> frozenset[str]:
    """Return the labels of an option as they are compared, without the word for whoever speaks first."""
    return frozenset(plain(label) for label in labels) - {FIRST, ""}


def assign(labels: Sequence[str], options: ReadOptions) -> list[Speaker]:
    """Return the role of each turn from its label, in the order of the turns.

    A turn without a label among turns that have one is of an unknown speaker.

    Raises:
        ValueError: nobody said which of the labels is the agent; tells which option to use.
    """
    found: dict[str, Speaker] = {}
    open_labels: dict[str, str] = {}
    agents, customers = named(options.agent_is), named(options.customer_is)
    for label in dict.fromkeys(labels):
        key = plain(label)
        if key in agents:
            found[label] = "agent"
        elif key in customers:
            found[label] = "customer"
        elif (role := role_of(label)) is not None:
            found[label] = role
        elif key:
            open_labels[label] = key
        else:
            found[label] = "unknown"
    if labels and not any(map(plain, labels)):
        raise ValueError(
            "没有说话人，无法知道哪句是坐席说的；请用带说话人（或分声道）的转写，如 FunASR 加 --spk、WhisperX 加 --diarize"
        )
    if open_labels:
        found |= _resolve(list(open_labels), found, options)
    return [found[label] for label in labels]


def _resolve(labels: list[str], found: dict[str, Speaker], options: ReadOptions) -> dict[str, Speaker]:
    roles = set(found.values())
    agents, customers = named(options.agent_is), named(options.customer_is)
    if FIRST in {plain(label) for label in options.agent_is} and "agent" not in roles:
        return {label: "agent" if label == labels[0] else "customer" for label in labels}
    if agents and customers and roles & {"agent", "customer"}:
        return dict.fromkeys(labels, "unknown")
    if agents and "agent" in roles:
        return dict.fromkeys(labels, "customer")
    if customers and not agents and "customer" in roles:
        return dict.fromkeys(labels, "agent")
    there = "、".join(f"“{label}”" for label in labels[:6])
    if agents or customers:
        asked = " ".join(
            [f"--agent-is {label}" for label in sorted(options.agent_is)]
            + [f"--customer-is {label}" for label in sorted(options.customer_is)]
        )
        raise ValueError(
            f"不知道说话人 {there} 是谁：给了 {asked}，这通里没有对得上的；请补上这通里坐席的标签"
        )
    if "agent" in roles:
        raise ValueError(
            f"不知道说话人 {there} 是谁；若是客户，请加 --customer-is {labels[0]}，若是坐席，请加 --agent-is {labels[0]}"
        )
    raise ValueError(
        f"不知道说话人 {there} 中谁是坐席；请用 --agent-is 指明，如 --agent-is {labels[0]}，"
        f"或 --agent-is {FIRST}（先开口的是坐席）"
    )
