"""What an agent promises to do after the call: who, what, by when, and whether that is vague.

Work done while the customer waits (我马上帮您查) is no commitment; neither are offers that are still a
question, nor what has been done already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coach.coaching.deadline import Deadline, find_deadlines
from coach.coaching.lexicon import HOLD_ASK, IN
from coach.language.text import CLAUSE_MARKS, normalize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_WHO = re.compile(
    r"(?:客户经理|工作人员|技术(?:人员|同事|部门|部|组|那边)?|工程师|(?:维修|安装)?师傅|专(?:员|人)|同事|主管|值班经理|经理|领导|负责人|快递员|配送员|小哥|司机|财务|理赔(?:员|专员)|查勘员|顾问|组长"
    r"|投诉(?:组|部门|专员)|售后(?:人员|部门|专员)?|后台|(?:相关|有关|对应|业务|专业)(?:部门|人员|同事)|[^，。？！；我你的由]{2,6}(?:部门?|中心|科|组)(?=会|将|的同事|来|在)|店长|(?:门店|网点|厂家|商家|仓库|公司|有人)(?=会|将|来|给|跟|在|的人|的同事|那边|联系|主动)|他们|我们(?:这边|这里)?|咱们|我(?:这边|这里)?|这边)"
)
_YOU = r"(?:你|您)"
# To reach the customer: always meant for later.
_CONTACT = re.compile(
    rf"(?:给|为|跟|向|与|和|同){_YOU}{IN}{{0,6}}?(?:回(?:个|一个|一通)?(?:电话?|复|信|访|话|消息)|答复|联系|来电|致电|打(?:个|一个|一通)?电话|去电话?|回(?:过去|过来|拨)|反馈|通知|说一声|发(?:个)?(?:短信|消息|邮件|信息)通知|消息|准信|结果|交代|说法|解决方案|处理结果)"
    rf"|(?:联系|通知|告知|告诉|回复|答复|回访|致电|打给|回电给|回给|反馈给|电话通知|短信通知|电话联系|回电){_YOU}"
    rf"|回(?:个|一个)?电话?(?![到给]我)|(?<!一次性)回访|(?<!请){_YOU}?(?:会|将)(?:收到|接到){IN}{{0,8}}(?:回电|电话|答复|回复|通知|来电)|打(?:电话)?(?:过去|过来)?给{_YOU}|(?:给|跟){_YOU}打(?:过去|回去|回来|过来|电话|个电话|一个电话|一通电话)"
    rf"|(?:给|向|跟){_YOU}(?:一个|个)?(?:明确|满意|准确|具体|最终|确切|初步)?的?(?:答复|回复|结果|说法|交代|反馈|准信)|再(?:给{_YOU}|跟{_YOU}|向{_YOU}|和{_YOU})?(?:确认|回复|答复|联系)(?:一次|{_YOU})?"
)
# To bring, send, pay back: later unless it has been done already.
_DELIVER = re.compile(
    rf"上门|寄(?:出|给|到|过|回|送)|(?:快递|邮寄|寄)(?:一[份张个])?给{_YOU}|补(?:发|寄|送|偿|给)|重(?:新)?发|发货|发放|退(?:款|还|回|给|到)|返(?:还|给)|赔付?给|打到|打款|到账|入账|送(?:到|过去|过来|达|货)|发(?:到|给|至){_YOU}?|派(?:人|师傅|单|工程师|专人)"
    rf"|安排(?:人|师傅|专人|专员|工程师|同事|工作人员|技术|维修|上门|配送|发货|退款|补发|取件)|调(?:货|一个|一台)|更换|换新"
)
# To work on it: a commitment when it is said of the future or has a limit.
_WORK = re.compile(
    r"处理(?:完|好|掉)?|解决(?:掉|好)?|核实(?:清楚|完|好)?|跟进|跟踪|上报|汇报|反馈|反映|提交|调查|恢复|修复|修好|办(?:好|完|理)|催(?:促|一下)?|督促|落实|协调|转(?:交|达|告)|整改|开通|查(?:清楚?|明|一次|看一次|证)|看一次|登记|出(?:具)?结果|审核|审批|生效|补(?:上|录)|给到|汇总|更新|完成|安装|维修|发送"
)
_FUTURE = re.compile(
    r"会(?!员|计|议)|将(?!军)|准备|打算|就(?:打|给|回|联系|通知|告诉|发|跟|去|寄)|再(?:给|跟|和|向|打|回|联系|通知|告诉|回复|答复)|等(?:我|一?有)"
)
_VAGUE = re.compile(
    r"尽快|尽早|马上|立刻|立即|稍后|稍晚|一会儿?|待会儿?|回头|过(?:两|几|些)天|过段时间|近期|最近|到时候?|及时|第一时间|有(?:了)?(?:消息|结果|进展|回复|情况)(?:了|就|再|以后|后|会|，)?|晚点|晚些|改天|随后|之后|后续|很快|近日|这几天|几天|找到就|查到就|抽空|有空|尽量"
)
_DONE = re.compile(
    rf"(?:已经|已|刚才|刚刚|(?<![点天号午晚班时钟刻半分日周末底])之前|昨天|前天|上次|上周|早就|当时){IN}{{0,14}}$|^{IN}{{0,6}}(?:刚|已)"
)
_DONE_AFTER = re.compile(rf"^(?:过去|给你|你)?(?:了|过)(?:[{CLAUSE_MARKS}]|$|的|吗)")
_NOT = re.compile(
    r"(?:不会|不能|不可以|无法|没法|没办法|没有?|不用|不需要|无需|不必|别|不敢|未|不|不再|难以)(?:再|给|为|跟|向|帮|替|与|和|你|主动|及时|马上|直接|立即|随便|单独|亲自|我们?|让)*$"
)
_IF = re.compile(
    r"如果|要是|若(?!干)|万一|一旦|假如|如有|有(?:任何)?(?:问题|需要|疑问|变化|变动|情况)|需要的话|的话"
)
_ASKING = re.compile(
    rf"(?:需要|要不要|用不用|是否|是希望|希望|想要?|愿意|还是|可不可以|能不能|什么时候|几点|哪天|多久|可以选择){IN}{{0,12}}$"
)
_YOUR_PART = re.compile(
    rf"(?:请|麻烦|建议|需要|可以|欢迎|随时|劳烦|烦请|那){_YOU}{IN}{{0,8}}$|{_YOU}(?:再|可以|自己|直接|去|需要|要|得|先|这边|那边|有没有|是不是|方便|试着|也|就|随时|后续|当时|之前|本人|自行|还|没)+{IN}{{0,4}}$|(?:客户|对方|银行方|用户){IN}{{0,6}}$|(?:给|跟|向)我们?$"
)
# Why the agent calls: that call is this one.
_PURPOSE = re.compile(
    rf"(?:给你)?(?:来(?:个)?电话?|致电|打(?:这个|这通|个|一个)?电话(?:过来|给你)?|打(?:过来|给你)|联系你|通话)(?:呢|的目的|的原因)?(?:主要|就|也)*(?:是(?!否)|为了?|想|因为){IN}*"
    rf"|(?:来|打){IN}{{0,4}}(?:做|进行)(?:一?个|一下|一次)?{IN}{{0,6}}回访|想(?:对你|跟你|向你|和你)?(?:简单|例行)?(?:做)?(?:一?个|一次|一下)?{IN}{{0,4}}回访"
)
_WAITING = re.compile(rf"^{IN}{{0,10}}(?:稍等|稍候|别挂|不要挂)")
_CHANNELS = (
    ("电话", re.compile(r"电|打给|打过|致电|回访")),
    ("短信", re.compile(r"短信|信息")),
    ("邮件", re.compile(r"邮件|邮箱")),
    ("上门", re.compile(r"上门|师傅")),
    ("寄送", re.compile(r"寄|快递|发货|补发|送")),
    ("退款", re.compile(r"退|返还|到账|打款|赔")),
)
_CLAUSES = re.compile(rf"[^{CLAUSE_MARKS}]+[{CLAUSE_MARKS}]?")
# Whom something is passed on to is not the one who promised it.
_TARGET = re.compile(r"(?:给|到|向|跟|和|从|在|往|联系|催)(?:相关|有关)?$")
_OURSELVES = ("我", "咱", "这边")
_QUOTE_HAN = 40
# How much a promise says: to be in touch more than to deliver, that more than to work on it.
_CALLS = 3


@dataclass(frozen=True, slots=True)
class Commitment:
    """A promise.

    Attributes:
        who: who will do it, in the agent's words; 我 when nobody is named.
        what: the clause that promises, in the agent's words.
        when: the time, in the agent's words; "" when none was said.
        due_ms: from the start of the call; None when unknown (see `deadline`).
        vague: no time that can be kept or missed.
        channel: 电话, 短信, 邮件, 上门, 寄送, 退款 or "".
    """

    who: str
    what: str
    when: str
    due_ms: int | None
    vague: bool
    channel: str
    working_days: bool = False

    def made_precise(self, deadline: Deadline) -> Commitment:
        """Return it with the time that was said in the next turn."""
        return replace(
            self, when=deadline.text, due_ms=deadline.due_ms, vague=False, working_days=deadline.working_days
        )


@dataclass(frozen=True, slots=True)
class _Promise:
    strength: int
    clause: str
    start: int
    end: int


def find_commitment(
    text: str, *, said_ms: int, started_at: datetime | None = None, spoken: str = ""
) -> Commitment | None:
    """Find the promise in one turn of an agent; of several the one that says most.

    Args:
        text: folded text.
        said_ms: end of the turn, from the start of the call.
        started_at: wall clock at the start of the call.
        spoken: what `text` was before it was folded, to be quoted; "" quotes `text`.
    """
    deadlines = find_deadlines(text, said_ms=said_ms, started_at=started_at)
    promises = [
        promise
        for match in _CLAUSES.finditer(text)
        if (promise := _promise(text, match.start(), match.end(), deadlines)) is not None
    ]
    if not promises:
        return None
    timed = [(promise, _deadline_for(promise, deadlines)) for promise in promises]
    promise, deadline = max(timed, key=lambda pair: (pair[1] is not None, pair[0].strength, -pair[0].start))
    who = _who(text, promise)
    vague = _VAGUE.search(promise.clause) or _VAGUE.search(text)
    return Commitment(
        who=who,
        what=_quote(text, promise, spoken)[:_QUOTE_HAN],
        when=deadline.text if deadline else (vague[0] if vague else ""),
        due_ms=deadline.due_ms if deadline else None,
        vague=deadline is None,
        channel=next((name for name, pattern in _CHANNELS if pattern.search(promise.clause)), ""),
        working_days=deadline.working_days if deadline else False,
    )


def _quote(text: str, promise: _Promise, spoken: str) -> str:
    """Return the clause without its marks, as it was spoken if that is known."""
    said = promise.clause.strip(CLAUSE_MARKS)
    if not spoken:
        return said
    start = text.index(said, promise.start)
    return spoken[slice(*normalize(spoken).span(start, start + len(said)))]


def _promise(text: str, start: int, end: int, deadlines: Sequence[Deadline]) -> _Promise | None:
    clause = text[start:end]
    inside = [deadline for deadline in deadlines if start <= deadline.start < end]
    before = _clause_before(text, start)
    near = inside or [
        deadline
        for deadline in deadlines
        if start - 16 <= deadline.end <= start or end <= deadline.start <= end + 4
    ]
    limit = any(deadline.limiting for deadline in near)
    if clause.endswith("？") and not limit and _ASKING.search(clause.rstrip("？吗么")):
        return None
    purpose = _PURPOSE.search(clause)
    for strength, pattern in ((_CALLS, _CONTACT), (2, _DELIVER), (1, _WORK)):
        for found in pattern.finditer(clause):
            if purpose is not None and strength == _CALLS and purpose.start() <= found.end() <= purpose.end():
                continue
            head, tail = clause[: found.start()], clause[found.end() :]
            if (
                _NOT.search(head)
                or _ASKING.search(head)
                or _YOUR_PART.search(head)
                or _DONE_AFTER.search(tail)
            ):
                continue
            future = _FUTURE.search(clause) is not None
            if _DONE.search(head) and not future:
                continue
            agent = (
                _WHO.search(head) is not None
                or re.search(r"(?:给|帮|为|替|跟|向|与|和)你", clause) is not None
            )
            own = agent or _WHO.search(before) is not None
            if (_IF.search(head) or _IF.search(before)) and not near:
                continue
            if strength == _CALLS:
                stands = future or bool(near) or own or _VAGUE.search(clause) is not None
            elif strength == 2:  # noqa: PLR2004 - delivery
                stands = (
                    own
                    and (future or bool(near) or _VAGUE.search(clause) is not None)
                    and not _in_call(text, near)
                )
            else:
                soon = _VAGUE.search(clause) is not None and not re.search(
                    r"马上|立刻|立即|现在|这就", clause
                )
                stands = own and (limit or future or soon) and not _in_call(text, near)
            if stands:
                return _Promise(strength, clause, start, end)
    return None


def _clause_before(text: str, start: int) -> str:
    head = text[:start].rstrip(CLAUSE_MARKS)
    return head[max(head.rfind(mark) for mark in CLAUSE_MARKS) + 1 :]


def _in_call(text: str, near: Sequence[Deadline]) -> bool:
    """Tell whether the customer is asked to wait on the line: then it is done within the call."""
    if not HOLD_ASK.search(text):
        return False
    asks = re.search(r"[稍少捎](?:等|候)|别挂|不要挂|等一下|等我|请你?等", text)
    return asks is not None and all(deadline.brief for deadline in near)


def _deadline_for(promise: _Promise, deadlines: Sequence[Deadline]) -> Deadline | None:
    """The time in the promise's own clause, else the nearest one before it, else after it."""
    inside = [deadline for deadline in deadlines if promise.start <= deadline.start < promise.end]
    if inside:
        return max(inside, key=lambda deadline: deadline.limiting)
    before = [deadline for deadline in deadlines if deadline.end <= promise.start]
    after = [deadline for deadline in deadlines if deadline.start >= promise.end]
    if before and (before[-1].limiting or not after):
        return before[-1]
    return after[0] if after else None


def _who(text: str, promise: _Promise) -> str:
    """Name who will act: somebody named as the one who acts, else whoever of us is named, else 我."""
    for part in (promise.clause, text[: promise.start]):
        found = [match for match in _WHO.finditer(part) if not _TARGET.search(part[: match.start()])]
        others = [match[0] for match in found if not match[0].startswith(_OURSELVES)]
        if others or found:
            return others[0] if others else found[0][0]
    return "我"
