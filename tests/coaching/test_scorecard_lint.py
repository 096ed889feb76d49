"""`coach rules lint` reads the scorecards too."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from coach.cli import app
from coach.coaching.scorecard_file import find_scorecard, load_scorecard
from coach.commands.scorecards import lint_scorecards
from coach.rulebook.book import load_rulebook
from coach.shipped import phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coach.rulebook.book import Rulebook


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a copy of the shipped rules."""
    return shutil.copytree(rules_dir(), tmp_path / "rules")


CARD = """\
version: 1
title: 测试评分卡
passing: 90
items:
  - {id: ignorance, title: 推说不知道, categories: [ignorance], points: -5}
  - {id: speech, title: 语速, moments: [fast-talk], points: -1}
"""


def test_a_wrong_card_fails_the_lint(make_rulebook: Callable[..., Rulebook], tmp_path: Path) -> None:
    """A misspelt kind in a card: exit code 1, with file, line and column."""
    make_rulebook()
    card = tmp_path / "rules" / "scorecards" / "default.yml"
    card.parent.mkdir()
    places = ("--rules", str(tmp_path / "rules"), "--phrasebook", str(tmp_path / "phrasebook"))
    for kind, code in (("fast-speech", 0), ("fast-talk", 1)):
        card.write_text(CARD.replace("fast-talk", kind), "utf-8")
        result = CliRunner().invoke(app, ["rules", "lint", "--errors", *places])
        assert result.exit_code == code, result.output
    assert "rules/scorecards/default.yml:6:" in result.output
    assert "'fast-talk'" in result.output


def test_a_category_without_points_is_a_warning(rules: Path) -> None:
    """A card may pass over a category, but lint says so."""
    (rules / "scorecards" / "small.yml").write_text(
        "version: 1\ntitle: 只看拒绝\npassing: 90\nitems:\n"
        "  - {id: refusal, title: 拒绝, categories: [refusal], points: -5}\n",
        "utf-8",
    )
    book = load_rulebook(rules_dir=rules, phrasebook_dir=phrasebook_dir(), check_examples=False)
    findings = lint_scorecards(rules, book)
    assert {finding.level for finding in findings} == {"warning"}
    assert any("类别 rude 没有计分项" in finding.message for finding in findings)


def test_a_site_without_packs_is_scored_by_the_shipped_card(rules: Path) -> None:
    """The card names the packs that lie beside it, and not only those of the rules in force."""
    shutil.rmtree(rules / "packs")
    shutil.rmtree(rules / "scorecards")
    book = load_rulebook(rules_dir=rules, phrasebook_dir=phrasebook_dir(), check_examples=False)
    card = load_scorecard(find_scorecard(rules, rules_dir()), book=book, rules_dir=rules)
    assert "insurance" in frozenset[str]().union(*(item.categories for item in card.items))
