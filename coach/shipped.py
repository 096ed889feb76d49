"""Where the files that travel with coach lie: rules, phrases and the built pages.

In a wheel they are inside the package (`coach/_data`); in a checkout they are beside it.
Imports nothing heavy, because `coach check` pays for every import.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent


def rules_dir() -> Path:
    """Return the folder of the shipped rules."""
    return _first(_PACKAGE / "_data" / "rules", _CHECKOUT / "rules")


def phrasebook_dir() -> Path:
    """Return the folder of the shipped phrases."""
    return _first(_PACKAGE / "_data" / "phrasebook", _CHECKOUT / "phrasebook")


def web_dir() -> Path:
    """Return the folder of the built pages; it is absent when the front end was never built."""
    return _first(_PACKAGE / "_data" / "web", _CHECKOUT / "web" / "dist")


def _first(*folders: Path) -> Path:
    return next((folder for folder in folders if folder.is_dir()), folders[-1])
