"""Where in a TOML file a table or a key stands, for those who are told what is wrong with it.

Reads lines, not TOML: what it cannot place, as inside of an inline table, stands where the key around it does.
"""

from __future__ import annotations

import re
from typing import Final

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_PATH: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE: Final = re.compile(rf"\s*\[\[?\s*({_PATH})\s*\]")
_KEY: Final = re.compile(rf"\s*({_PATH})\s*=")
_QUOTES: Final = ('"""', "'''")


class TomlPlaces:
    """The lines of a file, by table and key."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        within = ""
        for number, line in enumerate(text.splitlines(), 1):
            if not within:
                if found := _TABLE.match(line):
                    table = _parts(found[1])
                    self._lines.setdefault(table, number)
                elif found := _KEY.match(line):
                    self._lines.setdefault((*table, *_parts(found[1])), number)
            for quotes in _QUOTES:
                if line.count(quotes) % 2 and within in {"", quotes}:
                    within = "" if within else quotes

    def line(self, *path: str) -> int:
        """Return the line of what a path leads to, or of what is around it, counted from 1; 0: not known."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, path))
