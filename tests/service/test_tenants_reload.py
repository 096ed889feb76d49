"""The file of the tenants changes while the service runs."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import weakref

import pytest
from test_connectors import recorded_twilio, signed  # noqa: F401 - a fixture
from test_tenants import _upgrade
from valkey_server import Valkey

from coach.errors import ConfigError
from coach.service.database import DatabaseAwayError
from coach.service.service import Service
from coach.service.siblings import Siblings

ONE = "[bank]\n"
WAIT_S = 60
DAY_S = 86_400


class Site:
    """A service, the file of its tenants, and what may be done to it."""

    def __init__(self, running, folder, clients, wire, **changes) -> None:
        self.file, self.clients, self.wire = folder / "tenants.toml", clients, wire
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(changes.pop("text", ONE), "utf-8")
        self.running = running(**changes)
        self.tenants = self.running.service.tenants

    def change(self, text: str) -> None:
        """Write the file and let the service read it."""
        self.file.write_text(text, "utf-8")
        self.running.within(self.tenants.reload)

    def key(self, tenant: str) -> str:
        """Make an administrator's key."""
        return self.running.new_key(role="admin", tenant=tenant)

    def status(self, key: str, path: str = "/v1/calls") -> int:
        """Ask with a key; return the status."""
        return self.running.http("GET", path, key=key).status_code

    def noted(self) -> list[dict]:
        """Read what the audit log has of the file, oldest first."""
        asked = self.running.http("GET", "/v1/audit", params={"action": "tenants-changed"})
        return [{**each["details"], "who": each["who"]} for each in reversed(asked.json()["entries"])]

    def call(self, key: str, call_id: str = "c1"):
        """Start a call and wait until it is on disk; return its producer."""
        producer = self.clients.producer(self.running, key=key)
        producer.send(self.wire.started(call_id), self.wire.said("我不知道", seq=2, call_id=call_id))
        producer.acked(call_id, 2)
        return producer

    def goes_on(self, key: str, text: str):
        """Say one thing more in the call, over a connection of its own; return the call."""
        producer = self.clients.producer(self.running, key=key)
        producer.send(self.wire.said(text, seq=3))
        producer.acked("c1", 3)
        return self.running.http("GET", "/v1/calls/c1", key=key).json()


@pytest.fixture
def site(running, tmp_path, clients, wire):
    """A factory of sites."""
    return lambda **changes: Site(running, tmp_path / "state", clients, wire, **changes)


def until(what) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_new_tenant_is_served_at_once(site):
    """Its key, made beforehand, is refused until then; its calls are its own, its rules those it shares."""
    there = site()
    bank, shop = there.key("bank"), there.key("shop")
    assert (there.status(bank), there.status(shop)) == (200, 401)
    there.change("[bank]\n[shop]\nname = '示例商城'\n")
    there.call(shop)
    assert (there.status(shop, "/v1/calls/c1"), there.status(bank, "/v1/calls/c1")) == (200, 404)
    assert there.tenants["shop"].title == "示例商城"
    assert there.tenants["shop"].rules is there.running.service.default.rules
    assert (there.file.parent / "tenants" / "shop" / "coach.sqlite3").is_file()


def test_a_tenant_that_is_taken_out_is_over(site):
    """Its sockets are closed, its keys and tokens refused, the others not disturbed."""
    there = site(text="[bank]\n[shop]\n")
    bank, shop = there.key("bank"), there.key("shop")
    token = there.running.token("a1", tenant="shop")
    gone, stays = there.call(shop), there.call(bank)
    there.change(ONE)
    assert gone.close_code() == 4401
    assert [there.status(each) for each in (shop, token, bank)] == [401, 401, 200]
    stays.send(there.wire.said("请稍等", seq=3))
    stays.acked("c1", 3)
    assert sorted(there.tenants) == ["bank", "default"]


def test_a_tenant_that_comes_back_has_what_was_acked(site):
    """Nothing is deleted; its running call goes on where it was."""
    there = site(text="[bank]\n")
    key = there.key("bank")
    there.call(key)
    there.change("")
    there.change(ONE)
    assert [each["text"] for each in there.goes_on(key, "请稍等")["utterances"]] == ["我不知道", "请稍等"]


OWN_RULES = "[bank]\n[shop]\nrules_dir = 'own/rules'\nphrasebook_dir = 'own/phrasebook'\n"


@pytest.fixture
def own_rules(tmp_path, fill_book):
    """The rules of a tenant that shares none, in their folder."""
    (tmp_path / "state" / "own").mkdir(parents=True)
    return fill_book(tmp_path / "state" / "own") / "rules"


def test_the_memory_of_a_removed_tenant_is_freed(site, own_rules):
    """Its rules and calls go while the service runs; back again it has all of them."""
    there = site(text=OWN_RULES)
    key = there.key("shop")
    producer = there.call(key)
    shop = there.tenants["shop"]
    rules = weakref.ref(shop.rules.current.checker)
    there.change(ONE)
    assert producer.close_code() == 4401
    assert (len(shop.calls), len(shop.hub)) == (0, 0)
    until(lambda: gc.collect() is not None and rules() is None)
    there.change(OWN_RULES)
    told = [each["rule"] for each in there.goes_on(key, "应该会到")["advice"]]
    assert told == ["ignorance/bare-dont-know", "hedging/should-be"]


def test_a_tenant_leaves_nothing_with_those_who_stay(site, tmp_path):
    """Coming and going as often as it likes, or failing to begin, it adds nobody who is told of rules or Redis."""
    pytest.importorskip("redis", reason="needs coach[cluster]")
    server = Valkey(tmp_path).start()
    try:
        there = site(redis_url=server.url)
        service = there.running.service

        def told():
            bus = service.bus
            listeners = bus._handlers, bus._listeners, bus._topic_listeners, service.default.rules._listeners
            return [len(each) for each in listeners]

        before = told()
        for _ in range(3):
            there.change("[bank]\n[shop]\n")
            assert told() > before
            there.change(ONE)
            until(lambda: told() == before)
        (there.file.parent / "tenants" / "shop" / "coach.sqlite3").write_bytes(b"no database")
        there.change("[bank]\n[shop]\n")
        assert there.tenants.stale
        until(lambda: told() == before)
    finally:
        there.running.stop()
        server.kill()


def test_rules_of_a_tenant_that_comes_back_at_once_are_followed(site, own_rules):
    """Files that change speak as before: what watched the old ones is gone, not in the way."""
    there = site(text=OWN_RULES, reload_rules=True)
    key = there.key("shop")
    there.change(ONE)
    there.change(OWN_RULES)
    file = own_rules / "hedging.yml"
    text = file.read_text("utf-8").replace("(是|会)", "(是|会|能)").replace("应该会", "应该能")

    def speaks():
        # Once more: it may have been written before anybody watched.
        file.write_text(text, "utf-8")
        asked = {"text": "明天应该能到"}
        return there.running.http("POST", "/v1/check", key=key, json=asked).json()["hits"]

    until(speaks)


def test_changed_quotas_apply(site):
    """Each of them, up and down, without closing what is open."""
    there = site(text="[bank.quotas]\nmax_connections = 1\nmax_calls = 1\nrequests_per_minute = 1\n")
    key = there.key("bank")
    producer = there.call(key)
    assert [there.status(key), there.status(key)] == [200, 429]
    producer.send(there.wire.started("c2"))
    assert producer.until("error")["code"] == "busy"
    there.change("[bank.quotas]\nmax_connections = 2\nmax_calls = 2\n")
    assert [there.status(key), there.status(key)] == [200, 200]
    there.clients.producer(there.running, key=key)
    producer.send(there.wire.started("c2"))
    producer.acked("c2", 1)
    there.change("[bank.quotas]\nmax_connections = 2\nevents_per_second = 1\n")
    producer.send(*(there.wire.said("好", seq=seq, call_id="c2") for seq in range(2, 9)))
    assert "每秒最多 1 个事件" in producer.until("error", code="busy")["message"]
    there.change("[bank.quotas]\nmax_connections = 1\n")
    refused = there.clients.socket(
        there.running.url + "/v1/ingest", additional_headers={"Authorization": f"Bearer {key}"}
    )
    assert refused.close_code() == 1013


def test_a_quota_that_stays_goes_on_counting(site):
    """A changed file is no way to fill it up again."""
    there = site(text="[bank.quotas]\nevents_per_second = 5\n")
    rate = there.tenants["bank"].calls.pace.limit
    there.change("[bank]\nname = '银行'\nquotas = {events_per_second = 5}\n")
    assert there.tenants["bank"].calls.pace.limit is rate


def test_a_changed_retention_applies(site):
    """Calls that are too old now are deleted at once."""
    now = [time.time() - 10 * DAY_S]
    there = site(clock=lambda: now[0])
    key = there.key("bank")
    there.call(key).send(there.wire.ended(seq=3))
    until(lambda: there.running.http("GET", "/v1/calls/c1", key=key).json()["ended_ms"] is not None)
    now[0] += 10 * DAY_S
    there.running.within(there.tenants["bank"].calls.tick)
    there.change("[bank]\nretention_days = 3\n")
    until(lambda: there.status(key, "/v1/calls/c1") == 404)


def test_changed_origins_apply(site):
    """To the pages that may frame ours, and to sockets."""
    there = site()
    there.change('[bank]\norigins = ["https://crm.bank.example"]\n')
    policy = there.running.http("GET", "/sidebar", key=None).headers["content-security-policy"]
    assert "frame-ancestors 'self' https://crm.bank.example" in policy
    headers = {"Authorization": f"Bearer {there.key('bank')}"}
    socket = there.clients.socket(
        there.running.url + "/v1/ingest", additional_headers=headers, origin="https://crm.bank.example"
    )
    assert socket.next()["type"] == "ready"


def test_a_changed_secret_of_a_vendor_applies(site, recorded_twilio):  # noqa: F811
    """The old one signs no more."""
    there = site()
    secret = there.file.parent / "twilio"
    text = "[bank.connectors]\ntwilio_token_file = 'twilio'\n"
    path = "/v1/connectors/twilio?agent_id=a1&tenant=bank"

    def status(token):
        return signed(there.running, recorded_twilio.payloads[5], token=token, path=path).status_code

    secret.write_text("old", "utf-8")
    there.change(text)
    assert (status("old"), status("new")) == (200, 401)
    secret.write_text("new", "utf-8")
    there.change(text)
    assert (status("old"), status("new")) == (401, 200)


def test_a_worker_that_starts_again_has_the_file_as_it_was_right_last(settings_for, ruleset, tmp_path):
    """With the tenants that another worker took in since the start; if a secret is wrong by now, those of the start."""
    settings = settings_for(reload_rules=False)
    settings.data_dir.mkdir()
    file, secret = settings.data_dir / "tenants.toml", settings.data_dir / "twilio"
    file.write_text(ONE, "utf-8")
    parent = Service(settings, ruleset=ruleset)
    (tmp_path / "between").mkdir()

    def worker(number):
        return Service(settings, model=parent, siblings=Siblings(tmp_path / "between", number=number))

    async def change():
        first = worker(1)
        async with first.running():
            secret.write_text("token", "utf-8")
            right = "[bank.quotas]\nmax_calls = 9\n[shop.connectors]\ntwilio_token_file = 'twilio'\n"
            file.write_text(right, "utf-8")
            await first.tenants.reload()
            file.write_text("[bank\n", "utf-8")
            await first.tenants.reload()
            return sorted(first.tenants)

    served = asyncio.run(change())
    again = worker(2)
    assert sorted(again.tenants) == served == ["bank", "default", "shop"]
    assert again.tenants["bank"].quotas.max_calls == 9
    assert again.tenants.stale.startswith(f"{file}:1:6: 不是 TOML")
    secret.unlink()
    assert sorted(worker(2).tenants) == ["bank", "default"]
    parent._lock.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[bank\n", ":1:6: 不是 TOML"),
        ("[bank]\n\nmaksing = true\n", ":3: [bank] maksing: 没有这个字段"),
        ("[bank.quotas]\nmax_calls = 0\n[shop]\n", ":2: [bank] quotas.max_calls: 收到 0，应至少为 1"),
        ("[bank]\n[shop]\nrules_dir = 'none'\n", ':3: [shop] rules_dir: 收到 "none"，没有这个文件或目录'),
        ("[bank]\n[shop]\nrules_dir = 'broken'\n", ":2: [shop]: 这个新租户不能开始：\n"),
        ("[shop]\npacks = ['nowhere']\n", ":1: [shop]: 这个新租户不能开始：\n"),
    ],
)
def test_what_is_wrong_is_told_and_everything_stays(site, caplog, text, told):
    """File, line, field in the log; `/healthz` says that there is something; the tenants go on as they were."""
    there = site(text="[bank]\nquotas = {max_calls = 7}\n")
    key = there.key("bank")
    producer = there.call(key)
    (there.file.parent / "broken").mkdir()
    (there.file.parent / "broken" / "bad.yml").write_text("version: 1\nrules: [{}]\n", "utf-8")
    there.change(text)
    assert there.tenants.stale.startswith(f"{there.file}{told}")
    assert there.tenants.stale in caplog.text
    assert "coach_tenants_stale 1.0" in there.running.http("GET", "/metrics").text
    assert (
        there.running.http("GET", "/healthz").json()["tenants"]["problem"] == "租户文件没有完全生效，见日志"
    )
    assert sorted(there.tenants) == ["bank", "default"]
    assert there.tenants["bank"].calls.max_calls == 7
    producer.send(there.wire.said("请稍等", seq=3))
    producer.acked("c1", 3)
    there.change(ONE)
    assert there.running.http("GET", "/healthz").json()["tenants"]["problem"] is None


def test_a_file_that_is_gone_changes_nothing(site):
    """Whoever wants no tenants leaves an empty file."""
    there = site()
    there.file.unlink()
    there.running.within(there.tenants.reload)
    assert there.tenants.stale.startswith(f"{there.file}: 没有这个文件了")
    assert there.status(there.key("bank")) == 200
    there.change("")
    assert list(there.tenants) == ["default"]


def test_what_needs_a_restart_is_told_and_the_rest_applies(site, caplog):
    """Each field with its line, as often as the file is read; put back it is forgotten."""
    there = site()
    with caplog.at_level(logging.WARNING):
        there.change('[bank]\nmasking = false\npacks = ["wealth"]\nretention_days = 30\n')
    lines = there.tenants.stale.splitlines()
    assert [line.removeprefix(str(there.file)) for line in lines] == [
        ":3: [bank] packs: 改动要重启服务才生效，现在仍按原来的值",
        ":2: [bank] masking: 改动要重启服务才生效，现在仍按原来的值",
    ]
    assert lines[0] in caplog.text
    settings = there.tenants["bank"].settings
    assert (settings.masking, settings.packs, settings.retention_days) == (True, (), 30)
    there.change("[bank]\nretention_days = 30\n")
    assert there.tenants.stale == ""


def test_the_file_is_watched(site):
    """Saved, it is in force a moment later, without anybody's doing."""
    there = site(reload_rules=True)
    key = there.key("shop")
    there.file.write_text("[bank]\n[shop]\n", "utf-8")
    until(lambda: there.status(key) == 200)


def test_a_file_that_is_still_being_written_is_not_read(site):
    """Two looks have to see the same: an empty file between two writes would end every tenant."""
    there = site()
    looks = iter(["[bank]\n[s", "", "[bank]\n[shop]\n", None, None])
    read = []

    async def look():
        tenants, seen = there.tenants, there.tenants._stamp()
        for text in looks:
            if text is not None:
                there.file.write_text(text, "utf-8")
            seen = await tenants.look(seen)
            read.append(sorted(tenants))

    there.running.within(look)
    assert read == [["bank", "default"]] * 3 + [["bank", "default", "shop"]] * 2


def test_a_worker_that_starts_again_does_not_die_of_a_wrong_file(settings_for, ruleset, tmp_path):
    """It serves what the parent has and says why; it is no restart of the service. Without a parent it is refused."""
    settings = settings_for()
    settings.data_dir.mkdir()
    file = settings.data_dir / "tenants.toml"
    file.write_text(ONE, "utf-8")
    parent = Service(settings, ruleset=ruleset)
    file.write_text("[bank]\nx = 1\n", "utf-8")
    worker = Service(settings, model=parent)
    assert sorted(worker.tenants) == ["bank", "default"]
    assert worker.tenants.stale == f"{file}:2: [bank] x: 没有这个字段"
    assert worker.default.rules.current is ruleset
    file.write_text("[bank]\nmasking = false\nretention_days = 3\n[shop]\n", "utf-8")
    worker = Service(settings, model=parent)
    assert sorted(worker.tenants) == ["bank", "default", "shop"]
    assert worker.tenants.stale.startswith(f"{file}:2: [bank] masking: 改动要重启服务才生效")
    settings_of_bank = worker.tenants["bank"].settings
    assert (settings_of_bank.masking, settings_of_bank.retention_days) == (True, 3)
    parent._lock.close()
    file.write_text("[bank]\nx = 1\n", "utf-8")
    with pytest.raises(ConfigError, match="没有这个字段"):
        Service(settings, ruleset=ruleset)


def test_each_change_is_an_entry_of_the_audit_log(site):
    """Which tenants came, went and changed in which fields, and what waits for a restart; never a value."""
    there = site()
    secret = there.file.parent / "twilio"
    secret.write_text("hidden-one", "utf-8")
    connectors = "connectors = {twilio_token_file = 'twilio'}\n"
    there.change(f"[bank]\n{connectors}[shop]\nretention_days = 77\n")
    secret.write_text("hidden-two", "utf-8")
    there.change(f"[bank]\n{connectors}[shop]\nretention_days = 77\n")
    there.change(f"[bank]\nmasking = false\nname = '示例银行'\nquotas = {{max_calls = 78}}\n{connectors}")
    until(lambda: len(there.noted()) == 3)
    assert there.noted() == [
        {"who": "files", "added": ["shop"], "changed": {"bank": ["connectors.twilio_token_file"]}},
        {"who": "files", "changed": {"bank": ["connectors.twilio_token_file"]}},
        {
            "who": "files",
            "removed": ["shop"],
            "changed": {"bank": ["masking", "name", "quotas.max_calls"]},
            "at_restart": {"bank": ["masking"]},
        },
    ]


def test_what_changes_nothing_is_no_entry(site):
    """Neither a file that is wrong nor one that says the same in other words."""
    there = site()
    there.change("[bank]\nmaksing = true\n")
    there.change("[bank]  # 银行\n\n")
    there.change("[bank]\n[shop]\n")
    until(there.noted)
    assert there.noted() == [{"who": "files", "added": ["shop"]}]


def test_a_change_that_cannot_be_noted_is_noted_later(site, monkeypatch, caplog):
    """The file is in force at once; its entry is written when the database takes it."""
    monkeypatch.setattr("coach.service.tenant_changes._RETRY_S", 0.01)
    there = site()

    async def broken(*_, **__):
        raise DatabaseAwayError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(there.running.service.default.audit, "within", broken)
        there.change("[bank]\n[shop]\n")
        assert "shop" in there.tenants
        until(lambda: "租户已改变（新增 shop），还没能写入审计日志" in caplog.text)
    until(there.noted)
    assert there.noted() == [{"who": "files", "added": ["shop"]}]


@pytest.mark.databases("postgresql")
def test_a_new_tenant_without_tables_waits_for_them(site, database_url):
    """The log says what to run; run, the next change of the file lets it begin."""
    there = site(text="")
    there.change("[shop]\n")
    assert there.tenants.stale.startswith(f"{there.file}:1: [shop]: 这个新租户不能开始：\n")
    assert "coach db upgrade" in there.tenants.stale
    assert list(there.tenants) == ["default"]
    asyncio.run(_upgrade(database_url, "shop"))
    there.change("[shop]\nname = '店'\n")
    key = there.key("shop")
    there.call(key)
    assert there.status(key, "/v1/calls/c1") == 200
