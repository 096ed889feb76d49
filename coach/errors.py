"""Every exception that coach raises on purpose.

CoachError
├── ConfigError       a setting is missing or wrong            (for the operator)
│   └── UnreachableError       it is right, and what it names cannot be reached
├── RulebookError     a rule, word class or override is wrong   (for the rule author)
│   └── MissingRulebookError   there is no such folder or pack  (for the operator)
├── PhrasebookError   a phrase is wrong                         (for the phrase author)
├── TranscriptError   a recorded call cannot be read            (for the analyst)
└── MessageError      a frame or request is malformed           (for the integrator)
"""

from __future__ import annotations

from dataclasses import dataclass


class CoachError(Exception):
    """Base class: one `except CoachError` at the edge turns any of them into a clear message."""


class ConfigError(CoachError):
    """A setting is missing or wrong."""


class UnreachableError(ConfigError):
    """What a setting names cannot be reached or opened now; the setting may be right."""


class TranscriptError(CoachError):
    """A recorded call cannot be read."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        """Render as `file:line:column: where: message`, which editors make clickable."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"


class _ProblemsError(CoachError):
    """All problems at once, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RulebookError(_ProblemsError):
    """A rule, word class or override is wrong; carries every problem found."""


class MissingRulebookError(RulebookError):
    """A folder or pack that was asked for is not there, or cannot be read: nothing is said of the rules."""


class PhrasebookError(_ProblemsError):
    """A phrase is wrong; carries every problem found."""


class MessageError(CoachError):
    """A frame or request is malformed.

    Attributes:
        code: machine-readable reason, one of the codes in docs/protocol.md.
        field: dotted path of the offending field, "" when the whole frame is meant.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        self.code = code
        self.field = field
        self.message = message
        super().__init__(message)


def exit_code(error: CoachError) -> int:
    """Return what a process leaves with: 2 when input, flag or setting is wrong, 1 when it could not be done."""
    wrong = isinstance(error, (ConfigError, MissingRulebookError, TranscriptError))
    return 2 if wrong and not isinstance(error, UnreachableError) else 1
