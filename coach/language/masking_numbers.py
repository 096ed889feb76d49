"""Read runs of digits, written or spoken, and tell which are somebody's: phones, cards, IDs.

A run is a chain of groups: 138-1234-5678, 幺三八，嗯，一二三四。 Quantities, dates and hotlines stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coach.language.masking_kinds import Kind, PersonalData

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SPOKEN: Final = dict(zip("零〇○幺一二三四五六七八九", "0001123456789", strict=True))
_FOLDED: Final = str.maketrans(
    _SPOKEN | {chr(0xFF01 + n): chr(0x21 + n) for n in range(94)} | {"　": " ", "—": "-", "–": "-", "‐": "-"}
)
_KEEP_WIDE: Final = str.maketrans({",": "，", "?": "？", "!": "！", ";": "；", ":": "："})
_GROUP: Final = re.compile(r"\d+")
_GLUE: Final = re.compile(r"[ \-_·()]{1,3}")
_FILLER: Final = "嗯呃额啊哦唉诶哎"
_PAUSE: Final = re.compile(
    rf"[ ，、。…,.\-{_FILLER}]{{0,4}}(?:那个|然后|就是|接着|前面|中间|后面|最后|再|个)?是?[ ，、。…,.{_FILLER}]{{0,3}}"
)
_TRAIL: Final = re.compile(rf"[ ，、。…,.\-{_FILLER}]{{0,4}}(?:那个|然后|就是)?[ ，。]?")
_MOBILE: Final = re.compile(r"(?:0?0?86)?1[3-9]\d{9}")
_MOBILE_START: Final = re.compile(r"(?:86)?1[3-9]\d{2,}")
_LANDLINE: Final = re.compile(r"0(?:10|2\d|[3-9]\d\d)[2-8]\d{6,7}")
_MOBILE_LENGTH: Final = 11
_LOCAL: Final = range(7, 9)
_DAY: Final = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID: Final = re.compile(rf"[1-9]\d{{5}}(?:18|19|20)\d\d{_DAY}\d{{3}}[\dX]")
_OLD_ID: Final = re.compile(rf"[1-8]\d{{7}}{_DAY}\d{{3}}")
_CHECK_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARD: Final = range(16, 20)
_CARD_START: Final = re.compile(r"62|4|5[1-5]|3[57]")
_ID_LENGTH: Final = 18
_LONGEST: Final = 19
_PAIR: Final = 2
_LONG: Final = 7
_GROWING: Final = 5
# No number of fewer digits is somebody's: 1380 may be the beginning of one that was asked for.
FEWEST_DIGITS: Final = 4
_ENOUGH: Final = re.compile(rf"(?:\d\D*+){{{FEWEST_DIGITS}}}")

_HOTLINE: Final = re.compile(r"[48]00\d{0,7}|100\d{1,3}(?:11)?|9[56]\d{3,4}|12\d{3}|1[12]\d")
_STAMP: Final = re.compile(rf"(?:19|20)\d\d{_DAY}(?:[01]\d|2[0-3])?(?:[0-5]\d){{0,2}}")
_YEARS: Final = re.compile(r"(?:(?:19|20)\d\d){2}")
_COUNTING: Final = "123456789"
_UNIT: Final = re.compile(
    r"[ ]?(?:元|块|毛|圆|万|亿|千|百|十|个|条|件|次|人|位|名|台|部|张|份|单|笔|兆|公里|米|克|吨|度|积分|分|点|秒"
    r"|小时|天|年|月|日|号工单|岁|步|字|倍|倒|股|[KMGT]B?(?![a-zA-Z])|%|\.\d|：\d)"
)
_MONEY: Final = re.compile(r"[ ]?(?:元|块|圆)")
_NAMED: Final = re.compile(
    r"(?:工号|订单|运单|单号|快递|物流|工单|流水|合同|保单|编号|编码|条码|型号|版本|积分|金额|余额|邮编|邮政|验证|序列|串号"
    r"|货号|尾号|后四位|后几位|分机|第|[¥￥$]|欠费|合计|人民币|密码|区号|\d\.|\d：)[^\d，。]{0,6}$"
)
_ORDER: Final = re.compile(
    r"(?:订单|运单|快递|物流|工单|流水|合同|保单|单号|订单编)[^\d，。]{0,4}(?:[A-Za-z]{1,4})?$"
)
_CONTEXT: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("id-card", re.compile(r"(?:身份证|证件)")),
    ("bank-card", re.compile(r"(?:卡号|银行卡|储蓄卡|信用卡|账号|账户|帐号|卡)")),
    ("phone", re.compile(r"(?:电话|手机|座机|固话|号码|联系方式|拨打|打给|加86)")),
)
_ASKED: Final = re.compile(
    r"(?:手机号码?|电话号?码?|号码|联系方式|座机号?|卡号|账号|身份证号?码?|证件号码?)[是为叫：， ]{0,3}$"
)
_NEAR: Final = 12


@dataclass(frozen=True, slots=True)
class _Group:
    start: int
    end: int
    # How it hangs on to the group before: "" not at all, "glue" (one stretch), "pause" (said in one go).
    link: str


def fold(text: str) -> str:
    """Return `text`, as long as before, with digits of any kind as 0-9 and full-width letters as ASCII."""
    return text.translate(_FOLDED).translate(_KEEP_WIDE)


def find_numbers(
    folded: str, *, taken: Iterable[PersonalData] = (), final: bool = True, joint: int = 0
) -> list[PersonalData]:
    """Find the numbers of persons in folded text.

    Args:
        folded: the result of `fold`.
        taken: stretches that are something else already.
        final: whether the text is complete.
        joint: where the newest segment begins; 0 when there was none before it.
    """
    found: list[PersonalData] = []
    if not _ENOUGH.search(folded):
        return found
    for chain in _chains(folded, list(taken)):
        if sum(group.end - group.start for group in chain) < FEWEST_DIGITS:
            continue
        rest = list(chain)
        strict = _strict(folded, rest)
        found += strict
        for piece in _pieces(rest, strict):
            found += _loose(folded, piece)
        found += _growing(folded, chain, found, final=final, joint=joint)
    return found


def is_id_card(digits: str) -> bool:
    """Tell whether 17 digits and the last character keep to the check of GB 11643 (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _CHECK_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == digits[17]


def is_card(digits: str) -> bool:
    """Tell whether the digits keep to the Luhn check."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _chains(folded: str, taken: list[PersonalData]) -> list[list[_Group]]:
    """Cut the text into chains of digit groups that may belong together."""
    chains: list[list[_Group]] = []
    last = -1
    for run in _GROUP.finditer(folded):
        start, end = run.span()
        if any(each.start < end and start < each.end for each in taken) or _is_masked(folded, start, end):
            last = -1
            continue
        gap = folded[last:start] if last >= 0 else ""
        link = ""
        if last >= 0:
            link = "glue" if _GLUE.fullmatch(gap) else "pause" if _PAUSE.fullmatch(gap) else ""
        group = _Group(start, end, link)
        if link:
            chains[-1].append(group)
        else:
            chains.append([group])
        last = end
    return chains


def _is_masked(folded: str, start: int, end: int) -> bool:
    """What is left of a masked number is no beginning of another."""
    return folded[:start].rstrip(" -")[-1:] == "*" or folded[end:].lstrip(" -")[:1] == "*"


def _digits(folded: str, groups: Sequence[_Group]) -> str:
    return "".join(folded[group.start : group.end] for group in groups)


def _strict(folded: str, groups: list[_Group]) -> list[PersonalData]:
    """Find what has the shape of a phone, an ID or a card, whatever it is called."""
    found: list[PersonalData] = []
    at = 0
    while at < len(groups):
        best: tuple[int, PersonalData] | None = None
        size = 0
        for to in range(at, len(groups)):
            size += groups[to].end - groups[to].start
            if size > _LONGEST:
                break
            window = groups[at : to + 1]
            if _joined_at_random(window):
                continue
            person = _shape(folded, window)
            if person is not None:
                best = to, person
        if best is None:
            at += 1
        else:
            at = best[0] + 1
            found.append(best[1])
    return found


def _joined_at_random(window: list[_Group]) -> bool:
    """Numbers in a list (10，20，30，40) are no groups of one number."""
    sizes = [group.end - group.start for group in window]
    return any(group.link == "pause" for group in window[1:]) and max(sizes) == _PAIR


def _shape(folded: str, window: list[_Group]) -> PersonalData | None:
    start, end = window[0].start, window[-1].end
    digits = _digits(folded, window)
    before = folded[max(0, start - _NEAR) : start]
    ordered = bool(_ORDER.search(before))
    ending = re.match(r"[ \-，]{0,2}[xX叉]", folded[end:]) if len(digits) == _ID_LENGTH - 1 else None
    number = f"{digits}X" if ending else digits
    if _ID.fullmatch(number) and (is_id_card(number) or not ordered):
        return PersonalData("id-card", start, end + (ending.end() if ending else 0))
    if _is_lettered(folded, start) or _MONEY.match(folded, end):
        return None
    if _MOBILE.fullmatch(digits):
        return PersonalData("phone", start - (before[-1:] == "+"), end)
    if _LANDLINE.fullmatch(digits) and not ordered:
        extension = re.match(r"[ ]?(?:转|分机)[ ]?\d{1,5}", folded[end:])
        return PersonalData(
            "phone", start - (before[-1:] == "("), end + (extension.end() if extension else 0)
        )
    if ordered:
        return None
    if len(digits) in _CARD and (
        is_card(digits) or (_context(before) == "bank-card" and _CARD_START.match(digits))
    ):
        return PersonalData("bank-card", start, end)
    if _OLD_ID.fullmatch(digits) and not _NAMED.search(before):
        return PersonalData("id-card", start, end)
    return None


def _is_lettered(folded: str, start: int) -> bool:
    """A number with a letter at it is a model, a version or a parcel."""
    return folded[start - 1 : start].isascii() and folded[start - 1 : start].isalpha()


def _pieces(groups: list[_Group], strict: list[PersonalData]) -> list[list[_Group]]:
    """Return the stretches without a pause that are not yet known for what they are."""
    pieces: list[list[_Group]] = []
    open_ = False
    for group in groups:
        if any(each.start < group.end and group.start < each.end for each in strict):
            open_ = False
        elif open_ and group.link == "glue":
            pieces[-1].append(group)
        else:
            pieces.append([group])
            open_ = True
    return pieces


def _loose(folded: str, piece: list[_Group]) -> list[PersonalData]:
    """Judge a long run without a shape of its own by what stands around it."""
    start, end = piece[0].start, piece[-1].end
    digits = _digits(folded, piece)
    if len(digits) < _LONG:
        return []
    before = folded[max(0, start - _NEAR) : start]
    if _ORDER.search(before):
        return [PersonalData("order", start, end)]
    context = _context(before)
    if _is_quantity(folded, start, end, digits, before) and not (
        context and len(digits) not in _LOCAL and not _HOTLINE.fullmatch(digits)
    ):
        return []
    if _MOBILE_START.match(digits) and len(digits) < _MOBILE_LENGTH:
        context = "phone"
    elif context == "phone" and len(digits) not in _LOCAL:
        context = None
    return [PersonalData(context or "number", start, end)]


def _is_quantity(folded: str, start: int, end: int, digits: str, before: str) -> bool:
    return bool(
        _NAMED.search(before)
        or _UNIT.match(folded, end)
        or _HOTLINE.fullmatch(digits)
        or _STAMP.fullmatch(digits)
        or _YEARS.fullmatch(digits)
        or digits in _COUNTING
        or _is_lettered(folded, start)
    )


def _context(before: str) -> Kind | None:
    """Return what the words before say the number is; the nearest word counts."""
    nearest: tuple[int, Kind | None] = (-1, None)
    for kind, pattern in _CONTEXT:
        for word in pattern.finditer(before):
            nearest = max(nearest, (word.end(), kind), key=lambda each: each[0])
    return nearest[1]


def _growing(
    folded: str, chain: list[_Group], found: list[PersonalData], *, final: bool, joint: int
) -> list[PersonalData]:
    """Find the beginning of a number at the end of the text, before it has its full shape."""
    if not _TRAIL.fullmatch(folded, chain[-1].end):
        return []
    crosses = chain[0].start < joint < chain[-1].end
    for at in range(len(chain)):
        groups = chain[at:]
        start, end = groups[0].start, groups[-1].end
        if any(each.start < end and start < each.end for each in found):
            continue
        digits = _digits(folded, groups)
        before = folded[max(0, start - _NEAR) : start]
        if (
            _NAMED.search(before)
            or _is_lettered(folded, start)
            or (_HOTLINE.fullmatch(digits) and not _MOBILE_START.match(digits))
            or _joined_at_random(groups)
        ):
            continue
        asked = bool(_ASKED.search(before))
        open_ = not final or (crosses and start < joint)
        starts_mobile = _MOBILE_START.match(digits) is not None
        if (
            (starts_mobile and (asked or (open_ and len(digits) >= _GROWING)))
            or (asked and len(digits) >= _GROWING)
            or (open_ and len(digits) >= _LONG)
        ):
            kind: Kind = "phone" if starts_mobile else _context(before) or "number"
            return [PersonalData(kind, start, end)]
    return []
