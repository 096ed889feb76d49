"""What a changed file of the tenants (`tenants.toml`) changes, and its entry in the audit log: names, never values."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from coach.errors import MessageError
from coach.service.audit import FILES
from coach.service.tenants_file import Connectors, Quotas, TenantModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from pydantic import BaseModel

    from coach.service.audit import Audit
    from coach.service.signing import Secrets
    from coach.service.tenants_file import TenantPlan

log = logging.getLogger(__name__)

_RETRY_S: Final = 5.0
_TABLES: Final[dict[str, type[BaseModel]]] = {"quotas": Quotas, "connectors": Connectors}


@dataclass(frozen=True, slots=True)
class TenantChanges:
    """What differs between two states of the file.

    Attributes:
        changed: names of fields as they are in the file, by tenant.
        at_restart: those of them that are not in force before a restart, by tenant.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    at_restart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        told = (("新增", self.added), ("改变", self.changed), ("去掉", self.removed))
        return "；".join(f"{what} {'、'.join(names)}" for what, names in told if names) or "没有变化"


def changes_between(
    before: Iterable[TenantPlan], after: Iterable[TenantPlan], *, waiting: Mapping[str, Iterable[str]]
) -> TenantChanges:
    """Compare two states of the file.

    Args:
        waiting: fields that are not in force before a restart, by tenant, whenever they were changed.
    """
    old, new = ({plan.name: _fields(plan) for plan in plans} for plans in (before, after))
    changed = {
        name: fields
        for name in old.keys() & new.keys()
        if (fields := tuple(sorted(each for each in new[name] if new[name][each] != old[name][each])))
    }
    late = {name: tuple(each for each in changed[name] if each in waiting.get(name, ())) for name in changed}
    return TenantChanges(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=dict(sorted(changed.items())),
        at_restart={name: fields for name, fields in sorted(late.items()) if fields},
    )


class ChangeNotes:
    """Writes an entry for each change; every worker finds it, one notes it.

    Args:
        audit: of the default tenant, whose people run the installation.
        secrets: key the digest by which workers know that they found the same.
        mine: tells whether it falls to this worker to note something.
    """

    def __init__(self, audit: Audit, *, secrets: Secrets, mine: Callable[[str], Awaitable[bool]]) -> None:
        self._audit = audit
        self._secrets = secrets
        self._mine = mine
        self._waiting: asyncio.Queue[tuple[TenantChanges, str]] = asyncio.Queue()

    def add(self, changes: TenantChanges, plans: Iterable[TenantPlan]) -> None:
        """Note soon what has changed, and is in force now.

        Args:
            plans: what the file says since.
        """
        state = repr([(plan.name, sorted(_fields(plan).items())) for plan in plans])
        # Where it leads to, not from where: a worker may have missed a state in between.
        self._waiting.put_nowait((changes, self._secrets.newest.hash(state)[:16]))

    async def write_forever(self) -> None:
        """Write what was added, as soon as the database takes it; until cancelled."""
        while True:
            changes, state = await self._waiting.get()
            if await self._mine(f"tenants-{state}"):
                await self._write(changes)

    async def _write(self, changes: TenantChanges) -> None:
        details: dict[str, Any] = {
            "added": changes.added,
            "removed": changes.removed,
            "changed": changes.changed,
            "at_restart": changes.at_restart,
        }
        told = {name: value for name, value in details.items() if value}
        said = False
        while True:
            try:
                return await self._audit.write(FILES, "tenants-changed", "tenants", **told)
            except MessageError as error:
                # The file is in force whether this is written or not.
                if not said:
                    log.error("租户已改变（%s），还没能写入审计日志，会一直重试：%s", changes, error)  # noqa: TRY400 - no trace
                said = True
            await asyncio.sleep(_RETRY_S)


def _fields(plan: TenantPlan) -> dict[str, object]:
    """Return what a tenant is, by the names of the fields in the file. Has secrets: nothing of it may be shown."""
    fields: dict[str, object] = {
        f"{table}.{name}": getattr(getattr(plan, table), name)
        for table, model in _TABLES.items()
        for name in model.model_fields
    }
    fields |= {
        name: getattr(plan.settings, name)
        for name in TenantModel.model_fields.keys() - _TABLES.keys() - {"name"}
    }
    fields["name"] = plan.title
    tokens = tuple(token.get_secret_value() for token in plan.twilio_tokens)
    # The same file may have another secret in it.
    fields["connectors.twilio_token_file"] = (plan.connectors.twilio_token_file, tokens)
    return fields
