"""The panel's pure core has tests of its own, written beside it and run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.parametrize("command", [("vitest", "run"), ("tsc", "--noEmit")], ids=["tests", "types"])
def test_core(web_built: Path, command: tuple[str, ...]) -> None:
    """The unit tests of web/test pass, and all of web/ is well typed."""
    program = WEB / "node_modules" / ".bin" / command[0]
    if shutil.which("node") is None or not program.exists():
        pytest.skip("no Node, or web/node_modules is not installed (npm ci in web/)")
    answer = subprocess.run(
        [str(program), *command[1:]], cwd=WEB, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_lock_file_names_no_registry() -> None:
    """Any mirror may serve the packages: the lock has their digests and no addresses."""
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    installed = [package for name, package in packages.items() if name]
    assert all("integrity" in package and "resolved" not in package for package in installed)
