"""Asked twice: the agent asks again for what he was told, or the customer has to repeat his request."""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import TYPE_CHECKING

from coach.coaching import lexicon
from coach.coaching.moment import Moment
from coach.language.text import CLAUSE_MARKS

if TYPE_CHECKING:
    from coach.coaching.moment import MomentSettings, Turn

_CLAUSES = re.compile(rf"[^{CLAUSE_MARKS}]+[？]?")
# What frames a request without being part of it.
_FRAME = re.compile(
    r"那个|这个|请问|麻烦|你们?|我们?|咱们?|就想|只想|想|知道|问一?下?|一下|到底|究竟|就是|现在|刚才|其实|真的|还是|可是|但是|所以|那|就|都|也|啊|呀|呢|吗|嘛|吧|呗|了|的|是|在|给|帮|要|说|这|喂|请|再|又|还|能不能|能否|可以|能"
)
_KINDS = (
    ("when", re.compile(r"什么时候|啥时候|何时|多久|多长时间|几点|几天|哪天|几号")),
    ("why", re.compile(r"为什么|为啥|怎么会|凭什么|什么原因|怎么回事")),
    ("how", re.compile(r"怎么办|怎么|如何|咋")),
    ("how-much", re.compile(r"多少|几块|几元")),
    ("where", re.compile(r"哪里|哪儿|在哪|哪")),
    ("what", re.compile(r"什么|啥")),
)
_SET_PHRASE = re.compile(r"还有|可以帮|稍等|谢谢|感谢|你看|请讲|方便|听得?(?:到|见|清)|在吗|对吗|是吗")
_MIN_CONTENT = 2
# An agent's free question is only the same question when it is nearly the same words.
_SAME_WORDS = 0.8
_AGENT_HAN = 8


class Questions:
    """Watches both sides for requests that come again."""

    def __init__(self, settings: MomentSettings) -> None:
        self._settings = settings
        self._slots: Counter[str] = Counter()
        self._agent_asked: deque[tuple[int, str]] = deque(maxlen=settings.repeat_turns)
        self._wishes: deque[tuple[int, str]] = deque(maxlen=settings.repeat_turns)
        self._last_agent: Turn | None = None
        self._last_slot: str | None = None
        self._not_heard = False
        self._customer_since = False
        self._told: set[int] = set()

    def hear(self, turn: Turn) -> list[Moment]:
        """Take in a turn of anybody."""
        if turn.speaker == "agent":
            moments = self._agent(turn)
            self._last_agent = turn
            self._customer_since = False
            return moments
        if turn.speaker == "customer":
            moments = self._customer(turn)
            self._not_heard = lexicon.NOT_HEARD.search(turn.text) is not None
            self._customer_since = True
            return moments
        return []

    def _agent(self, turn: Turn) -> list[Moment]:
        self._last_slot = None
        excused = self._not_heard or not self._customer_since or lexicon.EXCUSED.search(turn.text) is not None
        moments: list[Moment] = []
        for clause in _CLAUSES.findall(turn.text):
            slot = _asked_slot(clause, turn.text)
            if slot is None:
                continue
            self._last_slot = slot
            if excused and self._slots[slot]:
                continue
            self._slots[slot] += 1
            count = self._slots[slot]
            if count > 1 and turn.index not in self._told:
                self._told.add(turn.index)
                moments.append(self._moment(turn, {"by": "agent", "slot": slot, "count": count}))
            break
        if not moments and not excused and turn.index not in self._told:
            moments += self._same_question(turn)
        self._agent_asked += [(turn.index, clause) for clause in _questions(turn.text)]
        return moments

    def _same_question(self, turn: Turn) -> list[Moment]:
        for clause in _questions(turn.text):
            if any(
                index != turn.index and _pairs_alike(clause, old) >= _SAME_WORDS
                for index, old in self._agent_asked
            ):
                self._told.add(turn.index)
                return [self._moment(turn, {"by": "agent", "question": clause})]
        return []

    def _customer(self, turn: Turn) -> list[Moment]:
        asked = self._last_agent
        if (
            asked is not None
            and not self._customer_since
            and asked.index not in self._told
            and lexicon.SAID_ALREADY.search(turn.text)
            and (self._last_slot is not None or asked.text.endswith("？"))
            and not lexicon.EXCUSED.search(asked.text)
        ):
            self._told.add(asked.index)
            slot = self._last_slot or ""
            return [self._moment(asked, {"by": "agent", "slot": slot, "customer_says_so": True})]
        wishes = [
            clause
            for clause in _CLAUSES.findall(turn.text)
            if lexicon.han(clause) >= self._settings.similar_han and lexicon.REQUEST.search(clause)
        ]
        repeated = next(
            (
                (clause, index)
                for clause in wishes
                for index, old in self._wishes
                if turn.index - index <= self._settings.repeat_turns
                and turn.index != index
                and alike(clause, old) >= self._settings.similar
            ),
            None,
        )
        self._wishes += [(turn.index, clause) for clause in wishes]
        if repeated is None or turn.follows or self._asked_to_repeat():
            return []
        return [
            self._moment(
                turn, {"by": "customer", "question": repeated[0].rstrip("？"), "first_turn": repeated[1]}
            )
        ]

    def _asked_to_repeat(self) -> bool:
        """The agent did not hear and asked to hear it again: no fault of not listening."""
        asked = self._last_agent
        return asked is not None and bool(
            lexicon.EXCUSED.search(asked.text)
            or re.search(r"再说一(?:遍|次|下)|你是(?:说|想|要)", asked.text)
        )

    @staticmethod
    def _moment(turn: Turn, details: dict[str, str | int | bool]) -> Moment:
        return Moment("repeated-question", turn.start_ms, turn.index, dict(details))


def alike(one: str, other: str) -> float:
    """Return how alike two requests are, 0 to 1, by what is left without their frame."""
    kinds = [_kind(text) for text in (one, other)]
    if kinds[0] != kinds[1]:
        return _pairs_alike(one, other) if None in kinds else 0.0
    contents = [_content(text) for text in (one, other)]
    if min(map(len, contents)) < _MIN_CONTENT:
        return 0.0
    shared = sum((contents[0] & contents[1]).values())
    letters = 2 * shared / (contents[0].total() + contents[1].total())
    # Short contents share letters by chance: 退款 and 退货 are not the same request.
    if kinds[0] is None or min(content.total() for content in contents) <= 3:  # noqa: PLR2004
        return min(letters, max(_pairs_alike(one, other), letters if letters == 1 else 0))
    return letters


def _kind(text: str) -> str | None:
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), None)


def _content(text: str) -> Counter[str]:
    for _, pattern in _KINDS:
        text = pattern.sub("", text)
    return Counter(_FRAME.sub("", text.strip(CLAUSE_MARKS)))


def _pairs_alike(one: str, other: str) -> float:
    pairs = [_pairs(text) for text in (one, other)]
    total = len(pairs[0]) + len(pairs[1])
    return 2 * len(pairs[0] & pairs[1]) / total if total else 0.0


def _pairs(text: str) -> set[str]:
    letters = _FRAME.sub("", text.strip(CLAUSE_MARKS))
    return {letters[index : index + 2] for index in range(len(letters) - 1)}


def _questions(text: str) -> list[str]:
    """The agent's real questions: no set phrases, no requests for a slot."""
    return [
        clause
        for clause in _CLAUSES.findall(text)
        if (clause.endswith("？") or _kind(clause))
        and lexicon.han(clause) >= _AGENT_HAN
        and not _SET_PHRASE.search(clause)
    ]


def _asked_slot(clause: str, text: str) -> str | None:
    """Return what a clause asks the customer for; None when it reads back or does not ask."""
    for slot, pattern in lexicon.SLOTS.items():
        found = pattern.search(clause)
        if found and lexicon.ASKS.search(clause) and not lexicon.READ_BACK.search(clause):
            after = text[text.find(clause) + len(clause) :][:8]
            return None if lexicon.READ_BACK.search(after) else slot
    return None
