"""A real PostgreSQL for the tests: one server a session, a database of its own for each test that asks."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import pytest

from coach.service.database import Database
from coach.service.migrate import upgrade

if TYPE_CHECKING:
    from pathlib import Path


class Server:
    """The server; it can be stopped as a power cut would, and started again."""

    def __init__(self, folder: Path) -> None:
        try:
            with warnings.catch_warnings():
                # It looks for a folder of the session that a container does not have.
                warnings.simplefilter("ignore")
                import asyncpg  # noqa: F401 - what speaks to it
                import pgserver
        except ImportError as error:
            pytest.skip(f"needs a PostgreSQL to test with: pip install pgserver asyncpg ({error})")
        self._pg_ctl = pgserver.pg_ctl
        self._server = pgserver.get_server(folder, cleanup_mode="stop")
        self._names = (f"t{number}" for number in count(1))
        self.running = True
        self._made_template = False

    def url(self, name: str = "postgres") -> str:
        """Return the address of a database."""
        return self._server.get_uri(database=name)

    def run(self, statement: str, *, database: str = "postgres") -> list[tuple]:
        """Run one statement in a database and return its rows."""
        import asyncpg

        async def work():
            connection = await asyncpg.connect(self.url(database))
            try:
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return asyncio.run(work())

    def empty(self) -> str:
        """Make a database without tables; return its address."""
        name = next(self._names)
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def migrated(self) -> str:
        """Make a database with the tables of the default tenant; return its address."""
        if not self._made_template:
            self.run("CREATE DATABASE template_coach")
            asyncio.run(_upgrade(self.url("template_coach")))
            self._made_template = True
        name = next(self._names)
        self.run(f"CREATE DATABASE {name} TEMPLATE template_coach")
        return self.url(name)

    def stop(self) -> None:
        """Stop at once: no connection is closed in order, nothing is written that was not committed."""
        self._control("-m", "immediate", "-w", "stop")
        self.running = False

    def start(self) -> None:
        """Start again, at the same address."""
        folder = self._server.pgdata
        self._control("-w", "-o", '-h ""', "-o", f"-k {folder}", "-l", str(folder / "log"), "start")
        self.running = True

    @contextlib.contextmanager
    def frozen(self):
        """Let the server hang: connections stay open and nothing is answered."""
        import psutil

        number = int((self._server.pgdata / "postmaster.pid").read_text().split()[0])
        processes = [psutil.Process(number), *psutil.Process(number).children()]
        for each in processes:
            each.suspend()
        try:
            yield
        finally:
            for each in processes:
                each.resume()

    def _control(self, *arguments: str) -> None:
        self._pg_ctl([*arguments], pgdata=self._server.pgdata, user=self._server.system_user, timeout=60)


class Disk:
    """What a service's database holds, looked at and changed past the service."""

    def __init__(self, place: str | Path) -> None:
        self.place = place

    def __call__(self, statement: str) -> list[tuple]:
        """Run a statement and return its rows."""
        if not isinstance(self.place, str):
            with contextlib.closing(sqlite3.connect(self.place)) as database, database:
                return database.execute(statement).fetchall()
        return asyncio.run(self._run(statement))

    @contextlib.contextmanager
    def blocked(self):
        """Keep every writer waiting; reading goes on."""
        if not isinstance(self.place, str):
            with contextlib.closing(sqlite3.connect(self.place, isolation_level=None)) as blocker:
                blocker.execute("BEGIN IMMEDIATE")
                yield
                blocker.execute("ROLLBACK")
            return
        # In a thread of its own: the test may have a loop running.
        with ThreadPoolExecutor(1) as thread:
            loop = asyncio.new_event_loop()
            wait = lambda work: thread.submit(loop.run_until_complete, work).result()  # noqa: E731
            try:
                connection = wait(self._connect())
                wait(connection.execute("BEGIN; LOCK TABLE calls IN EXCLUSIVE MODE"))
                yield
                wait(connection.close())
            finally:
                loop.close()

    async def _run(self, statement: str) -> list[tuple]:
        connection = await self._connect()
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    async def _connect(self):
        import asyncpg

        return await asyncpg.connect(self.place, server_settings={"search_path": "coach_default"})


async def _upgrade(url: str) -> None:
    database = Database(url)
    try:
        await upgrade(database)
    finally:
        await database.close()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """The server of the session."""
    # The path of its socket must be short.
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = Server(Path(folder) / "d")
        yield server
        server._server.cleanup()


@pytest.fixture
def database_url(request):
    """The address of a fresh database with tables; "" for SQLite, which is what a test gets that does not say."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return ""
    server = request.getfixturevalue("postgresql")
    if not server.running:
        server.start()
    return server.migrated()


@pytest.fixture
def disk(database_url, tmp_path):
    """The database of the service under test; `disk(statement)` and `disk.blocked()`."""
    return Disk(database_url or tmp_path / "state" / "coach.sqlite3")
