"""What `coach doctor` says of webhooks: endpoints that fail or are disabled, and what could not be told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from coach.errors import ConfigError, MessageError
from coach.service.checkup import Finding
from coach.service.database import FAILURES
from coach.service.databases import databases_of
from coach.service.migrate import stands
from coach.service.webhooks.endpoints import Endpoints
from coach.service.webhooks.outbox import Depth, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.config import Settings
    from coach.service.database import Database
    from coach.service.webhooks.endpoints import Endpoint

_NAME, _TITLE = "webhooks", "Webhook"


def examine_webhooks(settings: Settings) -> Iterator[Finding]:
    """Look at the webhooks of every tenant, without changing anything."""
    try:
        yield from asyncio.run(_examine(settings))
    except (ConfigError, MessageError, *FAILURES):
        # That the database cannot be read is said where the database is looked at.
        return


async def _examine(settings: Settings) -> list[Finding]:
    count, findings = 0, []
    for database in await databases_of(settings, read_only=True):
        try:
            if (await stands(database)).state != "current":
                continue
            endpoints = await Endpoints(database, private=True, clock=_never).list()
            depth = await Outbox(database, owner="", lease_s=0).depth()
        finally:
            await database.close()
        count += len(endpoints)
        findings += list(_of_tenant(database, endpoints, depth))
    return findings or [Finding(_NAME, _TITLE, "ok", f"{count} 个，都在正常投递" if count else "没有登记")]


def _of_tenant(database: Database, endpoints: list[Endpoint], depth: Depth) -> Iterator[Finding]:
    tenant = database.tenant
    where = "" if tenant == "default" else f" --tenant {tenant}"
    for each in endpoints:
        if each.state == "disabled" and each.reason:
            yield Finding(
                _NAME, _TITLE, "warning", f"{tenant}：{each.url} 已停用：{each.reason}",
                f"对方恢复后执行 coach webhooks enable {each.id}{where}",
            )  # fmt: skip
        elif each.state == "active" and each.failing_since is not None:
            yield Finding(
                _NAME, _TITLE, "warning", f"{tenant}：{each.url} 一直投递失败，{depth.waiting} 条等待重试",
                f"coach webhooks test {each.id}{where} 看对方怎样答复",
            )  # fmt: skip
    if depth.dead:
        yield Finding(
            _NAME, _TITLE, "warning", f"{tenant}：{depth.dead} 条重试用尽，没有送达",
            f"coach webhooks dead{where} 查看，coach webhooks retry --all{where} 重发",
        )  # fmt: skip


def _never() -> float:
    return 0.0
