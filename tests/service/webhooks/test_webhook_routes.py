"""Webhooks over HTTP: the same as the command line, for administrators, and described in the OpenAPI document."""

from __future__ import annotations

import jsonschema
import pytest

from coach.service.webhooks import openapi
from coach.service.webhooks.endpoints import EVENT_TYPES, PING


@pytest.fixture
def service(running):
    """A running service that may deliver to this machine."""
    return running(webhook_private=True)


def added(service, receiver, *events):
    """Register a receiver; returns what is told of it."""
    answered = service.http(
        "POST", "/v1/webhooks", json={"url": receiver.url, "events": list(events) or ["*"]}
    )
    assert answered.status_code == 201, answered.text
    return answered.json()


def test_a_webhook_is_added_listed_changed_and_removed(service, receiver):
    """Its secret is told once."""
    made = added(service, receiver, "call.ended")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert service.http("GET", "/v1/webhooks").json() == {"webhooks": [made]}
    path = f"/v1/webhooks/{made['id']}"
    changed = service.http("PATCH", path, json={"events": ["call.score"], "state": "disabled"}).json()
    assert changed == {**made, "events": ["call.score"], "state": "disabled"}
    assert service.http("DELETE", path).json() == {"removed": made["id"]}
    assert service.http("DELETE", path).status_code == 404


def test_a_ping_tells_what_the_receiver_answered(service, receiver, answer):
    """Signed with the secret in force; after a change, with both."""
    made = added(service, receiver)
    new = service.http("POST", f"/v1/webhooks/{made['id']}/rotate").json()["secret"]
    told = service.http("POST", f"/v1/webhooks/{made['id']}/test").json()
    assert (told["delivered"], told["status"], told["says"]) == (True, 200, "")
    assert receiver.got[0].verified(new).id == receiver.got[0].verified(made["secret"]).id
    receiver.usual = answer(403)
    told = service.http("POST", f"/v1/webhooks/{made['id']}/test").json()
    assert (told["delivered"], told["status"], told["says"]) == (False, 403, "HTTP 403")


def test_dead_letters_are_listed_page_by_page_and_tried_anew(running, receiver, answer, clients, wire):
    """One by its id, then all of them."""
    service = running(webhook_private=True, webhook_tries=1)
    added(service, receiver, "call.ended")
    receiver.usual = answer(500)
    producer = clients.producer(service)
    for number in range(3):
        producer.send(wire.started(f"c{number}"), wire.ended(f"c{number}", seq=2))
        producer.acked(f"c{number}", 2)
    dead: list[dict] = []
    while len(dead) < 3:
        dead = service.http("GET", "/v1/webhooks/dead").json()["dead"]
    page = service.http("GET", "/v1/webhooks/dead?limit=2").json()
    rest = service.http("GET", f"/v1/webhooks/dead?limit=2&cursor={page['next']}").json()
    assert [*page["dead"], *rest["dead"]] == dead
    assert rest["next"] is None
    receiver.usual = answer(200)
    before = len(receiver.got)
    assert service.http("POST", "/v1/webhooks/dead/retry", json={"id": dead[1]["id"]}).json() == {
        "retried": 1
    }
    assert receiver.wait(before + 1)[before].message["id"] == dead[1]["id"]
    assert service.http("POST", "/v1/webhooks/dead/retry", json={"all": True}).json() == {"retried": 2}
    receiver.wait(before + 3)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "https://x.example/", "events": ["nonsense"]}, "events"),
        ({"url": "https://x.example/", "events": []}, "events"),
        ({"url": "http://8.8.8.8/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://x.example/", "secret": "mine"}, "secret"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(service, body, field):
    """422 in the shape of every other error."""
    answered = service.http("POST", "/v1/webhooks", json=body)
    assert answered.status_code == 422
    assert answered.json()["error"]["field"] == field


def test_a_retry_names_one_event_or_all(service):
    """Neither and both are mistakes; one that is not dead is not found."""
    path = "/v1/webhooks/dead/retry"
    assert service.http("POST", path, json={}).status_code == 422
    assert service.http("POST", path, json={"id": "msg_1", "all": True}).status_code == 422
    assert service.http("POST", path, json={"id": "msg_1"}).status_code == 404


def test_every_event_is_described(service):
    """The document has them all, with an example that fits its schema."""
    document = service.http("GET", "/openapi.json").json()
    assert set(document["webhooks"]) == {*EVENT_TYPES, PING}
    for kind, item in document["webhooks"].items():
        described = item["post"]["requestBody"]["content"]["application/json"]
        assert described["example"]["type"] == kind
        jsonschema.validate(described["example"], described["schema"])
        names = [each["name"] for each in item["post"]["parameters"]]
        assert names == ["webhook-id", "webhook-timestamp", "webhook-signature"]


def test_what_is_delivered_is_what_is_described(service, receiver, clients, wire):
    """A call with a fault, a complaint and a promise: each real message fits, and has no field that is not named."""
    document = service.http("GET", "/openapi.json").json()
    added(service, receiver)
    producer = clients.producer(service)
    texts = [
        ("agent", "这个我不知道"),
        ("agent", "我马上帮您查一下，请您稍等"),
        ("agent", "我明天下午五点前给您回电话"),
        ("agent", "这个我不知道"),
    ]
    producer.send(wire.started())
    for seq, (speaker, text) in enumerate(texts, 2):
        producer.send(wire.said(text, seq=seq, speaker=speaker))
    producer.send(wire.ended(seq=len(texts) + 2))
    receiver.wait(1, kind="call.score")
    told = {got.message["type"]: got.message for got in receiver.got}
    assert {
        "advice.given",
        "advice.resolved",
        "moment",
        "commitment",
        "call.ended",
        "call.score",
    } <= told.keys()
    for kind, message in told.items():
        schema = document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.validate(message, schema)
        assert message["data"].keys() == openapi.EVENTS[kind][1].keys(), kind


def test_who_changed_a_webhook_is_in_the_audit_log(service, receiver):
    """Added, switched off, a new secret, removed; never the address or the secret itself."""
    made = added(service, receiver)
    path = f"/v1/webhooks/{made['id']}"
    service.http("PATCH", path, json={"state": "disabled"})
    secret = service.http("POST", f"{path}/rotate").json()["secret"]
    service.http("DELETE", path)
    service.http("DELETE", path)
    log = service.http("GET", "/v1/audit?action=webhook-changed")
    entries = [each for each in log.json()["entries"] if each["target"] == f"webhook:{made['id']}"]
    assert [each["details"]["change"] for each in entries] == ["removed", "secret", "disabled", "added"]
    assert secret not in log.text
    assert receiver.url not in log.text


def test_the_metrics_tell_what_waits_and_what_is_dead(running, receiver, answer, clients, wire):
    """By tenant; refreshed within seconds, so the numbers are waited for."""
    service = running(webhook_private=True, webhook_tries=1)
    added(service, receiver, "call.ended")
    receiver.usual = answer(500)
    producer = clients.producer(service)
    producer.send(wire.started(), wire.ended(seq=2))
    producer.acked("c1", 2)
    receiver.wait(1)
    told = ""
    while 'coach_webhook_dead_letters{tenant="default"} 1.0' not in told:
        told = service.http("GET", "/metrics").text
    assert 'coach_webhook_endpoints{state="active",tenant="default"} 1.0' in told
    assert 'coach_webhook_failed_attempts_total{tenant="default"} 1.0' in told
    assert 'coach_webhook_given_up_total{tenant="default"} 1.0' in told
    assert 'coach_webhook_waiting{tenant="default"} 0.0' in told
