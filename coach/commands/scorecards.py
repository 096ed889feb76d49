"""Scorecards of the command line: which one a review uses, and what `coach rules lint` says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach import shipped
from coach.coaching.scorecard_file import FOLDER, find_scorecard, load_scorecard, unscored
from coach.errors import RulebookError
from coach.rulebook.lint import LintFinding

if TYPE_CHECKING:
    from pathlib import Path

    from coach.coaching.scorecard import Scorecard
    from coach.rulebook.book import Rulebook


def load_card(scorecard: Path | None, rules: Path | None, book: Rulebook) -> Scorecard:
    """Load the card that --scorecard names, or the default one of the rules.

    Raises:
        RulebookError: with every problem of the card.
    """
    folder = rules or shipped.rules_dir()
    path = scorecard or find_scorecard(folder, shipped.rules_dir())
    return load_scorecard(path, book=book, rules_dir=folder)


def lint_scorecards(rules: Path | None, book: Rulebook) -> list[LintFinding]:
    """Check every card of a rule book; the empty list means that there is nothing to mend."""
    folder = rules or shipped.rules_dir()
    categories = {rule.category for rule in book.rules if rule.speaker != "customer"}
    findings: list[LintFinding] = []
    for path in sorted((folder / FOLDER).glob("*.yml")):
        try:
            card = load_scorecard(path, book=book, rules_dir=folder)
        except RulebookError as error:
            findings += [
                LintFinding("error", f"{each.file}:{each.line}:{each.column}: {each.where}", each.message)
                for each in error.problems
            ]
            continue
        findings += [
            LintFinding("warning", f"rules/{FOLDER}/{path.name}", f"类别 {name} 没有计分项，命中了也不扣分")
            for name in unscored(card, categories)
        ]
    return findings
