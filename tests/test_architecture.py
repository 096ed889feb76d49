"""The arrows between the rooms, held to the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

COACH = Path(__file__).parents[1] / "coach"
MODULES = sorted(COACH.rglob("*.py"))
# A room may import the rooms on floors below its own, and its own modules.
FLOORS = {
    "errors": 0,
    "config": 0,
    "setting_errors": 0,
    "validation": 0,
    "garbage": 0,
    "shipped": 0,
    "language": 1,
    "rulebook": 2,
    "coaching": 3,
    "transcripts": 4,
    "connectors": 4,
    # Knows the wire only; the service describes itself with its types.
    "client": 4,
    "review": 5,
    # The service reviews recorded calls too.
    "service": 6,
    "commands": 7,
    "cli": 8,
    "__main__": 9,
}
MAX_LINES = 400


def name_of(path: Path) -> str:
    """Return a readable test id."""
    return str(path.relative_to(COACH))


def room_of(module: str) -> str | None:
    """Return the room of a dotted module name; None for the package itself and for others' modules."""
    parts = module.split(".")
    return parts[1] if parts[0] == "coach" and len(parts) > 1 else None


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, inside functions and for types too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down_only(path: Path) -> None:
    """A module imports from its own room and from lower floors."""
    own = path.relative_to(COACH).with_suffix("").parts[0]
    if own == "__init__":
        own = "errors"
    rooms = {room for name in imported(path) if (room := room_of(name)) is not None and room in FLOORS}
    upward = {room for room in rooms if room != own and FLOORS[room] >= FLOORS[own] > 0}
    assert upward == set()


def test_every_room_has_its_floor() -> None:
    """A new room is given its place here before it is lived in."""
    rooms = {path.relative_to(COACH).with_suffix("").parts[0] for path in MODULES} - {"__init__"}
    assert rooms <= FLOORS.keys()


def test_words_are_cut_in_one_place() -> None:
    """Only language/tokens.py knows jieba."""
    users = [
        name_of(path)
        for path in MODULES
        if any(name.split(".")[0] in {"jieba", "rjieba"} for name in imported(path))
    ]
    assert users == ["language/tokens.py"]


@pytest.mark.parametrize("room", ["language", "rulebook", "coaching"])
def test_lower_rooms_are_pure(room: str) -> None:
    """What reads and judges text knows no event loop, no database, no web framework and no clock."""
    banned = {"asyncio", "fastapi", "sqlalchemy", "aiosqlite", "websockets", "uvicorn", "time", "httpx"}
    users = {
        name_of(path): banned & {name.split(".")[0] for name in imported(path)}
        for path in MODULES
        if path.relative_to(COACH).parts[0] == room
    }
    assert {name: names for name, names in users.items() if names} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_can_be_read_in_one_sitting(path: Path) -> None:
    """A module of 400 lines or more is two modules."""
    assert len(path.read_text("utf-8").splitlines()) < MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_open_with_a_short_docstring(path: Path) -> None:
    """Each module says what it is for, in five lines; a drawing after them does not count."""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring
    drawn = any(stroke in docstring for stroke in ("├──", "-->"))
    prose = docstring.split("\n\n")[0] if drawn else docstring
    assert len(prose.splitlines()) <= 5
