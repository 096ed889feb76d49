"""The table of the API keys, in the database of the default tenant; keys of all tenants are in it."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table

from coach.service.schema import Words, metadata

api_keys = Table(
    "api_keys",
    metadata,
    # Begins as a part of the hash, and stays when the hash is keyed anew.
    Column("id", Words(32), primary_key=True),
    Column("name", Words(128), nullable=False),
    Column("hash", Words(64), nullable=False, unique=True),
    # Names the secret that keys the hash.
    Column("secret", Words(16), nullable=False),
    Column("tenant", Words(64), nullable=False),
    Column("role", Words(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    # To the day.
    Column("last_used_at", Float),
    Column("revoked_at", Float),
    # Rises with every change that a running service has to see.
    Column("version", Integer, nullable=False),
)
Index("api_keys_name", api_keys.c.name)
