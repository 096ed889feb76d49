"""docs/security.md names a test for every threat; each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`([\w/]+)::(test_\w+)`")


def rows() -> list[str]:
    """Return the rows of the tables of threats."""
    threats = (ROOT / "docs" / "security.md").read_text("utf-8").partition("## Threats")[2]
    return [
        line
        for line in threats.splitlines()
        if line.startswith("| ") and not line.startswith(("| threat |", "| --- "))
    ]


def test_every_named_test_exists() -> None:
    """A name without a folder is below tests/service."""
    missing = []
    for module, test in NAMED.findall("\n".join(rows())):
        path = module if module.startswith("tests/") else f"tests/service/{module}"
        file = ROOT / f"{path}.py"
        if not file.is_file() or f"def {test}(" not in file.read_text("utf-8"):
            missing.append(f"{path}::{test}")
    assert missing == []


def test_every_threat_names_a_test() -> None:
    """A row is a threat, what stops it, and what shows that."""
    assert len(rows()) > 30
    assert [row for row in rows() if row.count("|") != 4 or not NAMED.search(row.rsplit("|", 2)[1])] == []
