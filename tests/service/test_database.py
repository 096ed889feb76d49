"""The database: its address, its revisions, and the statements that both kinds run."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, text

from coach.config import Settings
from coach.errors import ConfigError, UnreachableError
from coach.service import migrate, schema
from coach.service.database import Database, DatabaseAwayError, upsert
from coach.service.migrate import differences, head, open_database, stands, upgrade

EITHER = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@pytest.fixture
def empty(kind, request, tmp_path):
    """A database without tables."""
    return (
        request.getfixturevalue("postgresql").empty() if kind == "postgresql" else tmp_path / "coach.sqlite3"
    )


def during(place, work, **options):
    """Run `work(database)` and close the database."""

    async def run():
        database = Database(place, **options)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def at_base(place):
    """Make the tables of the first revision."""

    async def work(database):
        if database.file is None:
            async with database.transaction() as connection:
                await connection.execute(text("CREATE SCHEMA coach_default"))
        async with database.transaction() as connection:
            await connection.run_sync(
                lambda sync: __import__("alembic.command").command.upgrade(migrate._config(sync), "0001")
            )

    during(place, work)


def test_the_revisions_are_numbered_in_one_line():
    """Each follows the one before, so that the last file is the head."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(migrate._FOLDER))
    assert script.get_heads() == [head()]
    line = [each.revision for each in script.walk_revisions()]
    assert line[::-1] == list(migrate._revisions())


@EITHER
def test_the_revisions_lead_to_the_tables_of_the_program(empty):
    """From the first revision on, as an installation has come; nothing is left over and nothing lacks."""
    at_base(empty)
    before, after = during(empty, upgrade)
    assert (before.state, before.revision, after.state) == ("behind", "0001", "current")
    assert during(empty, differences) == []


@EITHER
def test_a_new_database_has_the_tables_of_the_program(empty):
    """Made at once, without the revisions."""
    during(empty, upgrade)
    assert during(empty, differences) == []


@EITHER
def test_two_upgrades_at_once_are_one(empty):
    """The second waits, then finds nothing to do."""

    async def both():
        databases = [Database(empty) for _ in range(3)]
        try:
            return await asyncio.gather(*(upgrade(each) for each in databases))
        finally:
            for each in databases:
                await each.close()

    found = asyncio.run(both())
    assert sorted(before.state for before, _ in found) == ["current", "current", "empty"]


@EITHER
def test_a_commit_is_done_whole_or_not_at_all(empty):
    """Statements in a row are one transaction; what they return comes back, an error undoes them."""

    async def work(database):
        await upgrade(database)

        def put(connection, *, fail):
            row = {"call_id": "c", "rule": f"ignorance/{fail}", "seq": 1, "quiet": True}
            connection.execute(schema.snoozes.insert(), [row])
            if fail:
                raise InterruptedError
            return connection.scalar(select(func.count()).select_from(schema.snoozes))

        with pytest.raises(InterruptedError):
            await database.commit(lambda connection: put(connection, fail=True))
        return await database.commit(lambda connection: put(connection, fail=False))

    assert during(empty, work) == 1


def test_a_column_too_many_is_told(tmp_path):
    """What somebody added by hand shows up in the comparison."""
    file = tmp_path / "coach.sqlite3"
    during(file, upgrade)
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE calls ADD COLUMN extra TEXT")
    database.close()
    assert during(file, differences) == ["remove_column: calls extra"]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_file_from_before_the_revisions_becomes_the_newest(tmp_path, version):
    """Its calls stay, and the tables are those of a new file."""
    file = tmp_path / "coach.sqlite3"
    at_base(file)
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE alembic_version")
        for tables in ("batch_answers",), ("decisions", "decision_history"), ("moments", "snoozes"):
            if version < {"batch_answers": 4, "decisions": 3, "moments": 2}[tables[0]]:
                for table in tables:
                    database.execute(f"DROP TABLE {table}")
        if version < 3:
            database.execute("DROP INDEX advice_rule")
        if version < 2:
            database.execute("CREATE TABLE snoozes (call_id, rule, seq, PRIMARY KEY (call_id, rule))")
            database.execute("INSERT INTO snoozes VALUES ('c1', 'hedging/should-be', 1)")
        database.execute("INSERT INTO calls VALUES ('c1', 'a1', 1.5, '{}', 3, NULL)")
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    before, after = during(file, upgrade)
    assert (before.revision, before.state, after.state) == (f"v{version}", "behind", "current")
    # The tables of version 1 above have no types, so only what came later is compared.
    assert version == 1 or during(file, differences) == []
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT call_id, seq, writer FROM calls").fetchall() == [("c1", 3, "")]
        # What was quiet in version 1 still is.
        kept = database.execute("SELECT rule, quiet FROM snoozes").fetchall()
        assert kept == ([("hedging/should-be", 1)] if version < 2 else [])
        # A program from before the revisions refuses this number.
        assert database.execute("PRAGMA user_version").fetchone() == (5,)
    database.close()


def test_a_file_that_is_current_is_opened_without_alembic(tmp_path):
    """Starting must not pay for it, nor must making a new file."""
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from coach.service.database import Database; from coach.service.migrate import open_database\n"
        "async def work():\n"
        "    database = Database(Path(sys.argv[1])); await open_database(database); await database.close()\n"
        "asyncio.run(work()); asyncio.run(work())\n"
        "print([name for name in ('alembic', 'asyncpg') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "coach.sqlite3")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("prepare", "told"),
    [(lambda _: None, "还没有表"), (at_base, "应为")],
    ids=["empty", "behind"],
)
def test_a_server_is_not_upgraded_by_opening(postgresql, prepare, told):
    """The message says what to run; nothing was changed."""
    url = postgresql.empty()
    prepare(url)
    before = during(url, stands)
    with pytest.raises(ConfigError, match=rf"{told}.*coach db upgrade"):
        during(url, open_database)
    assert during(url, stands) == before


@EITHER
def test_a_database_of_a_newer_program_is_refused(empty):
    """Neither opening nor upgrading touches it."""
    during(empty, upgrade)

    async def renumber(database):
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    during(empty, renumber)
    for work in (open_database, upgrade):
        with pytest.raises(ConfigError, match=r"9999 来自更新的 coach"):
            during(empty, work)


def test_tenants_of_a_server_do_not_see_each_other(postgresql):
    """Each has a schema; the same call id in both is two calls."""
    url = postgresql.empty()

    async def put(database):
        await upgrade(database)
        async with database.transaction() as connection:
            row = {"call_id": "c1", "agent_id": database.tenant, "started_at": 1.0, "slots": "{}", "seq": 0}
            await connection.execute(
                upsert(connection, schema.calls), [{**row, "ended_ms": None, "writer": ""}]
            )

    async def read(database):
        async with database.reading() as connection:
            return list((await connection.execute(select(schema.calls.c.agent_id))).scalars())

    for tenant in ("default", "acme-cn"):
        during(url, put, tenant=tenant)
    assert [during(url, read, tenant=each) for each in ("default", "acme-cn")] == [["default"], ["acme-cn"]]
    assert postgresql.run(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
        database=url.split("?")[0].rpartition("/")[2],
    ) == [(0,)]


@EITHER
def test_reading_cannot_write_to_a_server_and_sees_one_moment(empty):
    """What is committed in between does not show up half-way through reading a call."""
    during(empty, upgrade)

    async def work(database):
        async with database.reading() as connection:
            count = text("SELECT count(*) FROM calls")
            first = await connection.scalar(count)
            async with database.transaction() as other:
                row = {"call_id": "c1", "agent_id": "a", "started_at": 1.0, "slots": "{}", "seq": 0}
                await other.execute(upsert(other, schema.calls), [{**row, "ended_ms": None, "writer": ""}])
            return first, await connection.scalar(count)

    assert during(empty, work) == (0, 0)


@EITHER
def test_a_character_0_is_stored(empty):
    """A recogniser's stray NUL does not make a call unwritable; the offsets stay."""
    during(empty, upgrade)

    async def work(database):
        row = {"id": "m1", "call_id": "c1", "utterance_id": "u1", "kind": "a\0b", "at_ms": 1, "turn": 1}
        async with database.transaction() as connection:
            await connection.execute(upsert(connection, schema.moments), [{**row, "details": "{}"}])
        async with database.reading() as connection:
            return await connection.scalar(select(schema.moments.c.kind))

    assert len(during(empty, work)) == 3


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@h/db",
        "u:hunter2@h/db",
        "postgresql://u:hunter2@h",
        "postgresql://u:hunter2/x@h/db",
        "postgresql://u:hunter2?x@h/db",
        "postgresql://u:hunter2#x@h/db",
        "postgresql://u:hunter2@h:port/db",
        "postgresql://[u:hunter2@h/db",
    ],
)
def test_a_wrong_address_is_explained_without_the_password(url, tmp_path):
    """The message says what was expected and shows nothing of what came."""
    with pytest.raises(ValidationError) as refused:
        Settings(database_url=url, data_dir=tmp_path)
    message = refused.value.errors()[0]["msg"]
    assert "postgresql://" in message
    assert "hunter2" not in message
    with pytest.raises(ConfigError) as direct:
        Database(url)
    assert "hunter2" not in str(direct.value)


def test_a_server_that_is_not_there_is_told_without_the_password():
    """Which server, which schema, why; asked again later it may be there."""
    url = "postgresql://somebody:hunter2@127.0.0.1:1/coach"
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1/coach coach_default: 无法打开数据库") as refused:
        during(url, open_database)
    assert "hunter2" not in str(refused.value)
    assert "somebody" not in str(refused.value)
    assert "Errno" not in str(refused.value)

    async def read(database):
        async with database.reading() as connection:
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseAwayError) as away:
        during(url, read)
    assert (away.value.code, "127.0.0.1" in away.value.message) == ("busy", False)


@pytest.fixture
def folder():
    """A folder that others may enter, and which this process may enter as nobody else than others."""
    before = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        os.seteuid(before)
        Path(name).chmod(0o755)


def without_rights():
    """Act as somebody who is not root, for whom every right is there."""
    if os.geteuid() == 0:
        os.seteuid(65534)


@pytest.mark.parametrize(
    ("of_folder", "of_file"), [(0o555, None), (0o555, 0o444), (0o755, 0o000), (0o000, 0o644)]
)
def test_a_file_without_permission_is_told_in_plain_words(folder, of_folder, of_file):
    """The path and what is missing: no number of the system's, no words of SQLite's."""
    file = folder / "coach.sqlite3"
    if of_file is not None:
        during(file, open_database)
        file.chmod(of_file)
    folder.chmod(of_folder)
    without_rights()
    with pytest.raises(UnreachableError) as refused:
        during(file, open_database)
    assert str(refused.value) == f"{file}: 无法打开数据库：没有权限打开 {file}"


def test_a_data_folder_that_cannot_be_made_is_named(folder):
    """The folder itself, not the file that would lie in it."""
    folder.chmod(0o555)
    without_rights()
    with pytest.raises(UnreachableError, match=f"没有权限打开 {folder / 'data'}$"):
        during(folder / "data" / "coach.sqlite3", open_database)


def test_a_missing_database_and_a_wrong_user_are_told(postgresql):
    """In the server's words, in one line."""
    with pytest.raises(ConfigError, match=r'无法打开数据库：database "nowhere" does not exist$'):
        during(postgresql.url("nowhere"), open_database)


@pytest.mark.parametrize("tenant", ["", "A", "a b", "../x", 'a"b', "x" * 42, "-a"])
def test_a_tenant_has_a_name_that_a_schema_and_a_folder_may_have(tenant, tmp_path):
    """Anything else is refused before it gets into a statement or a path."""
    with pytest.raises(ConfigError, match="tenant"):
        Database(tmp_path / "x", tenant=tenant)


def test_the_settings_do_not_show_the_password(tmp_path):
    """Neither printed nor dumped."""
    settings = Settings(database_url="postgresql://u:hunter2@h/db", data_dir=tmp_path)
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_a_file_for_reading_is_not_made(tmp_path):
    """What looks only leaves no trace."""
    file = tmp_path / "coach.sqlite3"
    assert during(file, stands, read_only=True).state == "empty"
    assert not Path(file).exists()


def test_a_value_that_the_database_refuses_is_no_outage(postgresql):
    """It is not answered as `busy`: asked again, it would be refused again."""
    from sqlalchemy.exc import DBAPIError

    async def read(database):
        await upgrade(database)
        async with database.reading() as connection:
            await connection.execute(select(schema.calls).where(schema.calls.c.seq == 2**40))

    with pytest.raises(DBAPIError):
        during(postgresql.empty(), read)
