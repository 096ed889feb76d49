"""The file `api-keys` of earlier versions: name and hash a line. Taken into the database once."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from coach.errors import ConfigError
from coach.service.database import DEFAULT_TENANT, insert_new
from coach.service.schema_keys import api_keys

if TYPE_CHECKING:
    from pathlib import Path

    from coach.service.database import Database

log = logging.getLogger(__name__)

FILE: Final = "api-keys"
_DONE: Final = ".imported"


async def import_old_keys(file: Path, database: Database, *, secret: str) -> None:
    """Take in the keys of a file as those of administrators, which is what they were, and rename it.

    Args:
        secret: id of the secret that keys the hashes.

    Raises:
        ConfigError: a line is damaged; nothing was taken in.
    """
    rows = await asyncio.to_thread(_read, file, secret)
    if rows is None:
        return
    async with database.writing() as connection:
        for row in rows:
            # Again after a stop in between: what is there stays.
            await connection.execute(insert_new(connection, api_keys), row)
    await asyncio.to_thread(file.replace, file.with_name(file.name + _DONE))
    log.warning(
        "已将 %s 中的 %d 个 API 密钥移入数据库，角色 admin（旧密钥什么都能做）；"
        "请用 coach keys new 为话务平台另发 producer 密钥",
        file,
        len(rows),
    )


def _read(file: Path, secret: str) -> list[dict[str, object]] | None:
    if not file.exists():
        return None
    made = file.stat().st_mtime
    rows: list[dict[str, object]] = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        name, _, digest = line.partition(" ")
        if len(digest.strip()) != 64:  # noqa: PLR2004 - SHA-256 in hex
            raise ConfigError(f"{file}:{number}: 收到 {line[:20]!r}…，应为“名称 哈希”")
        rows.append(
            {
                "id": digest.strip()[:32],
                "name": name,
                "hash": digest.strip(),
                "secret": secret,
                "tenant": DEFAULT_TENANT,
                "role": "admin",
                "created_at": made,
                "expires_at": None,
                "last_used_at": None,
                "revoked_at": None,
                "version": 1,
            }
        )
    return rows
