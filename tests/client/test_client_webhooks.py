"""Signatures of webhooks, held to a recomputation with nothing but the standard library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from coach.client import Webhook, WebhookError, verify_webhook
from coach.client.webhooks import new_secret, sign_webhook

NOW = 1_767_225_600
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()
MESSAGE = {
    "type": "call.ended",
    "id": "msg_1",
    "timestamp": "2026-01-01T00:00:00.000Z",
    "tenant": "default",
    "data": {"call_id": "c1", "agent_id": "张三"},
}
BODY = json.dumps(MESSAGE, ensure_ascii=False).encode()


def recomputed(key=KEY, *, webhook_id="msg_1", stamp=NOW, body=BODY) -> str:
    """Return the signature as the convention defines it."""
    content = webhook_id.encode() + b"." + str(stamp).encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def headers(**changes) -> dict[str, str]:
    """The headers of a webhook that is right, but for the changes; None leaves one out."""
    given = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(NOW),
        "Webhook-Signature": recomputed(),
        **{f"Webhook-{name.capitalize()}": value for name, value in changes.items()},
    }
    return {name: value for name, value in given.items() if value is not None}


def test_the_headers_are_those_of_the_convention():
    """id.timestamp.body under HMAC-SHA256 with the decoded secret, in Base64."""
    assert sign_webhook("msg_1", NOW, BODY, [SECRET]) == {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": recomputed(),
    }


def test_two_secrets_give_two_signatures():
    """While one secret takes the other's place, receivers with either are served."""
    signed = sign_webhook("msg_1", NOW, BODY, [SECRET, OTHER])["webhook-signature"]
    assert signed == f"{recomputed()} {recomputed(bytes(32))}"


def test_a_right_webhook_is_read():
    """The names of headers are taken in any case."""
    webhook = verify_webhook(headers(), BODY, SECRET, now=NOW)
    assert webhook == Webhook("msg_1", "call.ended", MESSAGE["timestamp"], "default", MESSAGE["data"])


@pytest.mark.parametrize("secret", [OTHER, [OTHER], [SECRET, OTHER]])
def test_any_of_the_secrets_will_do(secret):
    """A receiver may know the old, the new or both."""
    given = headers(signature=f"v1a,xyz {recomputed()} {recomputed(bytes(32))}")
    assert verify_webhook(given, BODY, secret, now=NOW).id == "msg_1"


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"id": None}, BODY),
        ({"timestamp": None}, BODY),
        ({"signature": None}, BODY),
        ({"signature": "v1," + "A" * 43 + "="}, BODY),
        ({"signature": recomputed().replace("v1,", "v2,")}, BODY),
        ({"signature": "v1,密"}, BODY),
        ({"id": "msg_2"}, BODY),
        ({"timestamp": str(NOW + 1)}, BODY),
        ({"timestamp": "now"}, BODY),
        ({"timestamp": "٣"}, BODY),
        ({}, BODY + b" "),
        ({"signature": recomputed(body=b"[]")}, b"[]"),
        ({"signature": recomputed(webhook_id="msg_2"), "id": "msg_2"}, BODY),
    ],
)
def test_what_is_not_ours_is_refused(changes, body):
    """A header missing or changed, another body, another version, another id."""
    with pytest.raises(WebhookError):
        verify_webhook(headers(**changes), body, SECRET, now=NOW)


@pytest.mark.parametrize("now", [NOW - 301, NOW + 301])
def test_an_old_webhook_is_taken_for_a_replay(now):
    """Five minutes to either side are allowed."""
    with pytest.raises(WebhookError, match="301"):
        verify_webhook(headers(), BODY, SECRET, now=now)
    assert verify_webhook(headers(), BODY, SECRET, now=now, tolerance_s=400).id == "msg_1"


@pytest.mark.parametrize("secret", ["whsec_***", "whsec_" + base64.b64encode(b"short").decode(), "密"])
def test_a_secret_that_is_none_is_named(secret):
    """A wrong setting of the receiver is not taken for a forged webhook."""
    with pytest.raises(WebhookError, match="secret"):
        verify_webhook(headers(), BODY, secret, now=NOW)


def test_new_secrets_differ_and_fit():
    """What the service makes, it can sign with and a receiver can check."""
    first, second = new_secret(), new_secret()
    assert first != second
    assert verify_webhook(sign_webhook("msg_1", NOW, BODY, [first]), BODY, first, now=NOW).id == "msg_1"
