"""API keys: in the database, and changed while the service runs."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager

import pytest
from typer.testing import CliRunner

from coach.cli import app
from coach.errors import ConfigError
from coach.service.database import FILE, Database
from coach.service.keys import DAY_S, ApiKeys
from coach.service.migrate import open_database
from coach.service.signing import load_secrets

DAY = 1_767_225_600.0
OLD, NEW = "o" * 40, "n" * 40


@asynccontextmanager
async def opened(folder, *, clock=lambda: DAY, secret="", old_file=None):
    """The keys of a folder, as one process has them."""
    folder.mkdir(exist_ok=True)
    database = Database(folder / FILE)
    try:
        await open_database(database)
        keys = ApiKeys(database, load_secrets(folder, given=secret), clock=clock)
        await keys.open(old_file=old_file)
        yield keys
    finally:
        await database.close()


def test_a_key_belongs_to_a_tenant_and_a_role(tmp_path):
    """Found again by another process over the same folder."""

    async def run():
        async with opened(tmp_path) as keys:
            key = await keys.create("crm", role="reviewer", tenant="bank")
        async with opened(tmp_path) as keys:
            return keys.find(key)

    found = asyncio.run(run())
    assert (found.role, found.tenant, found.name, found.agent_id, found.by_key) == (
        "reviewer", "bank", "crm", None, True,
    )  # fmt: skip


def test_the_key_is_kept_as_a_hash_only(tmp_path):
    """No file of the data folder holds the key."""

    async def run():
        async with opened(tmp_path) as keys:
            return await keys.create("crm")

    key = asyncio.run(run())
    assert all(key.encode() not in each.read_bytes() for each in tmp_path.iterdir())


def test_another_process_sees_a_change_at_its_next_poll(tmp_path):
    """Made, then revoked, by somebody else."""

    async def run():
        async with opened(tmp_path) as here, opened(tmp_path) as there:
            key = await there.create("crm")
            unseen = here.find(key)
            await here.refresh()
            seen = here.find(key)
            await there.revoke("crm")
            await here.refresh()
            return unseen, seen, here.find(key)

    unseen, seen, gone = asyncio.run(run())
    assert (unseen, seen.name, gone) == (None, "crm", None)


def test_a_rotated_key_stays_in_force_for_its_grace(tmp_path):
    """Old and new both work for so many hours, then the new one alone."""

    async def run():
        now = [DAY]
        async with opened(tmp_path, clock=lambda: now[0]) as keys:
            old = await keys.create("crm", role="reviewer", tenant="bank")
            new = await keys.rotate("crm", grace_h=2)
            both = [keys.find(old), keys.find(new)]
            now[0] += 2 * 3600
            return both, [keys.find(old), keys.find(new)]

    both, (gone, kept) = asyncio.run(run())
    assert both[0] == both[1] == kept
    assert gone is None


def test_a_key_for_a_time_is_rotated_for_as_long(tmp_path):
    """One made for ten days is followed by one for ten days from now."""

    async def run():
        now = [DAY]
        async with opened(tmp_path, clock=lambda: now[0]) as keys:
            await keys.create("crm", days=10)
            now[0] += 5 * DAY_S
            await keys.rotate("crm", grace_h=0)
            return [key.expires_at for key in await keys.listed()]

    assert asyncio.run(run()) == [DAY + 5 * DAY_S, DAY + 15 * DAY_S]


def test_a_key_expires(tmp_path):
    """By the clock that was passed in."""

    async def run():
        now = [DAY]
        async with opened(tmp_path, clock=lambda: now[0]) as keys:
            key = await keys.create("crm", days=1)
            now[0] += DAY_S - 1
            before = keys.find(key)
            now[0] += 1
            return before, keys.find(key)

    before, after = asyncio.run(run())
    assert before is not None
    assert after is None


def test_the_last_use_is_kept_to_the_day(tmp_path):
    """Written once a day, however often the key is used."""

    async def run():
        now = [DAY + 5000]
        async with opened(tmp_path, clock=lambda: now[0]) as keys:
            key = await keys.create("crm")
            keys.find(key)
            await keys.refresh()
            first = (await keys.listed())[0].last_used_at
            now[0] += 60
            keys.find(key)
            return first, dict(keys._used)

    assert asyncio.run(run()) == (DAY, {})


def test_a_used_key_is_hashed_with_the_newest_secret(tmp_path):
    """After its next use the old secret may go."""

    async def run():
        async with opened(tmp_path, secret=OLD) as keys:
            key = await keys.create("crm")
        async with opened(tmp_path, secret=f"{NEW} {OLD}") as keys:
            assert keys.find(key) is not None
            await keys.refresh()
        async with opened(tmp_path, secret=NEW) as keys:
            return keys.find(key)

    assert asyncio.run(run()).name == "crm"


@pytest.mark.parametrize("name", ["", "two words", "crm", "x" * 101])
def test_a_key_needs_a_name_of_its_own(tmp_path, name):
    """Empty, with white space, taken or too long: refused with what came."""

    async def run():
        async with opened(tmp_path) as keys:
            await keys.create("crm")
            await keys.create(name)

    with pytest.raises(ConfigError, match="密钥名"):
        asyncio.run(run())


def test_an_unknown_key_cannot_be_revoked(tmp_path):
    """The message names those there are."""

    async def run():
        async with opened(tmp_path) as keys:
            await keys.create("crm")
            await keys.revoke("crn")

    with pytest.raises(ConfigError, match="现有：crm"):
        asyncio.run(run())


def test_the_file_of_earlier_versions_is_taken_in_once(tmp_path):
    """Its keys go on opening what they opened; the file is renamed."""
    file = tmp_path / "api-keys"

    async def run():
        async with opened(tmp_path) as keys:
            digest = keys._secrets.newest.hash("coach_old")
        file.write_text(f"first {digest}\n", "utf-8")
        async with opened(tmp_path, old_file=file) as keys:
            found = keys.find("coach_old")
        async with opened(tmp_path, old_file=file) as keys:
            return found, len(await keys.listed())

    found, count = asyncio.run(run())
    assert (found.name, found.role, found.tenant, count) == ("first", "admin", "default", 1)
    assert not file.exists()
    assert file.with_name("api-keys.imported").exists()


def test_a_damaged_file_of_earlier_versions_stops_the_start(tmp_path):
    """It names file and line, and the file stays as it is."""
    file = tmp_path / "api-keys"
    file.write_text(f"first {hashlib.sha256().hexdigest()}\nsecond\n", "utf-8")

    async def run():
        async with opened(tmp_path, old_file=file):
            pass

    with pytest.raises(ConfigError, match="api-keys:2"):
        asyncio.run(run())
    assert file.exists()


def test_only_one_of_two_first_starts_makes_the_first_key(tmp_path):
    """Two workers over one database: one key, shown once."""

    async def run():
        async with opened(tmp_path) as one, opened(tmp_path) as two:
            made = [await one.first(), await two.first()]
            return made, [key.name for key in await one.listed()]

    made, names = asyncio.run(run())
    assert sum(key is not None for key in made) == 1
    assert names == ["first"]


@pytest.mark.databases
def test_keys_change_while_the_service_runs(running, tmp_path, database_url, monkeypatch):
    """Made and revoked by the command line; the service knows after its next poll."""
    monkeypatch.setenv("COACH_DATABASE_URL", database_url or "")
    service = running()
    folder = ["--data-dir", str(tmp_path / "state")]
    made = CliRunner().invoke(app, ["keys", "new", "crm", "--role", "reviewer", *folder])
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    service.within(service.service.keys.refresh)
    assert service.http("GET", "/v1/reviews", key=key).status_code == 200
    rotated = CliRunner().invoke(app, ["keys", "rotate", "crm", "--grace", "0", *folder]).stdout.strip()
    service.within(service.service.keys.refresh)
    statuses = [service.http("GET", "/v1/reviews", key=each).status_code for each in (key, rotated)]
    assert statuses == [401, 200]
    assert CliRunner().invoke(app, ["keys", "revoke", "crm", *folder]).exit_code == 0
    service.within(service.service.keys.refresh)
    assert service.http("GET", "/v1/reviews", key=rotated).status_code == 401


def test_a_key_revoked_by_another_process_closes_its_sockets(running, clients, tmp_path):
    """Within the service's next polls, without a word from anybody."""
    service = running()
    folder = ["--data-dir", str(tmp_path / "state")]
    made = CliRunner().invoke(app, ["keys", "new", "crm", *folder]).stdout.strip()
    service.within(service.service.keys.refresh)
    socket = clients.producer(service, key=made)
    assert CliRunner().invoke(app, ["keys", "revoke", "crm", *folder]).exit_code == 0
    assert socket.close_code() == 4401


def test_the_command_line_lists_keys(running, tmp_path):
    """As JSON: name, tenant, role, state and days; never the hash."""
    running()
    listed = CliRunner().invoke(app, ["keys", "list", "--json", "--data-dir", str(tmp_path / "state")])
    (key,) = json.loads(listed.stdout)
    assert (key["name"], key["tenant"], key["role"], key["state"]) == ("first", "default", "admin", "active")
    assert not {"hash", "id", "secret"} & key.keys()


def test_an_unknown_role_is_refused_by_the_command_line(tmp_path):
    """With the roles there are."""
    result = CliRunner().invoke(app, ["keys", "new", "x", "--role", "root", "--data-dir", str(tmp_path)])
    assert isinstance(result.exception, ConfigError)
    assert "supervisor" in str(result.exception)
