"""The live calls of each team, as this worker tells them to supervisors.

A call is told when it changed, at most four times a second, and again every ten seconds, so that whoever came
late, on whatever worker, soon sees all. Nothing is told of a team that nobody looks at but its alerts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Final

from coach.coaching.events import TranscriptChanged
from coach.coaching.standing import Alert, AlertWithdrawn, Standing
from coach.service.render_team import render_alert, render_team_call, render_team_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coach.coaching.events import CallEvent
    from coach.coaching.progress import Progress
    from coach.service.call_builder import CallHead
    from coach.service.hub import Hub
    from coach.service.render import Message

UPDATE_S: Final = 0.25
REPEAT_S: Final = 10.0
# A worker with supervisors says so as often as calls are repeated; after three times not, they are gone.
_INTEREST_S: Final = 3 * REPEAT_S
# Alerts of one call that a supervisor who comes later is shown.
_ALERTS: Final = 20


def topic_of(team: str) -> str:
    """Return the topic of a team."""
    return f"team:{team}"


class BoardCall:
    """One call on the board of its team."""

    def __init__(self, head: CallHead, *, standing: Standing, board: Board) -> None:
        self.head = head
        self.team = head.team or ""
        self.standing = standing
        self._board = board
        self._alerts: dict[str, Message] = {}
        self.told: Message = {}
        # When it was told last, by the board's clock.
        self.told_at = float("-inf")
        self.changed = True

    @property
    def alerts(self) -> tuple[Message, ...]:
        """The latest alerts, oldest first."""
        return tuple(self._alerts.values())

    def note(self, events: Sequence[CallEvent]) -> None:
        """Take in what one step of the call brought, masked; alerts are told at once."""
        # Words that still grow are most of what comes, and change nothing here.
        if all(isinstance(event, TranscriptChanged) and not event.utterance.final for event in events):
            return
        self._tell(self.standing.note(events))

    def go_on(self, progress: Progress) -> None:
        """Take in how the call stands; costs nothing while that is the same."""
        if progress is not self.standing.progress:
            self._tell(self.standing.go_on(progress))

    def hear_again(self, events: Iterable[CallEvent], progress: Progress) -> None:
        """Take in what is on disk already; nobody is told."""
        self._keep(self.standing.note(events))
        self._keep(self.standing.go_on(progress))

    def end(self, reason: str) -> None:
        """Tell that the call is over."""
        self._board.end(self, reason)

    def forget(self) -> None:
        """Leave the board without a word."""
        self._board.forget(self)

    def render(self) -> Message:
        """Render how the call stands."""
        return render_team_call(self.head, self.standing)

    def _tell(self, alerts: Iterable[Alert | AlertWithdrawn]) -> None:
        self.changed = True
        for message in self._keep(alerts):
            self._board.tell(self.team, message)

    def _keep(self, alerts: Iterable[Alert | AlertWithdrawn]) -> list[Message]:
        messages: list[Message] = []
        for alert in alerts:
            if isinstance(alert, Alert):
                message = render_alert(self.head, alert)
                self._alerts.pop(alert.advice.id, None)
                self._alerts[alert.advice.id] = message
                if len(self._alerts) > _ALERTS:
                    del self._alerts[next(iter(self._alerts))]
            else:
                self._alerts.pop(alert.advice_id, None)
                message = {
                    "type": "alert.withdrawn",
                    "call_id": self.head.call_id,
                    "id": alert.advice_id,
                }
            messages.append(message)
        return messages


class TeamSnapshots:
    """Makes what a supervisor starts from: the calls in this worker; those of others are told soon."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def here(self, topic: str) -> Message:
        """Return the calls in memory."""
        return self._board.snapshot(topic.partition(":")[2])

    async def stored(self, topic: str) -> Message:
        """Return the same: what runs nowhere is no live call."""
        return self.here(topic)

    def empty(self, topic: str) -> Message:
        """Return a team without calls."""
        return render_team_calls(topic.partition(":")[2], calls=(), alerts=())


class Board:
    """All calls of all teams of one tenant in this worker.

    Args:
        clock: seconds; it only has to run.
        escalate_after: see `Standing`.
    """

    def __init__(self, hub: Hub, *, clock: Callable[[], float], escalate_after: int = 3) -> None:
        self._hub = hub
        self._clock = clock
        self._escalate_after = escalate_after
        self._teams: dict[str, dict[str, BoardCall]] = {}
        # Supervisors here, by team; and until when one on another worker is taken to look.
        self._supervisors: Counter[str] = Counter()
        self._interest: dict[str, float] = {}
        self._asked_at = float("-inf")
        hub.serve("team", TeamSnapshots(self))
        if hub.channel is not None:
            hub.channel.on(
                "team", lambda message: self.interest(str(message["team"]), joined=bool(message["joined"]))
            )

    def add(self, head: CallHead) -> BoardCall:
        """Put a call on the board of its team; it is told with the next `flush`."""
        call = BoardCall(head, standing=Standing(escalate_after=self._escalate_after), board=self)
        self._teams.setdefault(call.team, {})[head.call_id] = call
        return call

    def forget(self, call: BoardCall) -> bool:
        """Take a call off without a word: it has ended, or another worker has it now. False: it was not there."""
        calls = self._teams.get(call.team, {})
        if calls.get(call.head.call_id) is not call:
            return False
        del calls[call.head.call_id]
        if not calls:
            del self._teams[call.team]
        return True

    def end(self, call: BoardCall, reason: str) -> None:
        """Take a call off and tell that it is over."""
        if self.forget(call):
            self.tell(call.team, {"type": "team.call_gone", "call_id": call.head.call_id, "reason": reason})

    def tell(self, team: str, message: Message) -> None:
        """Tell the team's supervisors something, on whatever worker."""
        # A copy: the feed numbers what it sends.
        self._hub.feed(topic_of(team)).publish(dict(message))

    def snapshot(self, team: str) -> Message:
        """Render the team's calls in this worker, for a supervisor who joins."""
        calls = self._teams.get(team, {}).values()
        alerts = sorted((alert for call in calls for alert in call.alerts), key=lambda each: each["at"])
        return render_team_calls(team, calls=[call.render() for call in calls], alerts=alerts)

    @contextlib.contextmanager
    def looked_at(self, team: str) -> Iterator[None]:
        """Count a supervisor of the team for as long as his socket is served."""
        self._supervisors[team] += 1
        try:
            yield
        finally:
            self._supervisors[team] -= 1
            if not self._supervisors[team]:
                del self._supervisors[team]

    def ask(self, team: str, *, joined: bool) -> None:
        """Ask the other workers to tell their calls of a team: all at once if a supervisor has just joined here."""
        if self._hub.channel is not None:
            self._hub.channel.tell("team", team=team, joined=joined)

    def interest(self, team: str, *, joined: bool = True) -> None:
        """Note that a supervisor on another worker looks at a team; one who has just joined is told all its calls."""
        self._interest[team] = self._clock() + _INTEREST_S
        if joined:
            for call in self._teams.get(team, {}).values():
                call.told = {}
                call.changed = True

    def flush(self) -> None:
        """Tell what changed, and again what has not been told for long."""
        now = self._clock()
        self._interest = {team: until for team, until in self._interest.items() if until > now}
        for team in {*self._supervisors, *self._interest}:
            for call in self._teams.get(team, {}).values():
                self._tell_if_due(call, now)
        if now - self._asked_at >= REPEAT_S:
            self._asked_at = now
            for team in self._supervisors:
                self.ask(team, joined=False)

    async def run(self) -> None:
        """Flush for ever."""
        while True:
            await asyncio.sleep(UPDATE_S)
            self.flush()

    def _tell_if_due(self, call: BoardCall, now: float) -> None:
        age = now - call.told_at
        if age < UPDATE_S or not (call.changed or age >= REPEAT_S):
            return
        message = call.render()
        call.changed = False
        if message != call.told or age >= REPEAT_S:
            call.told, call.told_at = message, now
            self.tell(call.team, message)
