"""The courtesies a call must hold: a full greeting, empathy after a complaint, a proper closing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from coach.coaching import lexicon
from coach.coaching.moment import Moment
from coach.coaching.progress import MustSay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coach.coaching.events import Utterance
    from coach.coaching.moment import MomentSettings, Turn

# More than the last turns of a call are ever made of; keeps memory flat on calls of any length.
_KEPT: Final = 40


class Greeting:
    """Waits for the greeting's parts; says once which are missing.

    Counted is what the agent says in his first turn, and what he begins to say until the greeting is due.
    """

    def __init__(self, settings: MomentSettings, *, org: str = "") -> None:
        self._settings = settings
        self._org = lexicon.fold(org)
        self._first: Turn | None = None
        self._last: Turn | None = None
        self._text = ""
        # The parts not heard so far in final words.
        self._missing: tuple[str, ...] = settings.greeting_parts
        self._decided = False
        # Live only: when the agent began, and what is missing counting the words still under way.
        self._began_ms: int | None = None
        self._open: tuple[str, ...] = settings.greeting_parts
        # What the live list was made of the last time, and the list: asked for with every partial result.
        self._shown: tuple[object, tuple[MustSay, ...]] = (None, ())

    @property
    def must_says(self) -> tuple[MustSay, ...]:
        """The parts, for the live countdown; the very same tuple while nothing has changed."""
        state = (self._began_ms, self._open, self._decided)
        if state != self._shown[0]:
            self._shown = (state, self._list())
        return self._shown[1]

    def _list(self) -> tuple[MustSay, ...]:
        due_ms = None if self._began_ms is None else self._began_ms + self._settings.greeting_ms
        return tuple(
            MustSay(
                id=f"greeting/{part}",
                part=part,
                phase="greeting",
                due_ms=due_ms,
                said=part not in self._open,
                missed=self._decided and part in self._open,
            )
            for part in self._settings.greeting_parts
        )

    def overhear(self, utterance: Utterance) -> None:
        """Take in a partial result of the agent, for the countdown alone: nothing is decided by it."""
        if self._decided or not self._open:
            return
        if self._began_ms is None:
            self._began_ms = utterance.start_ms
        elif utterance.start_ms > self._began_ms + self._settings.greeting_ms:
            return
        said = lexicon.fold(utterance.text)
        self._open = tuple(part for part in self._missing if not self._says(part, said))

    def _says(self, part: str, text: str) -> bool:
        match part:
            case "问候":
                return lexicon.HELLO.search(text) is not None
            case "单位":
                return (self._org != "" and self._org in text) or lexicon.ORGANISATION.search(
                    text
                ) is not None
            case "工号":
                return lexicon.AGENT_NUMBER.search(text) is not None
        return False

    def hear(self, turn: Turn) -> list[Moment]:
        """Take in a turn of anybody."""
        if self._decided:
            return []
        if turn.speaker == "agent" and self._belongs(turn):
            self._first = self._first or turn
            self._last = turn
            # A part may be cut over two turns (我的工号是，八六零二), hardly ever over more.
            joined, self._text = f"{self._text}{turn.text}，", f"{turn.text}，"
            self._began_ms = self._first.start_ms
            self._missing = tuple(part for part in self._missing if not self._says(part, joined))
            self._open = self._missing
            return []
        # Somebody spoke after the greeting: it is over once its time is up, or when there are no times.
        if self._first is not None and (not self._first.timed or turn.end_ms >= self._due_ms(self._first)):
            return self.decide()
        return []

    def tick(self, now_ms: int) -> list[Moment]:
        """Let time pass while nobody speaks."""
        if self._decided or self._first is None or self._last is None or not self._first.timed:
            return []
        over = max(self._due_ms(self._first), self._last.end_ms + self._settings.joined_ms)
        return self.decide() if now_ms > over + self._settings.grace_ms else []

    def decide(self) -> list[Moment]:
        """Say what is missing, once; nothing in a call without an agent."""
        if self._decided or self._first is None:
            return []
        self._decided = True
        missing = self._open = self._missing
        if not missing:
            return []
        return [Moment("missing-greeting", self._first.end_ms, self._first.index, {"missing": list(missing)})]

    def _due_ms(self, first: Turn) -> int:
        return first.start_ms + self._settings.greeting_ms

    def _belongs(self, turn: Turn) -> bool:
        if self._first is None or self._last is None:
            return True
        if not (turn.timed and self._first.timed):
            return turn.follows
        joined = turn.follows and turn.start_ms - self._last.end_ms <= self._settings.joined_ms
        return joined or turn.start_ms <= self._due_ms(self._first)


class Closing:
    """Looks back over the end of a call."""

    def __init__(self, settings: MomentSettings) -> None:
        self._settings = settings
        self._turns: deque[Turn] = deque(maxlen=_KEPT)

    def hear(self, turn: Turn) -> None:
        """Take in a turn of anybody."""
        if turn.speaker == "agent" or (turn.speaker == "customer" and turn.text):
            self._turns.append(turn)

    def end(self) -> list[Moment]:
        """Say what the closing lacks; nothing if it was not for this agent to close."""
        agents = [turn for turn in self._turns if turn.speaker == "agent"]
        if not agents or self._excused(agents):
            return []
        last = _last_turns(agents, self._settings.closing_turns)
        missing = []
        if not any(lexicon.MORE_HELP.search(turn.text) for turn in last):
            missing.append("询问其他需求")
        if not any(lexicon.THANKS.search(turn.text) or lexicon.GOODBYE.search(turn.text) for turn in last):
            missing.append("致谢或道别")
        if not missing:
            return []
        hung_up = lexicon.AGENT_HANGS_UP.search(agents[-1].text) is not None
        return [
            Moment(
                "missing-closing",
                max(turn.end_ms for turn in self._turns),
                agents[-1].index,
                {"missing": missing, "hung_up_first": hung_up},
            )
        ]

    def _excused(self, agents: Sequence[Turn]) -> bool:
        """Whether the call went on elsewhere, the customer hung up, or the line broke."""
        if lexicon.TRANSFER.search(agents[-1].text) and not lexicon.GOODBYE.search(agents[-1].text):
            return self._turns[-1].speaker == "agent" or len(self._turns) < 2 or self._turns[-2] is agents[-1]  # noqa: PLR2004
        end = self._turns[-1]
        if end.speaker != "customer" or lexicon.AGENT_HANGS_UP.search(agents[-1].text):
            return False
        return bool(lexicon.CUSTOMER_HANGS_UP.search(end.text) or lexicon.CUSTOMER_LOST.match(end.text))


def _last_turns(turns: Sequence[Turn], count: int) -> list[Turn]:
    """Return the utterances of the last `count` turns; what follows itself is one turn."""
    chosen: list[Turn] = []
    left = count
    for turn in reversed(turns):
        if left == 0:
            break
        chosen.append(turn)
        left -= not turn.follows
    return chosen


class Empathy:
    """Watches whether a complaint is met with a word of understanding or regret."""

    def __init__(self, settings: MomentSettings) -> None:
        self._settings = settings
        self._complaint: Turn | None = None
        self._turns = 0
        self._told = False

    def complain(self, turn: Turn) -> None:
        """Note a heavy complaint; while one is open, further ones change nothing."""
        if self._complaint is None:
            self._complaint, self._turns = turn, 0

    def hear(self, turn: Turn) -> list[Moment]:
        """Take in an agent turn."""
        complaint = self._complaint
        if complaint is None:
            return []
        if lexicon.EMPATHY.search(turn.text):
            self._complaint, self._told = None, False
            return []
        over_it = turn.timed and complaint.timed and turn.start_ms < complaint.end_ms
        if self._told or over_it or lexicon.han(lexicon.BACKCHANNEL.sub("", turn.text)) == 0:
            return []
        self._turns += not turn.follows or self._turns == 0
        waited = turn.end_ms - complaint.end_ms if turn.timed and complaint.timed else 0
        if self._turns < self._settings.empathy_turns and waited < self._settings.empathy_ms:
            return []
        self._told = True
        return [
            Moment(
                "no-empathy-after-complaint",
                turn.end_ms,
                turn.index,
                {"complaint_turn": complaint.index, "agent_turns": self._turns, "waited_ms": max(0, waited)},
            )
        ]
