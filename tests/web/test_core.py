"""The panel's pure core has tests of its own, written beside it and run by Node."""

from __future__ import annotations

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
