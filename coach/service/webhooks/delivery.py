"""The task that delivers one tenant's outbox: claims, sends, settles. No endpoint waits for another.

It never touches a call: what is to be told reaches it through the database only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coach.errors import CoachError
from coach.service.webhooks.outbox import Depth, Done, Outbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coach.service.webhooks.endpoints import Endpoint, Endpoints
    from coach.service.webhooks.meter import WebhookMeter
    from coach.service.webhooks.outbox import Due
    from coach.service.webhooks.retry import RetryPolicy
    from coach.service.webhooks.sender import Attempt, Sender

log = logging.getLogger(__name__)

# What another process wrote, or the command line, is found after so long.
_POLL_S: Final = 1.0
# While nobody wants to be told; a commit that has something to tell wakes at once.
_IDLE_S: Final = 15.0
# Results of so long are settled together: a flush to disk costs the same for one as for many.
_LINGER_S: Final = 0.05
_DEPTH_S: Final = 5.0
_AWAY_S: Final = 2.0
# Failures in a row after which an endpoint is tried one event at a time.
_DOUBTFUL: Final = 5
# Claimed at once, for each that may be under way: claiming costs a commit.
_AHEAD: Final = 4
_SCORES_AHEAD: Final = 4
# Beyond the time that an attempt may take: to wait for its turn, and for a loop that is late.
LEASE_MARGIN_S: Final = 45.0


@dataclass(slots=True)
class _State:
    """What this worker knows of an endpoint."""

    endpoint: Endpoint
    turn: asyncio.Semaphore
    claimed: int = 0
    failures: int = 0


class Delivery:
    """Delivers what is in an outbox until it is cancelled.

    Args:
        score: makes the body of a row that has none yet.
        parallel: attempts under way at once, for each endpoint.
        attempt_s: what an attempt may take, in seconds.
        disable_s: an endpoint that took nothing for so long, in seconds, is disabled.
        clock: seconds since 1970.
        alone: no other process delivers from this database, so what was claimed before belongs to nobody.
        chance: random numbers from 0 to 1.
    """

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        outbox: Outbox,
        sender: Sender,
        policy: RetryPolicy,
        score: Callable[[Due], Awaitable[str]],
        meter: WebhookMeter,
        parallel: int,
        attempt_s: float,
        disable_s: float,
        clock: Callable[[], float],
        alone: bool,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._endpoints = endpoints
        self._outbox = outbox
        self._sender = sender
        self._policy = policy
        self._score = score
        self._meter = meter
        self._parallel = parallel
        self._attempt_s = attempt_s
        self._disable_s = disable_s
        self._clock = clock
        self._alone = alone
        self._chance = chance
        self._wake = asyncio.Event()
        self._wake_scoring = asyncio.Event()
        self._states: dict[str, _State] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._done: list[Done] = []
        self._counted_at = 0.0

    def wake(self) -> None:
        """Look now: something was committed."""
        self._wake.set()
        self._wake_scoring.set()

    async def run(self) -> None:
        """Deliver until cancelled; then give back what is under way."""
        try:
            if self._alone:
                await self._patiently(lambda: self._outbox.give_back(everybody=True))
            scores = asyncio.create_task(self._score_forever(), name="webhook-scores")
            scores.add_done_callback(report_death)
            self._under_way.add(scores)
            while True:
                await self._patiently(self._turn)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_S if self._states else _IDLE_S)
                await asyncio.sleep(_LINGER_S)
        finally:
            await self._stop()

    async def _patiently(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do something with the database, however long it is away."""
        while True:
            try:
                await work()
            except CoachError as error:
                log.warning("webhook 暂时读不到数据库：%s", getattr(error, "reason", error))
                await asyncio.sleep(_AWAY_S)
            else:
                return

    async def _turn(self) -> None:
        self._wake.clear()
        now = self._clock()
        await self._look()
        free = {key: self._free(state) for key, state in self._states.items()}
        done, self._done = self._done, []
        try:
            due = await self._outbox.turn(done, free, now=now)
        except CoachError:
            self._done = done + self._done
            raise
        for each in due:
            state = self._states[each.endpoint_id]
            state.claimed += 1
            task = asyncio.create_task(self._deliver(each, state), name=f"webhook-{each.n}")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if now - self._counted_at >= _DEPTH_S or now < self._counted_at:
            self._meter.depth = await self._outbox.depth() if self._states else Depth()
            self._counted_at = now

    async def _look(self) -> None:
        """Learn which endpoints there are, and how each was changed."""
        known = await self._endpoints.list()
        for endpoint in known:
            if endpoint.id not in self._states:
                self._states[endpoint.id] = _State(endpoint, asyncio.Semaphore(self._parallel))
            self._states[endpoint.id].endpoint = endpoint
        for gone in self._states.keys() - {endpoint.id for endpoint in known}:
            del self._states[gone]
        self._meter.endpoints = {
            state: sum(endpoint.state == state for endpoint in known) for state in ("active", "disabled")
        }

    def _free(self, state: _State) -> int:
        if state.endpoint.state != "active":
            return 0
        return (1 if state.failures >= _DOUBTFUL else _AHEAD * self._parallel) - state.claimed

    async def _score_forever(self) -> None:
        """Make the bodies of rows that have none, beside the delivery: no other event waits for a score."""
        while True:
            self._wake_scoring.clear()
            wanted = [
                key
                for key, state in self._states.items()
                if state.endpoint.state == "active" and "call.score" in state.endpoint.events
            ]
            due: list[Due] = []
            if wanted:
                with contextlib.suppress(CoachError):
                    due = await self._outbox.unmade(wanted, limit=_SCORES_AHEAD, now=self._clock())
            for each in due:
                await self._make(each)
            if not due:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake_scoring.wait(), _POLL_S)

    async def _make(self, due: Due) -> None:
        try:
            body = await self._score(due)
        except CoachError as error:
            # It says nothing about the endpoint.
            says = " ".join(str(error).split())[:200]
            self._done.append(self._failed(due, says=says, why=says))
        else:
            await self._patiently(lambda: self._outbox.made(due.id, body))
        self._wake.set()

    async def _deliver(self, due: Due, state: _State) -> None:
        try:
            async with state.turn:
                if due.body is None or due.until - self._clock() < self._attempt_s:
                    # It waited too long for its turn; whoever comes next takes it.
                    return
                endpoint = state.endpoint
                attempt = await self._sender.send(
                    endpoint.url,
                    webhook_id=due.id,
                    body=due.body.encode(),
                    signing=endpoint.signing(self._clock()),
                )
            if attempt.delivered:
                self._meter.delivered += 1
                self._done.append(Done(due.n, due.tries + 1, delivered=True, status=attempt.status))
            else:
                self._done.append(self._failed(due, says=attempt.says, why=attempt.why, attempt=attempt))
            await self._patiently(lambda: self._judge(state, attempt))
        finally:
            state.claimed -= 1
            self._wake.set()

    def _failed(self, due: Due, *, says: str, why: str, attempt: Attempt | None = None) -> Done:
        tries = due.tries + 1
        asked_s = attempt.retry_after_s if attempt else 0.0
        wait = self._policy.wait_s(tries, chance=self._chance(), asked_s=asked_s)
        if attempt is not None and (attempt.hopeless or attempt.gone):
            wait = None
        self._meter.failed += 1
        if wait is None:
            self._meter.dead += 1
            log.error("webhook %s 未送达，不再重试：%s", due.id, why, extra={"call_id": due.call_id})
        return Done(
            due.n,
            tries,
            next_at=None if wait is None else self._clock() + wait,
            status=attempt.status if attempt else 0,
            says=says,
        )

    async def _judge(self, state: _State, attempt: Attempt) -> None:
        """Note how an endpoint does, and disable one that has failed for long."""
        endpoint, now = state.endpoint, self._clock()
        if attempt.delivered:
            state.failures = 0
            if endpoint.failing_since is not None:
                state.endpoint = await self._endpoints.mark(endpoint, failing_since=None)
            return
        state.failures += 1
        if endpoint.failing_since is None:
            state.endpoint = await self._endpoints.mark(endpoint, failing_since=now)
            if not attempt.gone:
                return
        since = state.endpoint.failing_since
        if attempt.gone:
            reason = "对方答复 410，不再接收"
        elif since is not None and now - since >= self._disable_s:
            reason = f"连续 {(now - since) / 3600:.0f} 小时投递失败，最后一次：{attempt.why}"
        else:
            return
        if state.endpoint.state != "active":
            return
        state.endpoint = await self._endpoints.disable(endpoint, reason=reason)
        given_up = await self._outbox.give_up(endpoint.id, reason=f"webhook 已停用：{reason}"[:200])
        self._meter.dead += given_up
        log.error(
            "webhook %s（%s）已停用：%s；%d 条未送达，coach webhooks dead 可查看", endpoint.id, endpoint.url, reason,
            given_up,
        )  # fmt: skip

    async def _stop(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        # What could not be settled is delivered once more by whoever comes next.
        with contextlib.suppress(CoachError, TimeoutError):
            async with asyncio.timeout(_AWAY_S):
                await self._outbox.turn(self._done, {}, now=self._clock())
                await self._outbox.give_back()
        await self._sender.close()


def report_death(task: asyncio.Task[None]) -> None:
    """Log the end of a task that should have gone on for ever."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("后台任务 %s 意外停止", task.get_name(), exc_info=task.exception())


def new_owner() -> str:
    """Name a worker for its leases."""
    return secrets.token_hex(8)
