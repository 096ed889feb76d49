"""Vendors' own events, turned into utterances: one module a vendor, pure, without network and clock."""
