"""The other workers of one parent, asked for their numbers: whoever answers `/metrics` answers for all.

Each listens on a Unix socket in a folder of the parent's that nobody else can read. What one keeps there, whoever
starts again finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

log = logging.getLogger(__name__)

STATUS: Final = "status.json"
# Somebody waits for the metrics; a worker that hangs is missing from them.
_ANSWER_S: Final = 1.0
_LIMIT: Final = 16 * 1024 * 1024


class Siblings:
    """One worker among several.

    Args:
        folder: of the parent.
        number: of this worker, from 1 on.
    """

    def __init__(self, folder: Path, *, number: int) -> None:
        self._folder = folder
        self.number = number

    @contextlib.asynccontextmanager
    async def answering(self, numbers: Callable[[], list[dict[str, Any]]]) -> AsyncIterator[None]:
        """Tell the siblings our numbers for the time of the block."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(orjson.dumps(numbers()))
                await writer.drain()
                writer.close()
                await writer.wait_closed()

        place = self._folder / f"{self.number}.sock"
        # Of one that was killed.
        place.unlink(missing_ok=True)
        async with await asyncio.start_unix_server(answer, place):
            yield

    async def gather(self) -> dict[int, list[dict[str, Any]]]:
        """Return what every other worker that answers says, by its number."""
        places = [place for place in self._folder.glob("*.sock") if place.stem != str(self.number)]
        answers = await asyncio.gather(*(self._ask(place) for place in places))
        return {
            int(place.stem): answer
            for place, answer in zip(places, answers, strict=True)
            if answer is not None
        }

    def status(self) -> dict[str, Any]:
        """Return what the parent knows: `workers`, and `restarts` by number."""
        try:
            status: dict[str, Any] = orjson.loads((self._folder / STATUS).read_bytes())
        except (OSError, ValueError):
            return {"workers": 0, "restarts": {}}
        return status

    def keep(self, name: str, text: str) -> None:
        """Keep a text for as long as the parent lives, in place of what was kept under the name."""
        place = self._folder / f"{name}.kept"
        part = place.with_suffix(f".{self.number}.part")
        try:
            part.write_text(text, "utf-8")
            part.replace(place)
        except OSError as error:
            log.warning("没能留存 %s：%s", name, error.strerror)

    def kept(self, name: str) -> str | None:
        """Return what was kept under a name last, by whichever worker; None when nothing was."""
        try:
            return (self._folder / f"{name}.kept").read_text("utf-8")
        except (OSError, ValueError):
            return None

    async def _ask(self, place: Path) -> list[dict[str, Any]] | None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_unix_connection(place, limit=_LIMIT)
                try:
                    answer: list[dict[str, Any]] = orjson.loads(await reader.read())
                finally:
                    writer.close()
        except (OSError, ValueError, TimeoutError) as error:
            log.debug("进程 %s 没有回答：%r", place.stem, error)
            return None
        return answer
