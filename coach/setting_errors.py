"""What is wrong with a setting, told with where it was set: a variable, a line of coach.toml, or a flag."""

from __future__ import annotations

import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coach.validation import explain

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import ValidationError

_AT: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")


def explain_settings(
    error: ValidationError,
    *,
    flags: Collection[str],
    file: Path,
    known: Collection[str],
    secret: Collection[str],
) -> str:
    """Say everything that is wrong, a line each.

    Args:
        flags: settings that the command line gave.
        file: coach.toml, which need not be there.
        known: names of all settings.
        secret: names of settings whose value is not shown.
    """
    lines = []
    for each in error.errors():
        name = ".".join(map(str, each["loc"]))
        near = get_close_matches(name, known, n=1)
        unknown = "没有这个设置" + (f"，是不是 {near[0]}？" if near else "，全部设置见 docs/operations.md")
        said = explain(each, wording={"extra_forbidden": unknown}, secret=name in secret)
        # What concerns several settings names them itself.
        lines.append(f"{_place(name, flags, file)}: {said}" if name else said)
    return "\n".join(lines)


def explain_missing(named: str) -> str:
    """Say that the file which COACH_CONFIG names is none."""
    path = Path(named)
    what = "是文件夹，不是文件" if path.is_dir() else "没有这个文件"
    return (
        f"COACH_CONFIG: 收到 {named!r}，{what}（{path.absolute()}）；"
        "应为配置文件的路径，如 /etc/coach/coach.toml，不用配置文件就不要设置它"
    )


def explain_file(error: OSError | ValueError, file: Path) -> str:
    """Say why coach.toml cannot be read."""
    if isinstance(error, tomllib.TOMLDecodeError):
        at = _AT.search(str(error))
        place = f"{file}:{at[1]}:{at[2]}" if at else str(file)
        return f"{place}: 不是 TOML（{_AT.sub('', str(error))}）；每行应为 名字 = 值，文字要加引号"
    if isinstance(error, UnicodeDecodeError):
        return f"{file}: 第 {error.start} 字节起不是 UTF-8，应存为 UTF-8"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{file}: 无法读取：{reason}"


def _place(name: str, flags: Collection[str], file: Path) -> str:
    if name in flags:
        return name
    variable = f"COACH_{name.upper()}"
    if any(key.upper() == variable and value for key, value in os.environ.items()):
        return f"{name}（{variable}）"
    return f"{file}:{line}: {name}" if (line := _line(name, file)) else name


def _line(name: str, file: Path) -> int:
    """Return the line of coach.toml that sets it, counted from 1; 0: none does."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 0
    setting = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=|\s*\[{re.escape(name)}\]")
    return next((number for number, line in enumerate(lines, 1) if setting.match(line)), 0)
