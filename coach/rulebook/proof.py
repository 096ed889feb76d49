"""Which rule books have passed their examples: running them all takes seconds, and starting again need not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from coach import __version__
from coach.errors import RulebookError
from coach.rulebook.examples import check_examples

if TYPE_CHECKING:
    from pathlib import Path

    from coach.rulebook.book import Rulebook

# The digest of rules/ and phrasebook/ as they are shipped. The test suite runs each of their examples, and fails
# while another digest stands here.
SHIPPED: Final = "21c063589049"


def prove(rulebook: Rulebook, *, remembered: Path | None) -> None:
    """Run the examples of a rule book, unless these very files have passed them under this version.

    Args:
        remembered: a file that says which passed last, and is written; None remembers nothing.

    Raises:
        RulebookError: with every example that fails.
    """
    proof = f"{__version__} {rulebook.digest}"
    if rulebook.digest == SHIPPED or _recall(remembered) == proof:
        return
    if problems := check_examples(rulebook):
        raise RulebookError(problems)
    if remembered is not None:
        # Only saves time: a folder that cannot be written is reported by those who need it.
        with contextlib.suppress(OSError):
            remembered.parent.mkdir(parents=True, exist_ok=True)
            remembered.write_text(proof, encoding="ascii")


def _recall(remembered: Path | None) -> str:
    try:
        return remembered.read_text(encoding="ascii") if remembered is not None else ""
    except (OSError, ValueError):
        return ""
