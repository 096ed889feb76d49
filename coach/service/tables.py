"""Every table of a tenant's database: importing this makes `metadata` whole, wherever a table is written down."""

from __future__ import annotations

from coach.service.schema import metadata
from coach.service.schema_audit import audit
from coach.service.schema_keys import api_keys
from coach.service.schema_webhooks import webhook_endpoints, webhook_outbox

__all__ = ["api_keys", "audit", "metadata", "webhook_endpoints", "webhook_outbox"]
