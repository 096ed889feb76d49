"""What an attacker would try on the running service; docs/security.md says which threat each test is for."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket as sockets
import ssl
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from coach.service.logs import TextFormatter
from coach.service.patience import Patience, PatientProtocol
from coach.service.signing import Secret, load_secrets

PAGES = ["/sidebar", "/playground", "/reviews", "/demo"]
DEEP = 12_000


def dial(service) -> sockets.socket:
    """Open a bare connection."""
    return sockets.create_connection((urlsplit(service.url).hostname, urlsplit(service.url).port), timeout=10)


def everything(connection: sockets.socket) -> bytes:
    """Return what the other side sends until it closes: head and body of an answer may come apart."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def hung_up(connection: sockets.socket) -> bool:
    """Wait until the other side closes; what it sends before is passed over."""
    everything(connection)
    return True


# Who gets in


@pytest.mark.parametrize("name", ["token", "key", "api_key", "access_token", "Authorization"])
def test_a_credential_in_an_address_is_not_believed(running, clients, name):
    """Addresses end up in logs, histories and referrers: no route and no socket takes a secret from one."""
    service = running()
    assert service.http("GET", f"/v1/rules?{name}={service.key}", key=None).status_code == 401
    socket = clients.socket(f"{service.url}/v1/ingest?{name}={service.key}")
    socket.send({"type": "ping"})
    assert socket.close_code() == 4401


def test_a_name_that_was_made_to_point_here_is_not_served(running):
    """DNS rebinding: a page of evil.example that resolves to this machine gets neither an answer nor a socket."""
    service = running()
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    for path in ("/sidebar", "/healthz", "/v1/rules", "/static/coach-sidebar.js"):
        assert service.http("GET", path, headers=headers).status_code == 403
    handshake = (
        "GET /v1/ingest HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with dial(service) as connection:
        connection.sendall(handshake.encode())
        assert connection.recv(65_536).split()[1] == b"403"


def test_a_page_elsewhere_cannot_read_the_api(running):
    """No answer of the API carries CORS headers, for listed origins neither; a preflight is not answered."""
    service = running(origins="https://crm.example")
    for origin in ("https://crm.example", "https://evil.example"):
        for method in ("GET", "OPTIONS"):
            answer = service.http(method, "/v1/rules", headers={"Origin": origin})
            assert [name for name in answer.headers if name.startswith("access-control-")] == []
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_key_is_looked_up_by_its_keyed_hash(tmp_path):
    """The time that a refusal takes tells nothing of a key: what is compared is a hash nobody can aim at."""
    (secret,) = load_secrets(tmp_path).all
    near = [secret.hash(f"coach_{'a' * 40}{end}") for end in "bcd"]
    assert len({digest[:8] for digest in near}) == 3
    assert Secret(secret.id, b"x" * 32).hash("coach_a") != secret.hash("coach_a")


# What a browser is told


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_strict_policy(running, path):
    """Nothing inline, nothing from elsewhere, no plug-ins, no forms, no base, no referrer, no microphone."""
    answer = running(demo=True).http("GET", path, key=None)
    policy = dict(each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";"))
    assert "unsafe" not in str(policy)
    assert "*" not in str(policy)
    assert {policy[name] for name in ("default-src", "script-src", "style-src")} == {"'self'"}
    assert {policy[name] for name in ("object-src", "base-uri", "form-action")} == {"'none'"}
    assert policy["frame-ancestors"] == "'self'"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "microphone=()" in answer.headers["permissions-policy"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_code_or_style_of_its_own(running, path):
    """What the policy forbids is not there, so nobody is tempted to loosen it."""
    html = running(demo=True).http("GET", path, key=None).text
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|\sstyle=|javascript:", html) == []


def test_only_listed_origins_may_frame_a_page(running):
    """Clickjacking: the origins of the settings and no other, on every answer."""
    service = running(origins="https://crm.example,https://desk.example:8443")
    for path in ("/sidebar", "/v1/rules", "/nowhere"):
        policy = service.http("GET", path).headers["content-security-policy"]
        assert "frame-ancestors 'self' https://crm.example https://desk.example:8443;" in policy


def test_the_origins_of_every_tenant_may_frame_a_page(running, tmp_path):
    """A page does not know yet for whose agent it is opened; sockets are each tenant's own."""
    file = tmp_path / "tenants.toml"
    file.write_text('[bank]\norigins = ["https://crm.bank.example"]\n', "utf-8")
    service = running(tenants_file=file, origins="https://crm.example")
    policy = service.http("GET", "/sidebar").headers["content-security-policy"]
    ancestors = next(each for each in policy.split("; ") if each.startswith("frame-ancestors "))
    assert set(ancestors.split()[1:]) == {"'self'", "https://crm.example", "https://crm.bank.example"}


def test_the_api_answers_data_not_pages(running):
    """Markup in an answer stays data: JSON, never sniffed, never cached, also when it is an error."""
    service = running()
    for path in ("/v1/rules", "/<script>alert(1)</script>", "/v1/calls/<img src=x onerror=alert(1)>"):
        answer = service.http("GET", path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


# What would wear the service out


def test_a_head_that_does_not_come_is_hung_up_on(running, monkeypatch):
    """Slow loris: half a head, and half of the second head of a connection kept alive."""
    monkeypatch.setattr(PatientProtocol, "head_s", 0.2)
    service = running()
    with dial(service) as silent, dial(service) as slow, dial(service) as second:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
        second.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert second.recv(65_536).startswith(b"HTTP/1.1 200")
        second.sendall(b"GET /readyz HTTP/1.1\r\nHost: ")
        assert [hung_up(each) for each in (silent, slow, second)] == [True, True, True]
    assert service.http("GET", "/readyz").status_code == 200


def test_a_body_that_dries_up_is_refused(running, monkeypatch):
    """A request that announces a body and does not send it is answered with 408."""
    monkeypatch.setattr(Patience, "body_s", 0.2)
    service = running()
    head = (
        f"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {service.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    with dial(service) as connection:
        connection.sendall(head.encode())
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"timeout"' in answer


def test_a_socket_is_not_ended_by_the_patience_with_requests(running, clients, wire, monkeypatch):
    """A producer that is silent for longer than a head may take goes on afterwards."""
    monkeypatch.setattr(PatientProtocol, "head_s", 0.1)
    service = running()
    producer = clients.producer(service)
    with dial(service) as silent:
        assert hung_up(silent)
    producer.send(wire.started())
    producer.acked("c1", 1)


def test_who_leaves_half_way_is_no_error(running, caplog):
    """A client that goes away inside its body leaves no trace in the log, or anyone could fill it."""
    service = running()
    head = (
        f"POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {service.key}\r\n"
        "Content-Length: 1000\r\n\r\n{"
    )
    with caplog.at_level(logging.WARNING):
        with dial(service) as connection:
            connection.sendall(head.encode())
        for _ in range(3):
            assert service.http("GET", "/readyz").status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize(
    "path",
    ["/v1/check", "/v1/calls/c1/events", "/v1/connectors/funasr", "/v1/playground/explain", "/v1/decisions"],
)
def test_json_nested_beyond_measure_is_refused(running, path, opening):
    """A depth bomb is told that it is no JSON; the process lives."""
    service = running()
    answer = service.http("POST", path, content=opening * (DEEP // len(opening)))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    assert service.http("GET", "/readyz").status_code == 200


BOMBS = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    ),
    "lists": "a: " + "[" * 45_000 + "]" * 45_000,
    "maps": "".join(f"{' ' * depth}a:\n" for depth in range(400)),
    "tag": "a: !!python/object/apply:os.system ['true']\n",
    "pattern": "version: 1\nrules:\n  - id: a/b\n    title: x\n    severity: notice\n    status: draft\n"
    f"    match: ['{'我? ' * 400}不']\n    suggest: []\n    explain: x\n    source: x\n"
    "    hits: ['【不】']\n    misses: ['是']\n",
}


def test_a_rule_made_to_explode_is_refused(running):
    """YAML that multiplies itself, nests without end or names code, and a pattern with too many ways."""
    service = running()
    for name, bomb in BOMBS.items():
        answer = httpx.post(
            service.url + "/v1/playground/draft",
            json={"yaml": bomb},
            headers={"Authorization": f"Bearer {service.key}"},
            # The process behind the playground is started first.
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code in {200, 422}, (name, answer.text)
        if answer.status_code == 200:
            assert answer.json()["problems"], name
        assert service.http("GET", "/readyz").status_code == 200, name


# What must not come out


def test_nothing_outside_of_the_built_code_is_served(running, tmp_path):
    """No path leads out of /static, however it is written."""
    service = running()
    secret = (tmp_path / "state" / "secret").read_text().strip()
    for path in (
        "/static/../../../etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/coach/config.py",
        "/static//etc/passwd",
        "/static/..\\..\\secret",
        "/static/\x00",
    ):
        with dial(service) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
            )
            answer = everything(connection)
        assert answer.split()[1] in {b"404", b"400", b"401"}, (path, answer)
        assert secret.encode() not in answer


def test_no_answer_and_no_error_shows_a_secret(running):
    """Health, metrics, rules, refusals and the description: neither the key nor the signing secret nor a path."""
    service = running(metrics="open")
    folder = service.service.settings.data_dir
    secret = (folder / "secret").read_text().strip()
    said = [
        service.http(method, path, headers={"X-Test": service.key}, **more).text
        for method, path, more in (
            ("GET", "/healthz", {}),
            ("GET", "/readyz", {}),
            ("GET", "/metrics", {}),
            ("GET", "/v1/rules", {}),
            ("GET", "/openapi.json", {}),
            ("GET", "/nowhere", {}),
            ("GET", "/v1/rules", {"key": service.key + "x"}),
            ("POST", "/v1/check", {"content": "{"}),
            ("POST", "/v1/tokens", {"json": {"agent_id": service.key + " "}}),
        )
    ]
    shown = "\n".join(said)
    assert service.key not in shown
    assert secret not in shown
    assert str(folder) not in shown


def test_the_doctor_tells_no_secret(running, book, tmp_path):
    """What is pasted into a support ticket opens nothing."""
    service = running()
    folder = service.service.settings.data_dir
    done = subprocess.run(
        [
            *(sys.executable, "-m", "coach", "doctor", "--json"),
            *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
        ],
        env={
            **{name: each for name, each in os.environ.items() if not name.startswith("COACH_")},
            "COACH_DATA_DIR": str(folder),
            "COACH_SECRET": "0123456789abcdef0123456789abcdef-not-to-be-told",
            "COACH_DATABASE_URL": "postgresql://coach:not-to-be-told@127.0.0.1:1/coach",
        },
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert '"findings"' in done.stdout
    shown = done.stdout + done.stderr
    assert "not-to-be-told" not in shown
    assert service.key not in shown
    assert (folder / "secret").read_text().strip() not in shown


def test_a_webhook_played_again_changes_nothing(running):
    """A vendor's delivery, recorded on the way and sent once more, adds no word and no card."""
    service = running()
    payload = {"mode": "2pass-offline", "text": "这个我不知道", "is_final": True, "wav_name": "c9"}
    path = "/v1/connectors/funasr?call_id=c9&agent_id=a1&speaker=agent"
    first = service.http("POST", path, json=payload)
    assert first.status_code == 200, first.text
    stored = service.http("GET", "/v1/calls/c9").json()
    assert len(stored["advice"]) == 1
    for _ in range(3):
        service.http("POST", path, json=payload)
    again = service.http("GET", "/v1/calls/c9").json()
    assert (len(again["utterances"]), len(again["advice"])) == (len(stored["utterances"]), 1)


def test_nobody_else_on_the_machine_reads_what_is_kept(running, clients, wire, tmp_path):
    """Folder, database, journal, key hashes and secret are the service's alone."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("我不知道", seq=2))
    producer.acked("c1", 2)
    folder = service.service.settings.data_dir
    assert folder.stat().st_mode & 0o077 == 0
    for name in ("secret", "coach.sqlite3", "coach.sqlite3-wal"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name


def test_a_client_cannot_write_records_of_its_own_into_the_log():
    """Line breaks, terminal codes and Unicode's own line ends are shown, not obeyed."""
    record = logging.LogRecord(
        "coach", logging.INFO, "x.py", 1, "来自 %s", ("a\r\n2026 ERROR\x1b[2J\u2028b",), None
    )
    line = TextFormatter("%(message)s").format(record)
    assert line == r"来自 a\r\n2026 ERROR\x1b[2J\u2028b"


# Behind a proxy, and without one


def test_a_client_cannot_name_its_own_address(running):
    """X-Forwarded-For is believed from the proxies of the settings and from nobody else."""
    local = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    for proxies, scheme in (("", "http"), ("127.0.0.1", "https"), ("10.0.0.0/8", "http")):
        service = running(trusted_proxies=proxies)
        answer = service.http("GET", "/static", headers=local)
        assert answer.headers["location"].partition("://")[0] == scheme
        service.stop()


def test_https_without_a_proxy(running, tmp_path):
    """With a certificate of its own the service speaks TLS, says so, and tells browsers to stay with it."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    try:
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                ),
                *("-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"),
                *("-addext", "subjectAltName=IP:127.0.0.1"),
            ],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    service = running(tls_cert=cert, tls_key=key)
    assert service.url.startswith("https://")
    trusted = ssl.create_default_context(cafile=str(cert))
    answer = httpx.get(service.url + "/readyz", verify=trusted, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
