"""Dispute loops: agent and customer contradict each other turn by turn, and nobody looks anything up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coach.coaching import lexicon
from coach.coaching.moment import Moment
from coach.language.text import CLAUSE_MARKS

if TYPE_CHECKING:
    from coach.coaching.moment import Turn

_IN = lexicon.IN
_START = rf"(?:^|[{re.escape(CLAUSE_MARKS)}])(?:那|可|可是|但是|但|哎|唉|啊|不对|不是|喂|女士|先生)*"
# The agent denies what the customer said, or holds a rule against it.
_DENIES = re.compile(
    rf"{_START}(?:不可能|不是的|不是这样|不会的|没有这(?:回事|种事|样)|哪有|怎么会|绝对不|肯定没|肯定不|根本没|根本不)"
    rf"|你(?:肯定|一定|是|自己|可能|这边|的)*(?:记错|弄错|搞错|看错|听错|说错|理解错|(?:理解|说法|记忆){_IN}{{0,3}}(?:错|误|不对|问题)|误会|误解|没(?:仔细|认真|好好)?(?:看|听)|没说)"
    rf"|(?:我们?|系统|这边){_IN}{{0,6}}(?:没有?(?:错|问题|说过|承诺|收到|扣|记录)|从来没|根本没|不可能|不会(?:错|出错))"
    rf"|(?:规定|条款|合同|页面|协议|短信){_IN}{{0,8}}(?:写得?(?:很)?(?:清楚|明白|清清楚楚|明明白白)|写明|就是这样|就这样|已经说明|都有写|白纸黑字)"
    rf"|(?:事实|情况|记录)(?:就|明明)?是(?:这样|你)|跟你(?:说|讲|解释)(?:过|了)"
    rf"|难道你|两码事|两回事|不是一回事|(?:跟|和)我(?:吵|争)|你(?:先|能不能先)?听我(?:说|讲|把)|又不是我(?:定|弄|说|办)|你不(?:服|信|承认)"
)
# The customer denies what the agent said, or says that he is right.
_OBJECTS = re.compile(
    rf"{_START}(?:不可能|不对|不是的?(?:[{re.escape(CLAUSE_MARKS)}]|$)|不是这样|胡说|瞎说|哪有|怎么(?:会|可能)|凭什么|我不信|骗人)"
    rf"|我(?:明明|就是|确实|真的|根本|从来)(?!{_IN}{{0,2}}(?:想|要|希望)){_IN}{{0,10}}(?:没|不是|有|是|说|收|办|交|付|看|打|退|寄|买|取|还|填|按)"
    rf"|我怎么(?:就|会|可能){_IN}{{0,6}}(?:错|不|没)|(?:难道|不就|不都)是?{_IN}{{0,10}}(?:吗|？)|我{_IN}{{0,3}}(?:看|数|查|核对|念)了{_IN}{{0,2}}[{lexicon.DIGIT}几好]{_IN}?(?:遍|次)"
    rf"|你们?(?:自己|公司)?{_IN}{{0,4}}(?:要拖|在拖|推卸|赖账|不认账|不承认|扯|狡辩|糊弄)|别(?:狡辩|糊弄|骗我|蒙我)|谁(?:跟你|说的)|我不(?:管|认|同意|接受)"
    rf"|你们?(?:明明|当时|之前|上次|昨天|自己|就是){_IN}{{0,4}}(?:说|答应|承诺|写|告诉|保证|扣|寄|发)"
    rf"|我(?:没有?|从来没|根本没)(?:记错|弄错|搞错|看错|听错|说错|误会|误解|收到|说过|办过|点过|同意|签)"
    rf"|(?:记错|弄错|搞错|理解错|看错)的?是你们|是你们(?:弄错|搞错|的错|错了|的问题|没)|跟我(?:没|有什么)关系|我有(?:截图|录音|证据|回执|凭证|记录|聊天记录)"
)
# Whoever regrets, agrees or goes to look leaves the dispute.
_LEAVES = re.compile(
    rf"(?:帮|为|给|替)你{_IN}{{0,4}}(?:查|核实|看|确认|问|处理|反馈|登记|申请)|(?:我|这边)(?:先|来|去|马上|再)*(?:查|核实|确认|看)一?下|你(?:说|讲)得(?:对|有道理|没错)|是我们(?:的|这边)"
)
# Two contradictions of each side in turn: once each is a misunderstanding (choice, after the case book: twice).
_LOOP = 4


class Disputes:
    """Counts contradictions that answer each other; told once until somebody leaves the dispute."""

    def __init__(self) -> None:
        self._speaker = ""
        # The speaker's present turn, of one utterance or more, holds a contradiction.
        self._contradicted = False
        self._count = 0
        self._first = 0
        self._told = False

    def hear(self, turn: Turn) -> list[Moment]:
        """Take in a turn of anybody."""
        if turn.speaker == "unknown" or lexicon.han(lexicon.BACKCHANNEL.sub("", turn.text)) == 0:
            return []
        if turn.speaker != self._speaker:
            if not self._contradicted:
                self._count = 0
            self._speaker, self._contradicted = turn.speaker, False
        if turn.speaker == "agent" and (lexicon.EMPATHY.search(turn.text) or _LEAVES.search(turn.text)):
            self._count, self._told = 0, False
            return []
        pattern = _DENIES if turn.speaker == "agent" else _OBJECTS
        if self._contradicted or not pattern.search(turn.text):
            return []
        self._contradicted = True
        if self._count == 0:
            self._first = turn.index
        self._count += 1
        if self._count < _LOOP or self._told:
            return []
        self._told = True
        return [
            Moment("dispute-loop", turn.end_ms, turn.index, {"first_turn": self._first, "count": self._count})
        ]
