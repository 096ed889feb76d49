"""Puts a live call together: a new one, or one that is heard again from the disk. Who holds it is `calls`' business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from coach.coaching.call import Call
from coach.coaching.moments import Moments
from coach.coaching.privacy import Privacy
from coach.service.batch import started_row
from coach.service.customers import stored_customer
from coach.service.live import LiveCall
from coach.service.live_moments import LiveMoments
from coach.service.snapshots import agent_topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.service.batch import Row
    from coach.service.board import Board
    from coach.service.hub import Hub
    from coach.service.messages import CallStarted
    from coach.service.ruleset import RuleSource
    from coach.service.signing import Secrets
    from coach.service.store import Store
    from coach.service.stored_call import StoredCall


@dataclass(frozen=True, slots=True)
class CallHead:
    """What is known of a call before its first word. `started_at` in seconds since 1970; `team` None: nobody's."""

    call_id: str
    agent_id: str
    started_at: float
    slots: Mapping[str, str]
    team: str | None = None
    agent_name: str = ""


class CallBuilder:
    """Builds calls with the rules in force.

    Args:
        masking: personal data is masked in all that is told and stored.
        secrets: key the hashes of customers; without them no customer is stored.
        board: where supervisors see the calls of a team.
    """

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        rules: RuleSource,
        masking: bool,
        secrets: Secrets | None = None,
        board: Board | None = None,
    ) -> None:
        self._store = store
        self._board = board
        self._hub = hub
        self._rules = rules
        self._masking = masking
        self._secrets = secrets

    def start(self, event: CallStarted, *, at: float) -> tuple[LiveCall, Row]:
        """Build a new call, and its row for the disk. `at` in seconds since 1970."""
        slots = event.slots.filled()
        head = CallHead(event.call_id, event.agent_id, at, slots, event.team, event.agent_name or "")
        live = self.build(head)
        customer = None
        if event.customer_id and self._secrets is not None:
            customer = stored_customer(event.customer_id, self._secrets)
        row = started_row(
            call_id=head.call_id,
            agent_id=head.agent_id,
            started_at=at,
            slots=live.privacy.slots(slots),
            customer=customer,
            team=head.team,
            agent_name=head.agent_name,
        )
        return live, row

    def build(self, head: CallHead, *, seq: int = 0, shown: bool = True) -> LiveCall:
        """Build a call in which nothing was said.

        Args:
            seq: its last event on disk.
            shown: its team sees it from now on; False for a call that is only looked at here.
        """
        board = self._board.add(head) if shown and self._board is not None and head.team else None
        rules = self._rules.current
        call = Call(
            head.call_id,
            agent_id=head.agent_id,
            checker=rules.checker,
            phrasebook=rules.phrasebook,
            slots=head.slots,
        )
        feed = self._hub.feed(agent_topic(head.agent_id))
        moments = Moments(
            rules.finder,
            # The service runs where its agents do: 明天下午五点 is meant in its time zone.
            started_at=datetime.fromtimestamp(head.started_at, UTC).astimezone(),
            org=head.slots.get("org", ""),
            must_says=rules.must_says,
        )
        privacy = Privacy(masked=self._masking, slots=head.slots)
        return LiveCall(
            call,
            moments=LiveMoments(moments, call_id=head.call_id, feed=feed, privacy=privacy),
            privacy=privacy,
            started_at=head.started_at,
            feed=feed,
            store=self._store,
            seq=seq,
            board=board,
        )

    def rebuild(self, stored: StoredCall, *, shown: bool = True) -> LiveCall:
        """Build a call from the disk by hearing its finals again; nobody is told. `shown` as in `build`."""
        head = CallHead(
            stored.call_id,
            stored.agent_id,
            stored.started_at,
            stored.slots,
            team=stored.team,
            agent_name=stored.agent_name,
        )
        live = self.build(head, seq=stored.seq, shown=shown)
        if stored.moved_at is not None:
            live.noted_at = stored.moved_at
            if not stored.heard:
                # No word is stored: what is known of the last one is when the call moved.
                live.heard_ms = max(0, int((stored.moved_at - stored.started_at) * 1000))
        snoozes = list(stored.snoozes)
        for seq, utterance in stored.heard:
            while snoozes and snoozes[0][0] < seq:
                _, rule, quiet = snoozes.pop(0)
                live.set_quiet(rule, quiet=quiet)
            live.hear_again(utterance)
        for _, rule, quiet in snoozes:
            live.set_quiet(rule, quiet=quiet)
        live.moments.restore(stored.moments)
        return live
