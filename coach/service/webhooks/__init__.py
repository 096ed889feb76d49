"""Webhooks out: what happened in calls, told to other systems, signed and at least once (docs/webhooks.md)."""
