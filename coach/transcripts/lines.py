"""A line of a transcript with the name of its speaker before it, and how a name is told from a sentence."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from coach.transcripts.headers import field_of
from coach.transcripts.labels import is_label, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.transcripts.model import ReadOptions

_TIME: Final = r"[\[（(【<]?\s*((?:\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T])?\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?)\s*[\]）)】>]?"
_WHO: Final = r"([^：:\[\]【】<>\s][^：:\[\]【】<>]{0,23}?)"
_SPOKEN: Final = re.compile(
    rf"\s*(?:{_TIME}(?:\s*[-~–—至到>]+\s*{_TIME})?\s*)?{_WHO}\s*(?:{_TIME}\s*)?[：:]\s*(.*)"
)
_BRACKETED: Final = re.compile(
    rf"\s*(?:{_TIME}\s*)?[\[【<]\s*{_WHO}\s*[\]】>]\s*(?:{_TIME}\s*)?[：:]?\s*(.*)"
)
_ABOVE: Final = re.compile(rf"\s*{_WHO}\s+{_TIME}\s*")
# Names are taken for speakers when a few of them open most of the lines.
_MOST: Final = 0.6
_NAMES: Final = 6
# A speaker that a machine has numbered: X9, agent-01. No sentence begins like that.
_CODE: Final = re.compile(r"(?=.*\d)[a-z][\w.\-]{0,15}", re.ASCII)
# What is said has one of these sooner or later, a name has none.
_SAID: Final = re.compile(r"[，。？！、；,;?!\"“”…]|[我你您他她它这那的了是说在请吗呢吧就不没有叫到]")
# What is dictated: 地址：幸福路一号.
_FORM: Final = re.compile(
    r".*(?:地址|姓名|名字|电话|手机|号码?|日期|时间|金额|价格?|订单|备注|原因|方案|套餐|内容|问题|结果|邮箱|微信|密码|网址|标题|主题"
    r"|步骤|第[一二三四五六七八九十]|[一二三四五六七八九十]|例如|比如|提示|注意?|答|问|总计|共计|合计|提醒)|qq|id|vip|app|wifi|https?|ps|ok",
    re.IGNORECASE,
)
_LONGEST_NAME: Final = 12
_SURE_TIME: Final = re.compile(rf"\s*(?=[\[（(【<]|\d{{1,3}}:\d{{2}}:\d{{2}}|\d{{4}}){_TIME}\s*(.*)")


class Spoken(NamedTuple):
    """A line that someone says: label, time as it was written, text."""

    label: str
    start: str
    end: str
    text: str


class Stranger(NamedTuple):
    """A line that seems to open with a speaker of whom nothing is known; unless `sure` it may be a sentence."""

    spoken: Spoken
    sure: bool


def find_names(lines: Iterable[str], options: ReadOptions) -> frozenset[str]:
    """Return names that open most lines of a text in which no line has a label that we know; else nothing."""
    count = 0
    names: Counter[str] = Counter()
    for line in lines:
        if not line.strip():
            continue
        count += 1
        if spoken_line(line, frozenset(), options) is not None:
            return frozenset()
        match = _SPOKEN.fullmatch(line)
        if match is not None and field_of(match.group(3))[0] is None:
            names[plain(match.group(3))] += 1
    if len(names) <= _NAMES and names.total() >= _MOST * count:
        return frozenset(names)
    return frozenset()


def spoken_line(line: str, names: frozenset[str], options: ReadOptions) -> Spoken | None:
    """Take a line apart that opens with a speaker, None when it does not."""
    if match := _SPOKEN.fullmatch(line):
        start, end, label, later, text = match.groups()
    elif match := _BRACKETED.fullmatch(line):
        start, label, later, text = match.groups()
        end = None
    elif match := _ABOVE.fullmatch(line):
        (label, later), start, end, text = match.groups(), None, None, ""
    else:
        return None
    if plain(label) not in names and (not is_label(label, options) or _is_clock(label, text)):
        return None
    return Spoken(label.strip(), start or later or "", end or "", text)


def stranger_line(line: str, options: ReadOptions) -> Stranger | None:
    """Take a line apart that opens with a name which is no label that we know, None when it opens with none.

    A name is sure when it has a time before it, or is a code; any other is when it comes twice in a call.
    """
    start = end = None
    if match := _SPOKEN.fullmatch(line):
        start, end, label, later, text = match.groups()
    elif match := _BRACKETED.fullmatch(line):
        start, label, later, text = match.groups()
    elif match := _ABOVE.fullmatch(line):
        (label, later), text = match.groups(), ""
    else:
        return None
    if not (text or later) or text.startswith("//") or not _is_name(label) or is_label(label, options):
        return None
    spoken = Spoken(label.strip(), start or later or "", end or "", text)
    return Stranger(spoken, sure=start is not None or _CODE.fullmatch(plain(label)) is not None)


def _is_name(label: str) -> bool:
    """Whether it could be a name, rather than the beginning of a sentence or something dictated."""
    return not (
        len(label) > _LONGEST_NAME
        or label.isdigit()
        or _SAID.search(label)
        or _FORM.fullmatch(label)
        or field_of(label)[0] is not None
    )


def nameless_line(line: str) -> Spoken | None:
    """Take a line apart that opens with a time and nobody's name, None when it opens with no time."""
    match = _SURE_TIME.fullmatch(line)
    return Spoken("", match.group(1), "", match.group(2)) if match and match.group(2) else None


def _is_clock(label: str, text: str) -> bool:
    """Whether the colon stands in a time: 12:30到账 is nothing that speaker 12 says."""
    return label.isdigit() and text[:1].isdigit()
