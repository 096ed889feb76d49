"""Who did what: what leaves an entry, who may read it, and that none is ever changed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from test_reviews import AGENT, card, finished  # noqa: F401 - a fixture
from typer.testing import CliRunner

from coach.cli import app
from coach.service.database import DatabaseAwayError

pytestmark = pytest.mark.databases


def entries(service, **query):
    """Read the audit log, oldest first, without the reading itself."""
    answer = service.http("GET", "/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [each for each in reversed(answer.json()["entries"]) if each["action"] != "audit-read"]


def done(service, **query):
    """Return action and target of each entry."""
    return [(each["action"], each["target"]) for each in entries(service, **query)]


@pytest.fixture
def called(running, clients, wire):
    """A service with a call that is over and has one card."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("这个我不知道", seq=2), wire.ended(seq=3))
    producer.acked("c1", 3)
    service.within(service.service.default.calls.tick)
    return service


def test_minting_a_token_is_an_entry(running):
    """Who, from where, for whom, and for how long."""
    service = running()
    service.http("POST", "/v1/tokens", json={"agent_id": "a1", "ttl_s": 60})
    (entry,) = entries(service, action="token-minted")
    assert (entry["target"], entry["address"], entry["role"]) == ("agent:a1", "127.0.0.1", "admin")
    assert entry["details"] == {"ttl_s": 60}
    assert entry["who"] == "first"


def test_who_reads_a_call_is_noted(called):
    """A person's reading of a call is an entry; what the platform reads back of its own is none."""
    called.http("GET", "/v1/calls/c1", key=called.token("qa-7", role="reviewer"))
    called.http("GET", "/v1/calls/never", key=called.token("qa-7", role="reviewer"))
    assert [(each["who"], each["target"]) for each in entries(called, action="call-read")] == [
        ("qa-7", "call:c1")
    ]


def test_decisions_are_noted_with_their_change(called):
    """Decided, appealed and settled: the id, the rule and the verdict, no words."""
    place = {"call": "c1", "utterance": "u2", "rule": "ignorance/bare-dont-know", "start": 2, "end": 6}
    made = called.http(
        "POST", "/v1/decisions", json={**place, "verdict": "right", "reason": "生硬", "reviewer": "李"}
    ).json()
    path = f"/v1/decisions/{made['id']}"
    called.http("POST", f"{path}/appeal", json={"text": "查了"}, key=called.token("a1"))
    called.http("POST", f"{path}/settle", json={"verdict": "wrong", "reason": "有下文", "reviewer": "王"})
    noted = [each for each in entries(called) if each["target"] == f"decision:{made['id']}"]
    assert [(each["action"], each["details"].get("verdict")) for each in noted] == [
        ("decided", "right"),
        ("appealed", None),
        ("settled", "wrong"),
    ]
    assert "生硬" not in json.dumps(noted, ensure_ascii=False)


def test_reviews_are_noted_from_upload_to_deletion(running):
    """Created, downloaded by key and by link, deleted."""
    service = running()
    review = finished(service, {"a.txt": AGENT})["id"]
    service.http("GET", f"/v1/reviews/{review}/calls.csv")
    url = service.http("POST", f"/v1/reviews/{review}/links", json={"file": "report.html"}).json()["url"]
    assert service.http("GET", url, key=None).status_code == 200
    service.http("DELETE", f"/v1/reviews/{review}")
    assert done(service, target=f"review:{review}") == [
        ("review-created", f"review:{review}"),
        ("review-downloaded", f"review:{review}"),
        ("review-downloaded", f"review:{review}"),
        ("review-deleted", f"review:{review}"),
    ]


def test_refused_logins_are_noted_but_do_not_flood(running, clients):
    """Many wrong keys from one address are one entry."""
    service = running()
    for _ in range(20):
        assert service.http("GET", "/v1/rules", key="wrong").status_code == 401
    clients.socket(f"{service.url}/v1/ingest", additional_headers={"X-API-Key": "wrong"}).close_code()
    (entry,) = entries(service, action="login-refused")
    assert (entry["who"], entry["address"]) == ("-", "127.0.0.1")


def test_new_rules_are_noted(running, book):
    """Digest before and after; who it was is not known: the files."""
    service = running()
    before = service.http("GET", "/v1/rules").json()["digest"]
    file = book / "rules" / "hedging.yml"
    file.write_text(file.read_text("utf-8").replace("给确切的说法", "给一个确切的说法"), "utf-8")
    service.within(service.service.default.rules.reload)
    after = service.http("GET", "/v1/rules").json()["digest"]
    for _ in range(100):
        if found := entries(service, action="rules-reloaded"):
            break
    assert [(each["who"], each["details"]) for each in found] == [
        ("files", {"before": before, "after": after})
    ]


def test_what_is_done_to_keys_is_noted(running, tmp_path):
    """Made, rotated and revoked at the command line, with the name of whoever ran it; the key itself is nowhere."""
    service = running()
    if service.service.default.database.file is None:
        pytest.skip("the command reads the address of a server from the environment")
    folder = ["--data-dir", str(tmp_path / "state")]
    made = CliRunner().invoke(app, ["keys", "new", "crm", "--role", "reviewer", *folder]).stdout.strip()
    for verb in ("rotate", "revoke"):
        assert CliRunner().invoke(app, ["keys", verb, "crm", *folder]).exit_code == 0
    noted = entries(service, target="key:crm")
    assert [each["action"] for each in noted] == ["key-created", "key-rotated", "key-revoked"]
    assert {each["role"] for each in noted} == {"command-line"}
    assert noted[0]["details"] == {"role": "reviewer", "tenant": "default", "days": None}
    assert made not in json.dumps(noted)
    assert done(service, target="key:first") == [("key-created", "key:first")]


def test_what_is_done_to_webhooks_is_noted(running):
    """Added and removed; an address may hold a secret of the receiver's, so it is not told."""
    service = running(webhook_private=True)
    url = "http://127.0.0.1:9/hook?secret=not-to-be-told"
    made = service.http("POST", "/v1/webhooks", json={"url": url}).json()["id"]
    service.http("DELETE", f"/v1/webhooks/{made}")
    noted = entries(service, action="webhook-changed")
    assert [(each["target"], each["details"]["change"]) for each in noted] == [
        (f"webhook:{made}", "added"),
        (f"webhook:{made}", "removed"),
    ]
    assert "not-to-be-told" not in json.dumps(noted)


def test_who_watches_a_call_is_noted(running, clients, wire):
    """Once for each call that a supervisor looks into, before he sees a word."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(team="t1", agent_name="小林"), wire.said("您好", seq=2))
    producer.acked("c1", 2)
    token = service.service.tokens.mint(role="supervisor", subject="sup-1", ttl_s=60, teams=("t1",))[0]
    socket = clients.socket(f"{service.url}/v1/teams/t1/stream")
    socket.send({"type": "hello", "token": token})
    for _ in range(2):
        socket.send({"type": "watch", "call_id": "c1"})
        socket.until("watched")
    assert [
        (each["who"], each["role"], each["target"]) for each in entries(service, action="call-watched")
    ] == [("sup-1", "supervisor", "call:c1")]


def test_only_an_administrator_reads_it_and_reading_is_noted(called):
    """Nobody else; and who reads the log is in the log."""
    for role in ("agent", "supervisor", "reviewer", "producer"):
        assert called.http("GET", "/v1/audit", key=called.token("x", role=role)).status_code == 403
    called.http("GET", "/v1/audit")
    assert called.http("GET", "/v1/audit").json()["entries"][1]["action"] == "audit-read"


def test_pages_and_filters(running):
    """Youngest first, page by page, by who, action, target and time."""
    service = running()
    for number in range(5):
        service.http("POST", "/v1/tokens", json={"agent_id": f"a{number}"})
    first = service.http("GET", "/v1/audit?action=token-minted&limit=2").json()
    second = service.http("GET", f"/v1/audit?action=token-minted&limit=2&cursor={first['next']}").json()
    assert [each["target"] for each in first["entries"] + second["entries"]] == [
        "agent:a4",
        "agent:a3",
        "agent:a2",
        "agent:a1",
    ]
    assert done(service, target="agent:a2") == [("token-minted", "agent:a2")]
    assert done(service, since="2999-01-01") == []
    assert done(service, until="2000-01-01") == []
    for wrong in ("since=gestern", "action=stolen", "cursor=x", "limit=0"):
        assert service.http("GET", f"/v1/audit?{wrong}").json()["error"]["code"] == "invalid_field"


def test_an_entry_is_never_changed_nor_deleted(running):
    """The database refuses it, whoever asks."""
    service = running()
    service.http("POST", "/v1/tokens", json={"agent_id": "a1"})

    async def change(statement):
        async with service.service.default.database.writing() as connection:
            await connection.execute(text(statement))

    for statement in ("UPDATE audit SET who = 'somebody else'", "DELETE FROM audit"):
        with pytest.raises((DatabaseAwayError, DBAPIError)) as refused:
            service.within(change, statement)
        assert "append-only" in getattr(refused.value, "reason", str(refused.value))
    assert done(service, action="token-minted") == [("token-minted", "agent:a1")]


def test_what_cannot_be_noted_is_not_done(called, monkeypatch):
    """With the audit log out of order no token is minted, no call is read, nothing is decided or deleted."""
    audit = called.service.default.audit

    async def broken(*_, **__):
        raise DatabaseAwayError("no space left")

    monkeypatch.setattr(audit, "within", broken)
    place = {"call": "c1", "utterance": "u2", "rule": "ignorance/bare-dont-know", "start": 2, "end": 6}
    asked = [
        ("POST", "/v1/tokens", {"json": {"agent_id": "a1"}}),
        ("GET", "/v1/calls/c1", {"key": called.token("qa", role="reviewer")}),
        ("POST", "/v1/decisions", {"json": {**place, "verdict": "right", "reviewer": "qa"}}),
        ("DELETE", "/v1/calls/c1", {}),
    ]
    answers = [called.http(method, path, **more).status_code for method, path, more in asked]
    assert answers == [503, 503, 503, 503]
    monkeypatch.undo()
    assert called.http("GET", "/v1/decisions").json()["decisions"] == []
    assert called.http("GET", "/v1/calls/c1").status_code == 200


def test_the_command_prints_it(running, settings_for):
    """`coach audit` beside the running service: a line each, or JSON; a wrong filter is explained."""
    service = running()
    service.http("POST", "/v1/tokens", json={"agent_id": "a1"})
    folder = service.service.settings.data_dir
    if service.service.default.database.file is None:
        pytest.skip("the command reads the address of a server from the environment")

    def coach_audit(*options):
        return subprocess.run(
            [sys.executable, "-m", "coach", "audit", "--data-dir", str(folder), *options],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    shown = coach_audit("--action", "token-minted")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "token-minted  agent:a1  ttl_s=600" in shown.stdout
    assert json.loads(coach_audit("--json", "--limit", "1").stdout)["target"] == "agent:a1"
    wrong = coach_audit("--since", "gestern")
    assert (wrong.returncode, "--since" in wrong.stderr, "Traceback" in wrong.stderr) == (2, True, False)
