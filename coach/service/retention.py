"""Deletes calls: what is older than may be kept, and what somebody asks to have deleted.

Covers the database and this worker's memory, and tells which reviews hold a call. Every deletion is an audit entry,
written before it begins.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.errors import MessageError
from coach.service.audit import SERVICE
from coach.service.customers import known_as
from coach.service.database import DatabaseAwayError
from coach.service.erasure import Erased, Erasure, Found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from coach.service.audit import Actor, Audit
    from coach.service.ownership import Held
    from coach.service.signing import Secrets

log = logging.getLogger(__name__)

_DAY_S: Final = 86_400.0
_SWEEP_S: Final = 3600.0
# Found at once; a first sweep over years is many of these.
_PAGE: Final = 1000
_RESULTS: Final = "results.jsonl"
_UNSURE: Final = "有服务进程没有应答，它的内存里可能还有这通电话；没有删除，请一分钟后再试"
_RUNNING: Final = "通话正在进行，还不能删除；等它结束（call.ended）后再删"


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion did.

    Attributes:
        running: calls that go on and were left alone.
        unconfirmed: calls that were left alone because a worker did not answer, which may have them in memory.
        reviews: ids of reviews whose files hold some of the calls; deleting those is the operator's.
    """

    erased: Erased
    running: tuple[str, ...] = ()
    reviews: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return what the wire tells."""
        return {
            "deleted": self.erased.as_dict(),
            "running": list(self.running),
            "unconfirmed": list(self.unconfirmed),
            "reviews": list(self.reviews),
        }


class Retention:
    """Deletes the calls of one tenant.

    Args:
        reviews_dir: the folder of the tenant's reviews.
        days: calls that began longer ago are deleted; 0: never.
        clock: seconds since 1970.
        held: asks every worker which calls it still has in memory; None beside a service, which is not asked.
        forget: drops what memory holds for an agent's sidebars.
    """

    def __init__(
        self,
        erasure: Erasure,
        *,
        audit: Audit,
        secrets: Secrets,
        reviews_dir: Path,
        days: int,
        clock: Callable[[], float],
        held: Callable[[Iterable[str]], Awaitable[Held]] | None = None,
        forget: Callable[[str], None] | None = None,
    ) -> None:
        self._erasure = erasure
        self._audit = audit
        self._held = held
        self._forget = forget
        self._secrets = secrets
        self._reviews_dir = reviews_dir
        self._days = days
        self._clock = clock

    async def delete_call(self, call_id: str, *, actor: Actor) -> Deleted:
        """Delete one call.

        Raises:
            MessageError: `unknown_call`; `conflict`: it goes on; `busy`: a worker that may have it did not answer.
        """
        found, unsure = await self._found(call_id=call_id)
        if found.running:
            raise MessageError("conflict", _RUNNING, field="call_id")
        if unsure:
            raise MessageError("busy", _UNSURE, field="call_id")
        if not found.ended:
            raise MessageError("unknown_call", "没有这通电话", field="call_id")
        return await self._delete(found, actor=actor, target=f"call:{call_id}")

    async def delete_customer(self, customer_id: str, *, actor: Actor) -> Deleted:
        """Delete every call of a customer (as in `call.started`) but those that go on; none is no error."""
        hashes = known_as(customer_id, self._secrets)
        found, unsure = await self._found(customers=hashes)
        # A part of the hash tells two deletions apart, and nobody who it was.
        done = await self._delete(found, actor=actor, target=f"customer:{hashes[0][-12:]}")
        return replace(done, unconfirmed=unsure)

    async def preview(
        self, *, call_id: str | None = None, customer_id: str | None = None, before: float | None = None
    ) -> Deleted:
        """Say what a deletion would do, and do nothing."""
        customers = known_as(customer_id, self._secrets) if customer_id is not None else ()
        found, unsure = await self._found(call_id=call_id, customers=customers, before=before)
        reviews = await asyncio.to_thread(reviews_with, self._reviews_dir, found.ended)
        return Deleted(await self._erasure.count(found.ended), found.running, reviews, unsure)

    async def delete_before(self, before: float, *, actor: Actor) -> Deleted:
        """Delete what began before a time (seconds since 1970), oldest first."""
        done = Deleted(Erased())
        after_all = False
        while not after_all:
            found, unsure = await self._found(before=before, limit=_PAGE)
            done = replace(done, unconfirmed=unsure)
            after_all = len(found.ended) + len(found.running) < _PAGE or not found.ended
            if found.ended:
                target = f"before:{int(before)}"
                some = await self._delete(found, actor=actor, target=target)
                done = replace(
                    done,
                    erased=done.erased + some.erased,
                    running=some.running,
                    reviews=tuple(sorted({*done.reviews, *some.reviews})),
                )
        return done

    async def sweep(self) -> Deleted:
        """Delete what is older than may be kept."""
        before = self._clock() - self._days * _DAY_S
        done = await self.delete_before(before, actor=SERVICE)
        quotes = await self._erasure.forget_quotes(before)
        if quotes:
            log.info("保留期 %d 天已过：去掉 %d 条复核的原话", self._days, quotes)
        if done.unconfirmed:
            log.warning("有进程没有应答，%d 通过期的通话留到下一个小时再删", len(done.unconfirmed))
        if done.erased.calls:
            log.info(
                "保留期 %d 天已过：删除 %d 通电话、%d 句话",
                self._days,
                done.erased.calls,
                done.erased.utterances,
            )
        return done

    async def sweep_forever(self, turn: Callable[[int], Awaitable[bool]]) -> None:
        """Sweep every hour, until cancelled; at once if days are kept at all.

        Args:
            turn: tells whether it is this worker's turn, and keeps it for so many seconds.
        """
        while self._days:
            try:
                if await turn(int(_SWEEP_S / 2)):
                    await self.sweep()
            except DatabaseAwayError as error:
                log.error("没能删除过期通话，稍后重试：%s", error.reason)  # noqa: TRY400 - no trace
            except Exception:
                # Else nothing would be deleted any more until the next restart, and nobody would notice.
                log.exception("没能删除过期通话，下一个小时重试")
            await asyncio.sleep(_SWEEP_S)

    async def _found(self, **wanted: Any) -> tuple[Found, tuple[str, ...]]:  # noqa: ANN401 - the arguments of `find`
        """Find calls, and leave alone what some worker still has, or may have, whatever the disk says.

        What may be in memory somewhere, because not every worker answered, comes second.
        """
        found = await self._erasure.find(**wanted)
        if self._held is None:
            return found, ()
        held = await self._held(found.ended)
        running = (*found.running, *sorted(held.calls))
        free = tuple(call_id for call_id in found.ended if call_id not in held.calls)
        if free and not held.sure:
            log.warning("%d 个进程没有应答，暂不删除 %d 通通话", held.silent, len(free))
            return Found((), running, found.agents), free
        return Found(free, running, found.agents), ()

    async def _delete(self, found: Found, *, actor: Actor, target: str) -> Deleted:
        if not found.ended:
            return Deleted(Erased(), found.running)
        # First the entry: a deletion that nobody could be told of does not happen.
        await self._audit.write(
            actor, "data-deleted", target, calls=len(found.ended), left_running=len(found.running)
        )
        erased = await self._erasure.erase(found.ended)
        if self._forget is not None:
            for agent_id in found.agents:
                self._forget(agent_id)
        reviews = await asyncio.to_thread(reviews_with, self._reviews_dir, found.ended)
        return Deleted(erased, found.running, reviews)


def reviews_with(folder: Path, call_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the reviews whose results hold one of the calls; the log names those that cannot be read."""
    wanted = frozenset(call_ids)
    found: list[str] = []
    for results in sorted(folder.glob(f"r*/out/{_RESULTS}")):
        review = results.parent.parent.name
        try:
            with results.open("rb") as stream:
                if any(_call_of(line) in wanted for line in stream):
                    found.append(review)
        except FileNotFoundError:
            # Deleted since it was listed.
            continue
        except OSError as error:
            log.warning("复盘 %s 的结果读不了，不知道其中有没有已删除的通话：%s", review, error)
    return tuple(found)


def _call_of(line: bytes) -> str:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ""
    return str(row.get("id", "")) if isinstance(row, dict) else ""
