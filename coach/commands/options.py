"""Options several commands share, and what they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach import shipped

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook

RulesDir = Annotated[
    Path | None,
    typer.Option("--rules", envvar="COACH_RULES_DIR", help="规则目录，默认随包规则。", show_envvar=True),
]
PhrasebookDir = Annotated[
    Path | None,
    typer.Option("--phrasebook", envvar="COACH_PHRASEBOOK_DIR", help="话术目录，默认随包话术。"),
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON，供程序读取。")]


def load_book(rules: Path | None, phrasebook: Path | None, *, check_examples: bool) -> Rulebook:
    """Load the rule book the options name.

    Raises:
        RulebookError, PhrasebookError: with every problem found.
    """
    from coach.rulebook.book import load_rulebook  # noqa: PLC0415 - a quarter of a second

    return load_rulebook(
        rules_dir=rules or shipped.rules_dir(),
        phrasebook_dir=phrasebook or shipped.phrasebook_dir(),
        check_examples=check_examples,
    )
