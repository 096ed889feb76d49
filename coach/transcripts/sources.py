"""The files that sources name: files, folders with all that is below, and patterns such as `calls/*.csv`."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coach.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What systems leave in folders and archives.
_LITTER: Final = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


def expand(sources: Iterable[Path]) -> list[Path]:
    """Return the files in a stable order, each once: sources as given, folders by name.

    Raises:
        TranscriptError: a source does not exist, or a pattern finds nothing.
    """
    return list(below(sources))


def below(sources: Iterable[Path]) -> dict[Path, str]:
    """Return the files as `expand` does, each with its path below its source (a file's own name).

    Raises:
        TranscriptError: a source does not exist, or a pattern finds nothing.
    """
    found: dict[Path, tuple[Path, str]] = {}
    for source in sources:
        root = _root(source)
        files = list(_files(source))
        for file in files:
            name = file.name if file == root else file.relative_to(root).as_posix()
            found.setdefault(file.resolve(), (file, name))
        if not files:
            raise TranscriptError(f"{source}: 没有文件；应为转写文件、文件夹，或 calls/*.csv 这样的通配")
    return dict(found.values())


def is_litter(name: str) -> bool:
    """Whether a file or one of its folders is hidden, or left behind by a system or an open Excel."""
    return any(part.startswith((".", "~$")) or part.casefold() in _LITTER for part in name.split("/"))


def _root(source: Path) -> Path:
    """Return the folder that a source names, or the file itself; of a pattern the part before its first star."""
    if source.exists() or not glob.has_magic(str(source)):
        return source
    return next(folder for folder in source.parents if not glob.has_magic(str(folder)))


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    elif source.is_dir():
        for folder, folders, names in os.walk(source):
            folders[:] = sorted(name for name in folders if not is_litter(name))
            for name in sorted(names):
                if not is_litter(name) and (file := Path(folder, name)).is_file():
                    yield file
    elif glob.has_magic(str(source)):
        for name in sorted(glob.glob(str(source), recursive=True)):  # noqa: PTH207 - Path.glob takes no absolute pattern
            yield from _files(Path(name))
    elif source.exists():
        raise TranscriptError(f"{source}: 不是普通文件或文件夹")
    else:
        raise TranscriptError(f"{source}: 没有这个文件")
