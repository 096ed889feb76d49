"""Tenants: declared in a file, each with rules, data and quotas of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time

import pytest
from typer.testing import CliRunner
from websockets.exceptions import ConnectionClosed

from coach.cli import app
from coach.config import Settings
from coach.errors import ConfigError
from coach.service.database import Database
from coach.service.migrate import upgrade
from coach.service.quota import Rate
from coach.service.tenants_file import load_tenants
from tests.conftest import write_scorecard

TWO = """\
[bank]
name = "示例银行"

[shop]
quotas = {max_calls = 2, max_connections = 1, events_per_second = 20}
"""

OVERRIDES = """\
version: 1
overrides:
  - rule: ignorance/bare-dont-know
    severity: violation
    because: 本行规定
"""


@pytest.fixture
def tenants(running, tmp_path, database_url):
    """A factory of services with the tenants of a file."""

    def start(text: str = TWO, **changes):
        folder = tmp_path / "state"
        folder.mkdir(exist_ok=True)
        (folder / "tenants.toml").write_text(text, "utf-8")
        if database_url:
            for name in ("bank", "shop"):
                asyncio.run(_upgrade(database_url, name))
        return running(**changes)

    return start


async def _upgrade(url: str, tenant: str) -> None:
    """Do as `coach db upgrade --tenant`."""
    database = Database(url, tenant=tenant)
    await upgrade(database)
    await database.close()


def load(tmp_path, text: str, **changes):
    """Read a file of tenants."""
    (tmp_path / "tenants.toml").write_text(text, "utf-8")
    return load_tenants(Settings(data_dir=tmp_path, **changes))


def test_without_a_file_there_is_the_default_tenant(tmp_path):
    """With the settings of the service, where its data always was."""
    (plan,) = load_tenants(Settings(data_dir=tmp_path))
    assert (plan.name, plan.settings.data_dir) == ("default", tmp_path)


def test_a_tenant_has_what_it_says_and_the_rest_from_the_service(tmp_path):
    """Its own folder, packs and quotas; masking as the service has it; no recordings of the service's."""
    (tmp_path / "calls").mkdir()
    text = '[bank]\nname = "示例银行"\npacks = ["insurance"]\nquotas = {max_calls = 5}\n'
    default, bank = load(tmp_path, text, masking=False, review_dir=tmp_path / "calls")
    assert (default.settings.packs, default.settings.max_calls) == ((), 20_000)
    assert (bank.title, bank.settings.packs, bank.settings.max_calls) == ("示例银行", ("insurance",), 5)
    assert bank.settings.data_dir == tmp_path / "tenants" / "bank"
    assert (bank.settings.masking, bank.settings.review_dir) == (False, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[bank]\nmaksing = true\n", "[bank] maksing: 没有这个字段"),
        ('[bank]\nmasking = "on"\n', '[bank] masking: 收到 "on"，应为 true 或 false'),
        ("[bank.quotas]\nmax_calls = 0\n", "[bank] quotas.max_calls: 收到 0，应至少为 1"),
        ('[bank]\nrules_dir = "nowhere"\n', '[bank] rules_dir: 收到 "nowhere"，没有这个文件或目录'),
        ('[bank]\norigins = ["crm"]\n', "[bank] origins: 收到 'crm'，应为 https://主机"),
        ('[bank]\nstore = "all"\n', "[bank] store: 收到 \"all\"，应为 'words' 或 'nothing'"),
        ("[Bank]\n", '[Bank]: 收到 "Bank"，租户名应为小写字母'),
        ("bank = 1\n", "[bank]: 收到 1，应为一个表"),
        ("[bank\n", "不是 TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, told):
    """File, tenant, field, what came and what was expected."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path / "tenants.toml"))
    assert told in str(refused.value)


def test_everything_wrong_is_told_at_once(tmp_path):
    """One line each."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, "[a]\nx = 1\n[b]\ny = 2\n")
    assert len(str(refused.value).splitlines()) == 2


def test_a_file_that_is_named_must_be_there(tmp_path):
    """`tenants_file` is no wish."""
    with pytest.raises(ConfigError, match="tenants_file"):
        load_tenants(Settings(data_dir=tmp_path, tenants_file=tmp_path / "none.toml"))


def test_a_revoked_key_of_a_tenant_closes_its_sockets(tenants, clients):
    """Keys are kept in one place, and sockets of every tenant are watched."""
    service = tenants()
    made = service.within(lambda: service.service.keys.create("crm", tenant="bank"))
    socket = clients.producer(service, key=made)
    service.within(lambda: service.service.keys.revoke("crm"))
    assert socket.close_code() == 4401


def test_tenants_with_the_same_rules_share_them(tenants):
    """Half a million objects are there once."""
    service = tenants().service
    assert service.tenants["bank"].rules is service.tenants["shop"].rules is service.default.rules


def test_a_tenant_may_have_overrides_of_its_own(tenants, book):
    """The same rules, another severity; the others keep theirs."""
    (book / "bank.yml").write_text(OVERRIDES, "utf-8")
    service = tenants(f'[bank]\noverrides = "{book / "bank.yml"}"\n')
    keys = {name: service.new_key(tenant=name) for name in ("default", "bank")}
    severities = {
        name: service.http("GET", "/v1/rules", key=key).json()["rules"][1]["severity"]
        for name, key in keys.items()
    }
    assert severities == {"default": "warning", "bank": "violation"}


def test_a_review_holds_to_the_tenants_overrides(tenants, book):
    """What a process of its own judges, it judges by the tenant's rules."""
    (book / "bank.yml").write_text(OVERRIDES, "utf-8")
    write_scorecard(book / "rules")
    service = tenants(f'[bank]\noverrides = "{book / "bank.yml"}"\n')
    key = service.new_key(role="reviewer", tenant="bank")
    turns = [{"speaker": "agent", "text": "我不知道", "start_ms": 0, "end_ms": 900}]
    files = [("files", ("calls.jsonl", json.dumps({"id": "c1", "turns": turns}), "application/octet-stream"))]
    path = f"/v1/reviews/{service.http('POST', '/v1/reviews', key=key, files=files).json()['id']}"
    deadline = time.monotonic() + 60
    while service.http("GET", path, key=key).json()["state"] != "finished":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert '"severity":"violation"' in service.http("GET", f"{path}/results", key=key).text.replace(" ", "")


@pytest.mark.databases
def test_the_same_call_id_is_another_call_in_another_tenant(tenants, clients, wire, database_url):
    """Each has its words; nobody is told that the id is taken."""
    service = tenants()
    for name, words in (("bank", "我不知道"), ("shop", "您好")):
        producer = clients.producer(service, key=service.new_key(tenant=name))
        producer.send(wire.started(), wire.said(words, seq=2))
        producer.acked("c1", 2)
        producer.close()
    for name, words in (("bank", "我不知道"), ("shop", "您好")):
        call = service.http("GET", "/v1/calls/c1", key=service.new_key(tenant=name)).json()
        assert [each["text"] for each in call["utterances"]] == [words]
    assert service.http("GET", "/v1/calls/c1").status_code == 404


def test_a_tenants_data_is_in_a_folder_of_its_own(tenants, tmp_path):
    """Which only the service may read."""
    tenants()
    folder = tmp_path / "state" / "tenants" / "bank"
    assert (folder / "coach.sqlite3").is_file()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_rate_lets_through_so_many_a_second():
    """A burst of one second's, then as many as come in again."""
    now = [0.0]
    rate = Rate(10, clock=lambda: now[0])
    assert [rate.take() for _ in range(12)] == [True] * 10 + [False] * 2
    now[0] = 0.25
    assert [rate.take() for _ in range(3)] == [True, True, False]
    now[0] = 100
    assert sum(rate.take() for _ in range(50)) == 10


def test_too_many_calls_of_a_tenant_are_busy(tenants, wire):
    """The third of two is refused; the other tenant starts as many as it likes."""
    service = tenants()
    codes = {}
    for name in ("shop", "bank"):
        key = service.new_key(tenant=name)
        codes[name] = [
            [error["code"] for error in _start(service, wire, key, f"c{number}")["errors"]]
            for number in range(3)
        ]
    assert codes == {"shop": [[], [], ["busy"]], "bank": [[], [], []]}


def _start(service, wire, key, call_id):
    events = [wire.started(call_id)]
    return service.http("POST", f"/v1/calls/{call_id}/events", key=key, json={"events": events}).json()


def test_too_many_sockets_of_a_tenant_are_asked_to_come_later(tenants, clients):
    """Closed with 1013, while the other tenant gets in."""
    service = tenants()
    key = service.new_key(tenant="shop")
    clients.producer(service, key=key)
    headers = {"Authorization": f"Bearer {key}"}
    assert clients.socket(service.url + "/v1/ingest", additional_headers=headers).close_code() == 1013
    clients.producer(service, key=service.new_key(tenant="bank"))


def test_pages_of_one_tenant_open_no_sockets_of_another(tenants, clients):
    """The origin is looked at again when it is known who comes."""
    service = tenants(
        '[bank]\norigins = ["https://bank.example"]\n[shop]\norigins = ["https://shop.example"]\n'
    )
    for name, code in (("bank", None), ("shop", 4403)):
        socket = clients.socket(service.url + "/v1/agents/a1/stream", origin="https://bank.example")
        socket.send({"type": "hello", "token": service.token("a1", tenant=name)})
        if code is None:
            assert socket.next()["type"] == "ready"
        else:
            assert socket.close_code() == code


@pytest.mark.usefixtures("within_a_minute")
def test_too_many_requests_of_a_tenant_are_refused(tenants):
    """429 with Retry-After, whichever key it uses; the other tenant goes on."""
    service = tenants("[bank]\n[shop]\nquotas = {requests_per_minute = 3}\n")
    keys = [service.new_key(tenant="shop") for _ in range(2)]
    answers = [service.http("GET", "/v1/rules", key=keys[number % 2]) for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[4].headers["retry-after"]) >= 1
    assert service.http("GET", "/v1/rules", key=service.new_key(tenant="bank")).status_code == 200


def test_a_tenant_that_floods_harms_nobody_else(tenants, clients, wire):
    """Its own events are `busy`; the other tenant's are all acked, and its cards come without delay."""
    service = tenants()
    flood = Flood(clients.producer(service, key=service.new_key(tenant="shop")), wire)
    try:
        slowest = measure(service, clients, wire, "flooded")
    finally:
        told = flood.stop()
    assert told == {"busy"}
    # Some 20 ms, with tens of thousands of frames a second coming in meanwhile.
    assert slowest < 0.5


class Flood:
    """A producer that sends as fast as it can, and reads what it is told."""

    def __init__(self, producer, wire) -> None:
        self._producer, self._wire = producer, wire
        producer.send(wire.started("flood"))
        producer.acked("flood", 1)
        self._told: set[str] = set()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._send, self._read)]
        for thread in self._threads:
            thread.start()
        while not self._told:
            assert all(thread.is_alive() for thread in self._threads)

    def stop(self) -> set[str]:
        """Stop; return the codes of the errors that were told."""
        self._stopped.set()
        self._producer.close()
        for thread in self._threads:
            thread.join(10)
        return self._told

    def _send(self) -> None:
        revision = 0
        with contextlib.suppress(ConnectionClosed):
            while not self._stopped.is_set():
                revision += 1
                frame = self._wire.said("您好", seq=2, call_id="flood", final=False, revision=revision)
                self._producer.send(frame)

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            while not self._stopped.is_set():
                message = self._producer.next()
                if message["type"] == "error":
                    self._told.add(message["code"])


def measure(service, clients, wire, call_id: str) -> float:
    """Play a call of the bank; return the slowest of twenty cards, in seconds that this process worked.

    The flood never rests, so whoever waits for it counts; what other processes do on the machine does not.
    """
    producer = clients.producer(service, key=service.new_key(tenant="bank"))
    sidebar = clients.socket(f"{service.url}/v1/agents/{call_id}/stream")
    sidebar.send({"type": "hello", "token": service.token(call_id, tenant="bank")})
    producer.send(wire.started(call_id, agent_id=call_id))
    producer.acked(call_id, 1)
    slowest = 0.0
    for seq in range(2, 22):
        began = time.process_time()
        producer.send(wire.said("我不知道", seq=seq, call_id=call_id, at=70_000 * seq))
        sidebar.until("transcript", utterance_id=f"u{seq}")
        slowest = max(slowest, time.process_time() - began)
    producer.acked(call_id, 21)
    producer.close()
    sidebar.close()
    return slowest


def test_a_key_belongs_to_a_tenant_that_is_there(tenants, tmp_path):
    """The command line refuses another one, and names those there are."""
    tenants()
    result = CliRunner().invoke(
        app, ["keys", "new", "x", "--tenant", "bnak", "--data-dir", str(tmp_path / "state")]
    )
    assert isinstance(result.exception, ConfigError)
    assert "bank" in str(result.exception)


def test_the_command_line_lists_and_checks_tenants(tmp_path, book):
    """Names, rules and quotas; a tenant whose rules are wrong ends the check with 1."""
    rules = f'rules_dir = "{book / "rules"}"\nphrasebook_dir = "{book / "phrasebook"}"\n'
    (tmp_path / "bad").mkdir()
    (tmp_path / "tenants.toml").write_text(
        f'[default]\n{rules}[shop]\nname = "店"\n{rules}quotas = {{max_calls = 2}}\n', "utf-8"
    )
    listed = CliRunner().invoke(app, ["tenants", "list", "--json", "--data-dir", str(tmp_path)])
    assert [(row["tenant"], row["quotas"]["max_calls"]) for row in json.loads(listed.stdout)] == [
        ("default", None),
        ("shop", 2),
    ]
    checked = CliRunner().invoke(app, ["tenants", "check", "--data-dir", str(tmp_path)])
    assert (checked.exit_code, "shop（店）：2 条规则" in checked.stdout) == (0, True)
    (book / "rules" / "hedging.yml").write_text("version: 1\nrules: [{id: x}]\n", "utf-8")
    assert CliRunner().invoke(app, ["tenants", "check", "--data-dir", str(tmp_path)]).exit_code == 1
