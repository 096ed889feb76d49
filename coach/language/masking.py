"""Hide personal data in what was said, one character for one, so that offsets stay right.

Pure and without a word list of its own: `masking_numbers` reads digits, `masking_words` names and places.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from coach.language.masking_kinds import DEFAULT_KINDS, KINDS, Kind, PersonalData
from coach.language.masking_numbers import FEWEST_DIGITS, find_numbers, fold
from coach.language.masking_words import PROVINCES, find_words, kept_of_address

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["DEFAULT_KINDS", "KINDS", "Kind", "PersonalData", "find", "mask"]

# Every way to personal data leads through one of these characters; nearly all that is said has none of them.
_DIGIT: Final = "[0-9０-９零〇幺一二三四五六七八九]"
_MAYBE: Final = re.compile(f"[{_DIGIT[1:-1]}@＠艾叫姓名户收机系持本先女姐邮微主险益寄申是]")
# One of the characters alone says little: one of these has to follow before anything is read closely.
_LIKELY: Final = re.compile(
    rf"(?:{_DIGIT}[^\n]{{0,11}}?){{{FEWEST_DIGITS}}}|{_DIGIT}[^\n]?$|[{_DIGIT[1:-1]}十百][号栋幢弄室院单]|{_DIGIT}[-–—‐]{_DIGIT}"
    rf"|[@＠]|艾特|[a-zA-Z]at |邮[箱件]|微信|[{PROVINCES}][A-Za-z]"
    r"|叫|姓|名|[户机车业]主|[件货系卡保险益办请款户本]人|先生|[我您你他她]是|女士|小姐"
)
# Common as well, but in talk of schools only, so that all other talk need not pay for a letter more in the patterns above.
_TEACHERS: Final = re.compile("老师(?<=[一-龥]{4})")
# How far before its end the segments before can hold what is read together with the newest one.
_REACH: Final = 40
# The other half of a name may be in the next segment.
_ANNOUNCED: Final = re.compile(r"(?:叫做?|姓名[是为]?|名字是?|[主人名]是?)$")
# What may stand between the words of two segments of one speaker.
_JOINT: Final = "，"
_JOINED: Final = 60
_NEAR: Final = 6
_NUMBERS: Final = frozenset({"phone", "id-card", "bank-card", "number", "order"})
# How many characters stay readable at the start and at the end; the end only from so many characters on.
_KEPT: Final[dict[Kind, tuple[int, int, int]]] = {
    "id-card": (3, 4, 15),
    # No card is shorter; twelve digits are three groups of one whose last is yet to come.
    "bank-card": (0, 4, 15),
    "number": (0, 2, 7),
    "order": (0, 4, 8),
    "plate": (2, 2, 7),
    "passport": (1, 2, 8),
    "account": (1, 2, 5),
}
_EMAIL_DOMAIN: Final = re.compile(r"\s*(?:@|艾特|\bat\b)")
_COMPOUND: Final = 2


def find(
    text: str, *, final: bool = True, before: str = "", kinds: Collection[Kind] = DEFAULT_KINDS
) -> tuple[PersonalData, ...]:
    """Find personal data.

    Args:
        text: what was said, in characters (code points).
        final: whether the text is complete; a number that may still grow is found from its fifth digit on.
        before: what the same speaker said just before, because a recogniser cuts a number into segments.
        kinds: which kinds to look for.

    Returns:
        Stretches of `text` that do not overlap, in order.
    """
    shift, _, found = _find(text, final=final, before=before, kinds=kinds)
    return tuple(PersonalData(each.kind, max(each.start - shift, 0), each.end - shift) for each in found)


def mask(text: str, *, final: bool = True, before: str = "", kinds: Collection[Kind] = DEFAULT_KINDS) -> str:
    """Return `text`, as long as before, with `*` for what `find` finds; telling ends stay readable.

    138****5678, 110***********1234, 王**, z*******@qq.com. Masking twice changes nothing more.
    """
    shift, whole, found = _find(text, final=final, before=before, kinds=kinds)
    if not found:
        return text
    letters = list(whole)
    folded = fold(whole)
    end_of_words = len(whole.rstrip(" ，。,.、"))
    for each in found:
        places = [
            index
            for index in range(each.start, each.end)
            if (folded[index] in "0123456789xX叉" if each.kind in _NUMBERS else folded[index].isalnum())
        ]
        head, tail = _kept(each, folded, places)
        if not final and each.end >= end_of_words and each.kind != "email":
            # It may be the beginning of something longer, whose end is yet to come.
            tail = 0
        for index in places[head : len(places) - tail]:
            letters[index] = "*"
    return "".join(letters[shift:])


def _find(
    text: str, *, final: bool, before: str, kinds: Collection[Kind]
) -> tuple[int, str, list[PersonalData]]:
    """Find in `text` after the end of `before`; return how long that is, both together, and what reaches `text`."""
    if (
        _MAYBE.search(text) is None
        and "老师" not in text
        and not (before and _ANNOUNCED.search(before[-_NEAR:]))
    ):
        return 0, text, []
    before = before[-_JOINED:] + _JOINT if before else ""
    shift = len(before)
    whole = before + text
    if not _LIKELY.search(whole, max(0, shift - _REACH)) and not (
        "老师" in text and _TEACHERS.search(whole, shift)
    ):
        return 0, text, []
    folded = fold(whole)
    found = find_words(whole, folded, final=final)
    found += find_numbers(folded, taken=found, final=final, joint=shift)
    found = [each for each in found if each.end > shift and each.kind in kinds]
    return shift, whole, sorted(found, key=lambda each: each.start)


def _kept(each: PersonalData, folded: str, places: list[int]) -> tuple[int, int]:
    """Return how many of `places` stay readable at the start and at the end."""
    said = folded[each.start : each.end]
    match each.kind:
        case "phone":
            return _kept_of_phone("".join(folded[index] for index in places))
        case "name":
            return (_COMPOUND if len(said) > _COMPOUND + 1 and "·" not in said else 1), 0
        case "email":
            at = _EMAIL_DOMAIN.search(said)
            domain = each.start + at.start() if at else each.end
            own = sum(index < domain for index in places)
            return (1 if own > 1 else 0), len(places) - own
        case "address":
            return sum(index < each.start + kept_of_address(said) for index in places), 0
        case _:
            head, tail, whole = _KEPT[each.kind]
            return head, tail if len(places) >= whole else 0


def _kept_of_phone(digits: str) -> tuple[int, int]:
    mobile = re.fullmatch(r"(86)?1[3-9]\d*", digits)
    if mobile:
        head = 5 if mobile[1] else 3
        return head, 4 if len(digits) >= head + 8 else 0
    area = re.match(r"0(?:10|2\d|[3-9]\d\d)", digits)
    return (area.end() if area else 0), 2
