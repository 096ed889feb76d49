"""`coach doctor`: each thing that can be wrong is found, named and comes with its remedy."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys

import pytest

from coach.service import checkup, checkup_database
from coach.service.checkup import examine_access, examine_data, examine_machine
from coach.service.checkup_database import examine_database
from coach.service.checkup_rules import examine_rules, load_for_checkup


@pytest.fixture
def sound(book):
    """The tests' rules with as many examples as lint asks for."""
    for name, one, two in (
        ("ignorance", "这个【我不知道】", "那【我不清楚】"),
        ("ignorance", "我不知道您方便吗", "我不知道您是否在家"),
        ("hedging", "明天【应该会】到", "那【应该是】吧"),
        ("hedging", "您应该收到短信了", "您应该看得到"),
    ):
        file = book / "rules" / f"{name}.yml"
        file.write_text(file.read_text("utf-8").replace(f"[{one}]", f"[{one}, {two}]"), "utf-8")
    return book


@pytest.fixture
def doctor(sound, book, tmp_path):
    """Run the command over the tests' rules; returns the finished process."""
    environment = {name: each for name, each in os.environ.items() if not name.startswith("COACH_")}

    def run(*arguments, **variables):
        return subprocess.run(
            [
                *(sys.executable, "-m", "coach", "doctor", "--data-dir", str(tmp_path / "state")),
                *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
                *map(str, arguments),
            ],
            capture_output=True,
            encoding="utf-8",
            env=environment | variables,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )

    return run


def found(findings, name):
    """Return the finding of a name."""
    return next(each for each in findings if each.name == name)


def test_a_sound_installation_passes(doctor):
    """Every line is there, none with a cross, and the folder was not made."""
    done = doctor("--port", 0)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert {"规则", "话术", "数据库", "时钟", "端口", "脱敏"} <= {
        line[2:].partition("：")[0] for line in done.stdout.splitlines()
    }


def test_a_broken_rule_fails_with_its_place(doctor, book):
    """A cross, file and line, the command that tells more, exit code 1."""
    file = book / "rules" / "ignorance.yml"
    file.write_text(file.read_text("utf-8").replace("match:", "mach:"), "utf-8")
    done = doctor("--port", 0)
    assert done.returncode == 1
    assert "✗ 规则：rules/ignorance.yml:" in done.stdout
    assert "coach rules test" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_answer_for_programs_says_the_same(doctor):
    """--json: `ok`, and each finding with name, state, text and remedy."""
    answer = json.loads(doctor("--port", 0, "--json").stdout)
    assert answer["ok"] is True
    assert set(answer["findings"][0]) == {"name", "title", "state", "says", "mend"}
    assert all(each["mend"] for each in answer["findings"] if each["state"] != "ok")


def test_a_wrong_setting_is_a_finding(doctor):
    """What `coach serve` would refuse is told here too."""
    done = doctor(COACH_MAX_CALLS="many")
    assert done.returncode == 1
    assert "✗ 设置：max_calls" in done.stdout


def test_a_running_service_answers_for_its_port(running):
    """The port is taken, by us: that is well."""
    service = running()
    settings = service.service.settings.model_copy(update={"port": int(service.url.rsplit(":", 1)[1])})
    digest = service.tenant.rules.current.rulebook.digest
    finding = found(examine_access(settings, digest=digest), "port")
    assert (finding.state, "正在运行 coach" in finding.says) == ("ok", True)
    assert found(examine_access(settings, digest="other"), "port").state == "warning"


def test_a_service_that_answers_to_its_names_only_is_known_too(running):
    """It is asked by one of its names, not by its address."""
    service = running(hosts=("coach.example.com",))
    settings = service.service.settings.model_copy(update={"port": int(service.url.rsplit(":", 1)[1])})
    digest = service.tenant.rules.current.rulebook.digest
    assert found(examine_access(settings, digest=digest), "port").state == "ok"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_a_service_with_a_certificate_is_known_too(running, tmp_path):
    """Whatever name the certificate is for."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(cert), "-subj", "/CN=coach.example.com"),
        ],
        check=True,
        capture_output=True,
    )
    service = running(tls_cert=cert, tls_key=key)
    settings = service.service.settings.model_copy(update={"port": int(service.url.rsplit(":", 1)[1])})
    digest = service.tenant.rules.current.rulebook.digest
    assert found(examine_access(settings, digest=digest), "port").state == "ok"


def test_a_port_of_another_program_is_an_error(settings_for):
    """Somebody listens who is not coach."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        finding = found(examine_access(settings_for(port=other.getsockname()[1]), digest=""), "port")
    assert finding.state == "error"
    assert "COACH_PORT" in finding.mend


def test_a_damaged_database_is_an_error(running, settings_for):
    """Pages overwritten in the middle are found by the check, and nothing is written."""
    service = running()
    for index in range(40):
        service.http(
            "POST",
            f"/v1/calls/c{index}/events",
            json={"events": [{"type": "call.started", "seq": 1, "agent_id": "a" * 100}]},
        )
    service.stop()
    file = settings_for().data_dir / "coach.sqlite3"
    assert found(examine_database(settings_for()), "database").state == "ok"
    content = bytearray(file.read_bytes())
    content[4096 : 4096 + 3000] = b"\xff" * 3000
    file.write_bytes(content)
    assert found(examine_database(settings_for()), "database").state == "error"
    assert file.read_bytes() == content


def test_a_database_of_a_newer_version_is_an_error(settings_for):
    """The remedy is an upgrade."""
    folder = settings_for().data_dir
    folder.mkdir(mode=0o700)
    with sqlite3.connect(folder / "coach.sqlite3") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    finding = found(examine_database(settings_for()), "database")
    assert (finding.state, "升级" in finding.mend) == ("error", True)


def test_a_file_in_place_of_the_data_folder_is_an_error(settings_for, tmp_path):
    """The message names it."""
    (tmp_path / "state").write_text("", "utf-8")
    finding = found(examine_data(settings_for()), "data")
    assert (finding.state, str(tmp_path / "state") in finding.says) == ("error", True)


def test_a_data_folder_others_can_read_is_told(settings_for, tmp_path):
    """What customers said lies there."""
    (tmp_path / "state").mkdir(mode=0o755)
    finding = found(examine_data(settings_for()), "data")
    assert (finding.state, finding.mend) == ("warning", f"chmod 700 {tmp_path / 'state'}")


def test_a_full_disk_is_an_error(settings_for, monkeypatch):
    """No ack without room to write."""
    monkeypatch.setattr(checkup, "_DISK_ERROR", 2**62)
    assert found(examine_data(settings_for()), "disk").state == "error"


def test_too_few_open_files_are_told_with_the_number_needed(settings_for):
    """As many as connections and a few."""
    finding = found(examine_machine(settings_for(max_connections=10_000_000)), "files")
    assert (finding.state, "10000100" in finding.mend) == ("warning", True)


def test_a_clock_in_another_time_zone_than_the_agents_is_told(settings_for, monkeypatch):
    """UTC is rarely where agents sit; Shanghai is fine."""
    import time

    for zone, state in (("UTC", "warning"), ("Asia/Shanghai", "ok")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert found(examine_machine(settings_for()), "timezone").state == state
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("changes", "name", "state"),
    [
        ({"masking": False}, "masking", "warning"),
        ({"host": "0.0.0.0"}, "access", "warning"),
        ({"host": "0.0.0.0", "hosts": "c.example", "origins": "https://crm.example"}, "access", "ok"),
        ({"host": "0.0.0.0", "metrics": "open"}, "access", "warning"),
        ({}, "access", "ok"),
        ({"web_dir": "nowhere"}, "pages", "warning"),
    ],
)
def test_settings_that_open_a_door_are_told(settings_for, changes, name, state):
    """Masking off, a public address without names or origins, open metrics, pages that are missing."""
    assert found(examine_access(settings_for(**changes), digest=""), name).state == state


def test_lint_errors_fail(settings_for, sound):
    """A book that loads but must not go live is an error here."""
    loaded, problem = load_for_checkup(settings_for())
    assert found(examine_rules(settings_for(), loaded, problem), "lint").state == "ok"
    file = sound / "phrasebook" / "ignorance.yml"
    file.write_text(file.read_text("utf-8").replace("我马上帮您查一下，请您稍等", "这个我不知道"), "utf-8")
    loaded, problem = load_for_checkup(settings_for())
    assert problem == ""
    finding = found(examine_rules(settings_for(), loaded, problem), "lint")
    assert finding.state == "error"


def test_nothing_is_written(settings_for, tmp_path):
    """Looking makes no folder."""
    settings = settings_for()
    list(examine_data(settings))
    list(examine_database(settings))
    assert not settings.data_dir.exists()


@pytest.mark.databases("postgresql")
def test_a_server_that_is_well_passes(settings_for, postgresql):
    """Revision, version, distance, clock, connections, flushing: a line each."""
    states = {each.name: each.state for each in examine_database(settings_for())}
    assert states == {
        "database": "ok",
        "keys": "ok",
        "database-server": "ok",
        "database-distance": "ok",
        "database-clock": "ok",
        "database-connections": "ok",
        "database-durable": "ok",
    }


@pytest.mark.databases("postgresql")
def test_too_few_connections_of_a_server_are_told(settings_for):
    """With how many it should have."""
    finding = found(examine_database(settings_for(database_pool=150)), "database-connections")
    assert (finding.state, "max_connections" in finding.mend) == ("warning", True)


def test_a_server_without_tables_is_an_error(settings_for, postgresql):
    """The remedy is the command that makes them."""
    finding = found(examine_database(settings_for(database_url=postgresql.empty())), "database")
    assert (finding.state, "coach db upgrade" in finding.mend) == ("error", True)


def test_a_server_that_cannot_be_reached_is_an_error(settings_for):
    """The address is told without user and password, and what to look at."""
    url = "postgresql://somebody:hunter2@127.0.0.1:1/coach"
    finding = found(examine_database(settings_for(database_url=url)), "database")
    assert (finding.state, "127.0.0.1:1/coach" in finding.says) == ("error", True)
    assert "hunter2" not in finding.says + finding.mend


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        (checkup_database._clocks(-3.0), "warning"),
        (checkup_database._clocks(0.4), "ok"),
        (checkup_database._distance(0.02), "warning"),
        (checkup_database._version(90600, "9.6", "UTF8"), "warning"),
        (checkup_database._version(160000, "16.0", "LATIN1"), "error"),
        (checkup_database._connections(most=97, taken=10, own=3, pool=5), "warning"),
        (checkup_database._durable(flush="off", fsync="on"), "warning"),
        (checkup_database._durable(flush="on", fsync="on"), "ok"),
    ],
)
def test_what_a_server_may_lack_is_told_with_its_remedy(finding, state):
    """Clocks apart, far away, too old, of another encoding, too few connections, not flushing."""
    assert (finding.state, bool(finding.mend)) == (state, state != "ok")


def test_keys_in_force_are_counted(running, settings_for):
    """Of the database; without one the first start makes a key."""
    assert "没有有效的密钥" in found(examine_database(settings_for()), "keys").says
    running().stop()
    assert "1 个有效的 API 密钥" in found(examine_database(settings_for()), "keys").says
