"""`coach db` over a file and over a server: what it says, what it leaves alone, how it ends."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from coach.service.migrate import head

EITHER = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@pytest.fixture
def db(tmp_path):
    """Run `coach db …`; returns the finished process. `db.url` "" means the file in the data folder."""
    environment = {name: each for name, each in os.environ.items() if not name.startswith("COACH_")}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "coach", "db", *arguments],
            capture_output=True,
            encoding="utf-8",
            env={**environment, "COACH_DATABASE_URL": run.url, "COACH_DATA_DIR": str(tmp_path)},
            timeout=60,
            check=False,
        )

    run.url = ""
    return run


@EITHER
def test_the_way_of_an_installation(db, kind, request):
    """Nothing yet: check fails and says what to run; upgraded: check passes; upgraded again: nothing happens."""
    if kind == "postgresql":
        db.url = request.getfixturevalue("postgresql").empty()
    before = db("check")
    assert (before.returncode, "→ 执行 coach db upgrade" in before.stdout) == (1, True)
    done = db("upgrade")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"空库 → {head()}" in done.stdout
    after = db("check")
    assert (after.returncode, f"{head()}，是最新的" in after.stdout) == (0, True)
    assert f"已是 {head()}" in db("upgrade").stdout


def test_looking_makes_no_file(db, tmp_path):
    """A data folder that is empty stays empty."""
    for command in ("current", "check"):
        db(command)
    assert list(tmp_path.iterdir()) == []


def test_every_tenant_that_has_a_database_is_included(db, postgresql, tmp_path):
    """In a folder each, or in a schema each; those that are declared too, though they have none yet."""
    db("upgrade", "--tenant", "acme")
    (tmp_path / "tenants.toml").write_text("[bank]\n", "utf-8")
    listed = json.loads(db("upgrade", "--json").stdout)["databases"]
    assert [(row["tenant"], row["before"], row["after"]) for row in listed] == [
        ("default", None, head()),
        ("bank", None, head()),
        ("acme", head(), head()),
    ]
    db.url = postgresql.empty()
    db("upgrade", "--tenant", "acme-cn")
    db("upgrade")
    listed = json.loads(db("current", "--json").stdout)["databases"]
    assert [(row["tenant"], row["revision"], row["state"]) for row in listed] == [
        ("default", head(), "current"),
        ("bank", head(), "current"),
        ("acme-cn", head(), "current"),
    ]


def test_a_table_changed_by_hand_is_found(db, tmp_path):
    """With its name; exit code 1."""
    db("upgrade")
    with sqlite3.connect(tmp_path / "coach.sqlite3") as database:
        database.execute("DROP INDEX calls_agent")
    database.close()
    found = db("check")
    assert (found.returncode, "add_index: calls_agent" in found.stdout) == (1, True)


@pytest.mark.parametrize(
    ("url", "told", "code"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/coach", "127.0.0.1:1/coach", 1),
        ("mysql://u:hunter2@h/coach", "database_url", 2),
    ],
)
def test_a_database_that_cannot_be_opened_is_told_in_a_line(db, url, told, code):
    """Exit code 1 when it is away, 2 when the address is none; no trace, no password."""
    db.url = url
    for command in ("upgrade", "current", "check"):
        done = db(command)
        assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (code, True, False)
        assert "hunter2" not in done.stderr + done.stdout


def test_the_service_says_what_to_run_when_the_server_has_no_tables(db, postgresql, book, tmp_path):
    """`coach serve` leaves with 2 and the command; it changes nothing."""
    url = postgresql.empty()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "coach", "serve", "--port", "0", "--data-dir", str(tmp_path / "state")),
            *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
        ],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "COACH_DATABASE_URL": url, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "请先执行 coach db upgrade" in done.stderr
    assert "Traceback" not in done.stderr
