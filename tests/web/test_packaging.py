"""What an installed coach has with it, and how the launcher answers."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(web_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build the wheel as pip would."""
    pytest.importorskip("hatchling", reason="building a wheel needs hatchling: pip install hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as opened:
        yield opened


@pytest.mark.parametrize("folder", ["web/dist", "rules", "phrasebook"])
def test_wheel_carries_every_file(wheel: zipfile.ZipFile, folder: str) -> None:
    """Pages, rules and phrases are all inside, under coach/_data."""
    source = ROOT / folder
    inside = {
        f"coach/_data/{folder.split('/', maxsplit=1)[0]}/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*")
        if path.is_file()
    }
    assert inside
    assert inside <= set(wheel.namelist())


def test_wheel_carries_no_build_tools(wheel: zipfile.ZipFile) -> None:
    """Neither sources of the pages nor npm packages are shipped."""
    assert [name for name in wheel.namelist() if "node_modules" in name or name.endswith(".ts")] == []


def test_launcher_explains_itself() -> None:
    """Without a command run.py names its two commands and fails."""
    answer = subprocess.run([sys.executable, "run.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "run.py demo" in answer.stdout
    assert "run.py test" in answer.stdout
