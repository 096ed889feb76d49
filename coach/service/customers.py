"""Who a customer is, without knowing it: his id in the platform's words, kept as a keyed hash only."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coach.service.signing import Secret, Secrets


def stored_customer(customer_id: str, secrets: Secrets) -> str:
    """Return what is stored of a customer's id."""
    return _hash(customer_id, secrets.newest)


def known_as(customer_id: str, secrets: Secrets) -> tuple[str, ...]:
    """Return all that may be stored of a customer: one hash for each secret in force, the newest first."""
    return tuple(_hash(customer_id, secret) for secret in secrets.all)


def _hash(customer_id: str, secret: Secret) -> str:
    digest = hmac.digest(secret.value, b"customer " + customer_id.encode("utf-8", "surrogatepass"), "sha256")
    return f"{secret.id}:{digest.hex()}"
