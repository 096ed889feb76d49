"""What a review runs with: rules, scorecard and options, in a form that every worker process can load."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coach.coaching.review_call import CallReviewer
from coach.coaching.scorecard_file import load_scorecard
from coach.review.judge import Judge
from coach.rulebook.book import load_rulebook
from coach.rulebook.proof import prove
from coach.transcripts.model import ReadOptions

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from coach.rulebook.book import Rulebook


@dataclass(frozen=True, slots=True)
class RuleFolders:
    """Where a rule book lies. `overrides` None: beside the rules."""

    rules: Path
    phrasebook: Path
    packs: tuple[str, ...] = ()
    overrides: Path | None = None

    def load(self) -> Rulebook:
        """Load the rule book without running its examples.

        Raises:
            RulebookError, PhrasebookError: with every problem found.
        """
        return load_rulebook(
            rules_dir=self.rules,
            phrasebook_dir=self.phrasebook,
            packs=self.packs,
            overrides=self.overrides,
            check_examples=False,
        )


@dataclass(frozen=True, slots=True)
class ReviewSetup:
    """Everything that decides what a review finds. Picklable.

    Attributes:
        scorecard: the card's file.
        old: the rules to compare with, None when nothing is compared.
        masked: personal data is masked in everything that is written.
        since: calls that began earlier are passed over; local time.
        read: how transcripts are read.
    """

    folders: RuleFolders
    scorecard: Path
    old: RuleFolders | None = None
    masked: bool = True
    since: datetime | None = None
    read: ReadOptions = field(default_factory=ReadOptions)

    def prove(self, proven: Path) -> None:
        """Run the examples of the rules, unless `proven` says that these very rules passed them before.

        Raises:
            RulebookError, PhrasebookError: with every problem found.
        """
        prove(self.folders.load(), remembered=proven)

    def judge(self) -> Judge:
        """Load rules and scorecard; what each worker process does, so the examples are not run.

        Raises:
            RulebookError, PhrasebookError: with every problem found.
        """
        book = self.folders.load()
        return Judge(
            CallReviewer(book),
            load_scorecard(self.scorecard, book=book, rules_dir=self.folders.rules),
            old=CallReviewer(self.old.load()) if self.old is not None else None,
            masked=self.masked,
        )
