"""What an installed coach has with it, and how the launcher answers."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from coach.rulebook.book import load_rulebook

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


@pytest.mark.parametrize(
    "name",
    [
        "coach/review/templates/report.html",
        "coach/review/templates/report.css",
        "coach/review/templates/report.js",
        "coach/_data/rules/second-opinion.json.gz",
        "coach/_data/rules/second-opinion.yml",
        "coach/_data/rules/scorecards/default.yml",
    ],
)
def test_wheel_carries_what_a_review_needs(wheel: zipfile.ZipFile, name: str) -> None:
    """The report's page, the second opinion and the scorecard are inside and not empty."""
    assert wheel.getinfo(name).file_size > 0


def test_wheel_carries_what_has_to_be_said(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The packs in the wheel load as a rule book with all that has to be said."""
    inside = [name for name in wheel.namelist() if name.startswith("coach/_data/")]
    wheel.extractall(tmp_path, inside)
    data = tmp_path / "coach" / "_data"
    packs = sorted(path.name for path in (ROOT / "rules" / "packs").iterdir() if path.is_dir())
    book, own = (
        load_rulebook(
            rules_dir=folder / "rules",
            phrasebook_dir=folder / "phrasebook",
            packs=packs,
            check_examples=False,
        )
        for folder in (data, ROOT)
    )
    assert book.must_says
    assert [each.id for each in book.must_says] == [each.id for each in own.must_says]


def test_wheel_carries_no_build_tools(wheel: zipfile.ZipFile) -> None:
    """Neither sources of the pages nor npm packages are shipped."""
    assert [name for name in wheel.namelist() if "node_modules" in name or name.endswith(".ts")] == []


def test_launcher_explains_itself() -> None:
    """Without a command run.py names its two commands and fails."""
    answer = subprocess.run([sys.executable, "run.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "run.py demo" in answer.stdout
    assert "run.py test" in answer.stdout
