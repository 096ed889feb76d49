"""Who speaks when and how fast: interruptions, silences, waits without a word, hurried speech.

All of it needs believable times; a turn without them is passed over, never guessed at.
"""

from __future__ import annotations

import re
from collections import deque
from statistics import median
from typing import TYPE_CHECKING

from coach.coaching import lexicon
from coach.coaching.moment import Moment

if TYPE_CHECKING:
    from coach.coaching.moment import Detail, MomentSettings, Turn

_NUMERALS = re.compile(f"[{lexicon.DIGIT}十百千万点杠]")
# More numerals than this share is a number read back, which is slow for the ear however it is counted.
_READING_NUMBERS = 0.4
_REMEMBERED = 6
_MINUTE_MS = 60_000


class Interruptions:
    """Finds agent turns that begin while the customer speaks; the two may arrive in either order."""

    def __init__(self, settings: MomentSettings) -> None:
        self._settings = settings
        self._customer: deque[Turn] = deque(maxlen=_REMEMBERED)
        self._agent: deque[Turn] = deque(maxlen=_REMEMBERED)
        self._told_ms: list[int] = []
        self._told: set[int] = set()

    def hear(self, turn: Turn) -> list[Moment]:
        """Take in a turn of anybody."""
        if not turn.timed:
            return []
        if turn.speaker == "agent":
            self._agent.append(turn)
            return [moment for other in self._customer for moment in self._judge(turn, other)][:1]
        if turn.speaker == "customer":
            self._customer.append(turn)
            return [moment for other in self._agent for moment in self._judge(other, turn)]
        return []

    def _judge(self, agent: Turn, customer: Turn) -> list[Moment]:
        overlap = min(agent.end_ms, customer.end_ms) - agent.start_ms
        if (
            agent.index in self._told
            or not customer.start_ms < agent.start_ms < customer.end_ms
            or overlap < self._settings.overlap_ms
            or lexicon.han(lexicon.BACKCHANNEL.sub("", agent.text)) < 1
            or lexicon.han(agent.text) < self._settings.interruption_han
        ):
            return []
        self._told.add(agent.index)
        self._told_ms.append(agent.start_ms)
        recent = sum(0 <= agent.start_ms - at < _MINUTE_MS for at in self._told_ms)
        details: dict[str, Detail] = {
            "overlap_ms": overlap,
            "customer_turn": customer.index,
            "within_minute": recent,
        }
        return [Moment("interruption", agent.start_ms, agent.index, details)]


class Silences:
    """Finds stretches where nobody speaks, and waits that nobody announced or thanked for."""

    def __init__(self, settings: MomentSettings) -> None:
        self._settings = settings
        self._last: Turn | None = None
        self._quiet_ms: int | None = None
        self._agent_text = ""
        self._agent_index = -1
        self._customer_text = ""
        self._told = False
        # A wait that was asked for and is over, but not yet thanked for.
        self._owed: tuple[int, int] | None = None

    def hear(self, turn: Turn) -> list[Moment]:
        """Take in a turn of anybody."""
        moments = self._pause_before(turn)
        if self._owed and turn.speaker == "agent":
            moments += self._returned(turn, *self._owed)
            self._owed = None
        elif self._owed and turn.speaker == "customer" and not lexicon.CUSTOMER_PROMPTS.match(turn.text):
            self._owed = None
        self._remember(turn)
        return moments

    def tick(self, now_ms: int) -> list[Moment]:
        """Let time pass while nobody speaks; `now_ms` counts from the start of the call."""
        if (
            self._quiet_ms is None
            or self._last is None
            or self._told
            or now_ms - self._quiet_ms < self._limit_ms
        ):
            return []
        self._told = True
        details: dict[str, Detail] = {"since_ms": self._quiet_ms, "limit_ms": self._limit_ms}
        return [Moment("long-silence", self._quiet_ms + self._limit_ms, self._last.index, details)]

    def spoken_until(self, until_ms: int) -> None:
        """Note words that never became final: nobody was silent while they were said."""
        if self._quiet_ms is not None:
            self._quiet_ms = max(self._quiet_ms, until_ms)

    @property
    def _limit_ms(self) -> int:
        asked = lexicon.HOLD_ASK.search(self._agent_text) or lexicon.CUSTOMER_WAITS.search(
            self._customer_text
        )
        return self._settings.hold_silence_ms if asked else self._settings.silence_ms

    def _pause_before(self, turn: Turn) -> list[Moment]:
        if self._quiet_ms is None or self._last is None or not turn.timed:
            return []
        pause = turn.start_ms - self._quiet_ms
        moments = self.tick(turn.start_ms)
        announced = lexicon.HOLD_ASK.search(self._agent_text) is not None
        # After a transfer somebody else answers, who asked nobody to wait.
        if (
            pause < self._settings.notice_ms
            or self._agent_index < 0
            or lexicon.TRANSFER.search(self._agent_text)
        ):
            return moments
        if announced:
            if pause >= self._settings.return_ms:
                self._owed = (self._quiet_ms, pause)
        elif turn.speaker == "agent" and self._was_look_up(turn.text):
            details: dict[str, Detail] = {
                "missing": "等待前说明",
                "since_ms": self._quiet_ms,
                "pause_ms": pause,
            }
            moments.append(Moment("hold-without-notice", self._quiet_ms, self._agent_index, details))
        return moments

    def _was_look_up(self, after: str) -> bool:
        if lexicon.CUSTOMER_WAITS.search(self._customer_text):
            return False
        return bool(
            lexicon.LOOK_UP.search(self._agent_text)
            or lexicon.LOOK_UP.search(self._customer_text)
            or lexicon.LOOKED_UP.search(after)
            or lexicon.HOLD_RETURN.search(after)
        )

    def _returned(self, turn: Turn, since_ms: int, pause: int) -> list[Moment]:
        if lexicon.HOLD_RETURN.search(turn.text) or lexicon.HOLD_ASK.search(turn.text):
            return []
        details: dict[str, Detail] = {"missing": "等待后致谢", "since_ms": since_ms, "pause_ms": pause}
        return [Moment("hold-without-notice", turn.start_ms, turn.index, details)]

    def _remember(self, turn: Turn) -> None:
        if turn.timed:
            self._quiet_ms = turn.end_ms if self._quiet_ms is None else max(self._quiet_ms, turn.end_ms)
        else:
            # Somebody spoke we do not know how long: what comes next is no measured pause.
            self._quiet_ms = None
        self._last, self._told = turn, False
        if turn.speaker == "agent":
            self._agent_text = f"{self._agent_text}，{turn.text}" if turn.follows else turn.text
            self._agent_index = turn.index
            if not turn.follows:
                self._customer_text = ""
        elif turn.speaker == "customer":
            self._customer_text = turn.text


class Pace:
    """Measures how fast the agent speaks over his last seconds of speech."""

    def __init__(self, settings: MomentSettings) -> None:
        self._settings = settings
        self._recent: deque[Turn] = deque(maxlen=_REMEMBERED)
        self._rates: list[float] = []
        self._told_ms: int | None = None

    def hear(self, turn: Turn, *, upset: bool) -> list[Moment]:
        """Take in an agent turn; `upset` is how the customer is at the moment."""
        if not turn.timed or _reads_numbers(turn.text):
            return []
        self._recent.append(turn)
        own = _MINUTE_MS * lexicon.han(turn.text) / turn.duration_ms
        usual = median(self._rates) if self._rates else own
        self._rates.append(own)
        letters = length = 0
        for part in reversed(self._recent):
            letters += lexicon.han(part.text)
            length += part.duration_ms
            if letters >= self._settings.fast_han and length >= self._settings.fast_ms:
                break
        else:
            return []
        rate = _MINUTE_MS * letters / length
        hurried = (
            upset and rate > self._settings.upset_rate and own * 100 > usual * self._settings.upset_ratio
        )
        # The turn itself must be fast: a slow one only dilutes a fast one that was told or too short.
        if not hurried and min(rate, own) <= self._settings.fast_rate:
            return []
        if self._told_ms is not None and turn.end_ms - self._told_ms < self._settings.again_ms:
            return []
        self._told_ms = turn.end_ms
        limit = self._settings.fast_rate if rate > self._settings.fast_rate else self._settings.upset_rate
        level = "card" if rate > self._settings.very_fast_rate or hurried else "hint"
        details: dict[str, Detail] = {"han_per_minute": round(rate), "limit": limit, "level": level}
        return [Moment("fast-speech", turn.end_ms, turn.index, details)]


def _reads_numbers(text: str) -> bool:
    letters = lexicon.han(text)
    return letters > 0 and len(_NUMERALS.findall(text)) > _READING_NUMBERS * letters
