"""Signatures of webhooks, after the Standard Webhooks convention: made by the service, checked by receivers.

A receiver needs `verify_webhook(headers, body, secret)` and the body exactly as it came.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from coach.client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
# Older or younger than this is taken for a replay.
TOLERANCE_S: Final = 300.0

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1"
_SECRET_BYTES: Final = range(16, 65)
_NEW_SECRET_BYTES: Final = 32


class WebhookError(ClientError):
    """A webhook is not to be trusted: answer 401 and do nothing with it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook whose signature was right.

    Attributes:
        id: the same however often it is delivered; who has seen it passes it over.
        type: one of the events in docs/webhooks.md, or "ping".
        timestamp: when it happened, as the wire writes it.
        tenant: whose call it was.
        data: what it tells, by type.
    """

    id: str
    type: str
    timestamp: str
    tenant: str
    data: Mapping[str, Any]


def new_secret() -> str:
    """Make a secret to sign with."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_NEW_SECRET_BYTES)).decode("ascii")


def sign_webhook(webhook_id: str, timestamp: int, body: bytes, signing: Sequence[str]) -> dict[str, str]:
    """Return the three headers of a webhook.

    Args:
        webhook_id: of the message.
        timestamp: of this attempt, seconds since 1970.
        body: exactly as it is sent.
        signing: secrets; two while one takes the other's place.

    Raises:
        WebhookError: a secret is none.
    """
    signed = _signed(webhook_id, str(timestamp), body)
    signatures = [f"{_VERSION},{_signature(_key_of(secret), signed)}" for secret in signing]
    return {
        ID_HEADER: webhook_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join(signatures),
    }


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secret: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> Webhook:
    """Check a webhook and read it.

    Args:
        headers: of the request; the case of their names does not matter.
        body: of the request, as it came: decoded and encoded again it has another signature.
        secret: `whsec_…` as the service showed it; several while secrets are changed.
        tolerance_s: how far the sender's clock may be from ours, in seconds.
        now: our clock in seconds since 1970; None asks the system.

    Raises:
        WebhookError: a header is missing, it is too old or from the future, no signature fits, or the body is no
            message; or a secret is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER) if not given.get(name)]
    if missing:
        raise WebhookError(f"缺少请求头 {'、'.join(missing)}")
    webhook_id, stamp = given[ID_HEADER], given[TIMESTAMP_HEADER]
    # Twelve digits: no integer that takes long to read.
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):  # noqa: PLR2004
        raise WebhookError(f"{TIMESTAMP_HEADER}: 收到 {stamp[:40]!r}，应为 1970 年以来的秒数")
    away = (time.time() if now is None else now) - int(stamp)
    if abs(away) > tolerance_s:
        raise WebhookError(
            f"{TIMESTAMP_HEADER}: 与本机时钟相差 {away:.0f} 秒，超过 {tolerance_s:g} 秒；可能是重放，或时钟不准"
        )
    signed = _signed(webhook_id, stamp, body)
    keys = [_key_of(each) for each in ([secret] if isinstance(secret, str) else secret)]
    if not _fits(given[SIGNATURE_HEADER], [_signature(key, signed) for key in keys]):
        raise WebhookError(
            f"{SIGNATURE_HEADER}: 签名不符；密钥不对，或请求体被改动过（应使用未经解析的原始字节）"
        )
    return _read(webhook_id, body)


def _fits(header: str, expected: list[str]) -> bool:
    found = False
    for each in header.split():
        version, _, signature = each.partition(",")
        if version != _VERSION:
            # Of a version to come, beside ours.
            continue
        for known in expected:
            # Every pair is compared, so that the time taken tells nothing.
            found |= hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), known.encode("ascii"))
    return found


def _read(webhook_id: str, body: bytes) -> Webhook:
    try:
        value = json.loads(body)
        webhook = Webhook(
            id=value["id"],
            type=value["type"],
            timestamp=value["timestamp"],
            tenant=value["tenant"],
            data=value["data"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WebhookError(f"请求体不是 {{type, id, timestamp, tenant, data}}：{error!r}") from error
    if webhook.id != webhook_id:
        raise WebhookError(f"{ID_HEADER}: 收到 {webhook_id!r}，请求体中是 {webhook.id!r}")
    return webhook


def _signed(webhook_id: str, stamp: str, body: bytes) -> bytes:
    return b".".join((webhook_id.encode(), stamp.encode("ascii"), body))


def _signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookError("secret: 应为 whsec_ 加 Base64") from error
    if len(key) not in _SECRET_BYTES:
        raise WebhookError(
            f"secret: 收到 {len(key)} 字节，应为 {_SECRET_BYTES.start} 至 {_SECRET_BYTES.stop - 1} 字节"
        )
    return key
