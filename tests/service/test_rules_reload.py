"""Rules change while the service runs."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def edited(book):
    """Change a file of the rule book: `edited("rules/ignorance.yml", old, new)`."""

    def edit(name, old, new):
        file = book / name
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    return edit


def digest(service):
    """Digest of the rules in force."""
    return service.http("GET", "/healthz").json()["rules"]["digest"]


def become_warm(source):
    """Wait until nothing is left to be compiled."""
    deadline = time.monotonic() + 60
    while not source.warm:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_new_rules_take_effect_for_a_running_call(running, clients, wire, edited):
    """After a reload the next utterance is checked by the new rules, in the same call."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started(), wire.said("我们爱莫能助", seq=2))
    producer.acked("c1", 2)
    before = digest(service)
    edited("rules/ignorance.yml", "[我 不 (知道|清楚)]", "[我 不 (知道|清楚), 爱莫能助]")
    service.within(service.tenant.rules.reload)
    assert digest(service) != before
    producer.send(wire.said("我们爱莫能助", seq=3))
    assert sidebar.until("advice")["utterance_id"] == "u3"


def test_a_call_keeps_its_rules_until_its_utterance_ends(running, clients, wire, edited):
    """A revision of an utterance under way is still checked by the rules it began with."""
    service = running()
    producer, sidebar = clients.producer(service), clients.sidebar(service)
    producer.send(wire.started(), wire.said("我不知道这个事情", seq=2, utterance_id="u", final=False))
    card = sidebar.until("advice")
    edited("rules/ignorance.yml", "severity: warning", "severity: notice")
    service.within(service.tenant.rules.reload)
    producer.send(wire.said("我不知道这个事情怎么办", seq=3, utterance_id="u", revision=2))
    producer.acked("c1", 3)
    stored = service.http("GET", "/v1/calls/c1").json()["advice"]
    assert [(each["id"], each["severity"]) for each in stored] == [(card["id"], "warning")]


def test_bad_rules_leave_the_old_ones_in_force_and_say_so(running, clients, wire, edited):
    """A mistake is reported by /healthz with file and line; mending it clears the report."""
    service = running()
    before = digest(service)
    edited("rules/ignorance.yml", "severity: warning", "severity: fatal")
    service.within(service.tenant.rules.reload)
    rules = service.http("GET", "/healthz").json()["rules"]
    assert (rules["digest"], rules["stale"]) == (before, True)
    assert "rules/ignorance.yml:5" in rules["problem"]
    assert service.http("GET", "/v1/rules").json()["stale"] == rules["problem"]
    edited("rules/ignorance.yml", "severity: fatal", "severity: warning")
    service.within(service.tenant.rules.reload)
    assert service.http("GET", "/healthz").json()["rules"] == {
        "digest": before,
        "stale": False,
        "problem": None,
    }


def test_rules_whose_examples_fail_are_not_taken(running, edited):
    """The examples run on every reload."""
    service = running()
    edited("rules/ignorance.yml", "misses: [我不知道您方便吗]", "misses: [我不知道]")
    service.within(service.tenant.rules.reload)
    assert service.http("GET", "/healthz").json()["rules"]["stale"] is True


def test_a_changed_file_is_noticed(running, edited):
    """With watching on, saving a file is enough."""
    service = running(reload_rules=True)
    before = digest(service)
    deadline = time.monotonic() + 60
    edited("rules/ignorance.yml", "title: 换个说法：先帮客户查", "title: 换个说法")
    while digest(service) == before:
        assert time.monotonic() < deadline, "the change was not noticed"


def test_rules_are_made_ready_beside_the_calls(running, edited):
    """Nothing is left to be compiled in the middle of a call: of the first rules, and of those that replace them."""
    service = running()
    source = service.tenant.rules
    first = source.current
    become_warm(source)
    edited("rules/ignorance.yml", "severity: warning", "severity: violation")
    service.within(source.reload)
    become_warm(source)
    assert source.current is not first
