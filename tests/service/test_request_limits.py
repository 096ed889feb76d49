"""Too many requests and too many wrong keys: refused with when to come again, and nobody else notices."""

from __future__ import annotations

import asyncio

import pytest
from valkey_server import Valkey

from coach.service.auth import Principal
from coach.service.meter import Meter
from coach.service.request_limits import LimitedError, RequestLimits

pytestmark = pytest.mark.usefixtures("within_a_minute")

KEY = Principal("producer", tenant="shop", name="crm", by_key=True)


def limits(**changes) -> RequestLimits:
    """Limits of ten, which do not hold refusals back."""
    options = {"per_key": 10, "per_token": 10, "failures": 10, "tenants": {}, "slow_s": 0, **changes}
    return RequestLimits(meter=Meter(), **options)


async def taken(limited: RequestLimits, principal: Principal, count: int) -> int:
    """Send so many requests; return how many were taken."""
    done = 0
    for _ in range(count):
        try:
            await limited.check(principal)
            done += 1
        except LimitedError:
            pass
    return done


def test_each_key_and_person_has_its_own_minute():
    """One at its limit, the others at theirs."""

    async def run():
        limited = limits(per_token=5)
        someone, another = (Principal("agent", name, tenant="shop", name=name) for name in ("a1", "a2"))
        return [await taken(limited, who, 20) for who in (KEY, someone, another)]

    assert asyncio.run(run()) == [10, 5, 5]


def test_a_tenants_quota_holds_for_all_its_keys():
    """And for no other tenant's."""

    async def run():
        limited = limits(per_key=0, tenants={"shop": 8})
        other = Principal("producer", tenant="bank", name="crm", by_key=True)
        second = Principal("admin", tenant="shop", name="second", by_key=True)
        return [await taken(limited, who, 6) for who in (KEY, second, other)]

    assert asyncio.run(run()) == [6, 2, 6]


def test_nobody_is_limited_where_nothing_is_set():
    """0 means no limit."""
    assert asyncio.run(taken(limits(per_key=0), KEY, 500)) == 500


def test_one_too_many_is_told_when_to_come_again(running):
    """429 with Retry-After; another key goes on."""
    service = running(requests_per_minute=3)
    answers = [service.http("GET", "/v1/rules") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["error"]["code"] == "rate_limited"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert service.http("GET", "/v1/rules", key=service.new_key()).status_code == 200


def test_wrong_keys_from_one_address_are_limited_and_counted(running, clients):
    """First 401, then 429, at the sockets 1013; a right key from there is let in all the same."""
    service = running(failed_logins_per_minute=3)
    service.service.limits._slow_s = 0
    statuses = [service.http("GET", "/v1/rules", key="wrong").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    headers = {"Authorization": "Bearer wrong"}
    assert clients.socket(service.url + "/v1/ingest", additional_headers=headers).close_code() == 1013
    assert service.http("GET", "/v1/rules").status_code == 200
    clients.producer(service)
    assert "coach_failed_logins_total 5.0" in service.http("GET", "/metrics").text


def test_refusals_are_held_back_after_half_of_them(monkeypatch):
    """The first five of ten at once, then each after a while."""
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr("coach.service.request_limits.asyncio.sleep", sleep)

    async def run():
        limited = limits(slow_s=1.5)
        for _ in range(7):
            await limited.failed("10.0.0.9")

    asyncio.run(run())
    assert waited == [1.5, 1.5]


@pytest.fixture
def valkey(tmp_path):
    """A server of this test's own."""
    pytest.importorskip("redis", reason="needs coach[cluster]")
    server = Valkey(tmp_path).start()
    yield server
    server.kill()


def test_processes_count_together_over_redis(valkey, monkeypatch):
    """What one took the other has not."""
    # A server that is slow on a busy machine counts as away otherwise.
    monkeypatch.setattr("coach.service.request_limits._REDIS_S", 30.0)

    async def run():
        one, two = (limits(redis_url=valkey.url) for _ in range(2))
        try:
            return [await taken(one, KEY, 6), await taken(two, KEY, 20)]
        finally:
            await one.close()
            await two.close()

    assert asyncio.run(run()) == [6, 4]


def test_without_redis_each_process_counts_for_itself(valkey):
    """Requests go on, and are still limited."""

    async def run():
        limited = limits(redis_url=valkey.url)
        try:
            before = await taken(limited, KEY, 6)
            valkey.kill()
            return before, await taken(limited, KEY, 20)
        finally:
            await limited.close()

    assert asyncio.run(run()) == (6, 10)
