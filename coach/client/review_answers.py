"""What the service answers about reviews of recorded calls, as types (docs/protocol.md, section 6)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal

from coach.client.answers import Answer
from coach.client.decision_answers import Decision  # noqa: TC001 - pydantic reads the annotations
from coach.client.messages import Severity, Speaker  # noqa: TC001 - as above


class ReviewOptions(Answer):
    """How the transcripts are read and the report is written; "" where nothing was said."""

    agent_is: tuple[str, ...]
    customer_is: tuple[str, ...]
    format: str
    encoding: str
    since: str
    anonymous: bool
    lang: str


class SpeakerLabel(Answer):
    """A speaker that nobody mapped yet, and the first things he says; `asks`: who it is asked whether he is."""

    label: str
    asks: Speaker
    says: tuple[str, ...]


class Recognised(Answer):
    """How one file would be read. `partly`: only its first calls were looked at."""

    file: str
    format: str
    layout: str
    encoding: str
    calls: int
    turns: int
    speakers: dict[str, int]
    rejects: int
    problems: tuple[str, ...]
    partly: bool
    labels: tuple[SpeakerLabel, ...]


class ReviewProgress(Answer):
    """How far a review is; `done` from 0 to 1."""

    calls: int
    rejects: int
    done: float
    calls_per_second: float | None
    seconds_left: float | None


class Review(Answer):
    """One review. `files` are the first hundred of `file_count`; `size` is in bytes.

    `look` is there once somebody has looked, `summary` and `downloads` once it is finished; `problem` says why it
    failed.
    """

    id: str
    state: Literal["received", "queued", "running", "finished", "failed", "cancelled"]
    title: str
    folder: str | None
    files: tuple[str, ...]
    file_count: int
    size: int
    created_at: datetime
    changed_at: datetime
    options: ReviewOptions
    problem: str | None
    look: tuple[Recognised, ...] | None
    progress: ReviewProgress | None
    summary: dict[str, Any] | None
    downloads: tuple[str, ...]

    @property
    def over(self) -> bool:
        """Tell whether it is finished, failed or cancelled."""
        return self.state in {"finished", "failed", "cancelled"}


class ReviewLimits(Answer):
    """What may be sent. `keep_days`: 0 keeps reviews for ever; `folder`: whether folders can be reviewed."""

    upload_bytes: int
    upload_files: int
    kept: int
    keep_days: int
    folder: bool


class ReviewList(Answer):
    """The reviews that are kept, youngest first."""

    reviews: tuple[Review, ...]
    limits: ReviewLimits


class ReviewLink(Answer):
    """An address, below that of the service, that a browser opens without a key for a minute."""

    url: str
    expires_at: datetime


class ReviewHit(Answer):
    """A hit to judge. `agent` is a code unless the review names agents; `decision` what was decided so far."""

    n: int
    call_id: str
    agent: str
    turn: int
    rule: str
    category: str
    title: str
    severity: Severity
    start: int
    end: int
    at_ms: int
    text: str
    said: str
    before: str
    suggestion: str
    digest: str
    decision: Decision | None


class RuleCount(Answer):
    """How often a rule fired in a review."""

    rule: str
    title: str
    count: int


class ReviewHitPage(Answer):
    """A page of hits in the order of the results; `rules` on the first page only."""

    hits: tuple[ReviewHit, ...]
    next: int | None
    rules: tuple[RuleCount, ...] = ()


class ReviewedMark(Answer):
    """A stretch of a turn that a rule found, in characters."""

    start: int
    end: int
    severity: Severity
    rule: str


class ReviewedTurn(Answer):
    """One turn, masked unless the service does not mask."""

    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int
    marks: tuple[ReviewedMark, ...]


class ReviewedHit(Answer):
    """One fault of the agent; `turn` counts from 0, `start` and `end` are characters of its text."""

    rule: str
    category: str
    title: str
    severity: Severity
    turn: int
    start: int
    end: int
    text: str
    at_ms: int
    by_sound: bool
    suggestion: str


class ReviewedMoment(Answer):
    """Something that happened; docs/moments.md has the kinds and their details."""

    kind: str
    at_ms: int
    turn: int
    details: dict[str, Any]


class ScoreLine(Answer):
    """One line of a score; `hits` and `moments` are indexes into those of the call."""

    item: str
    title: str
    points: float
    count: int
    hits: tuple[int, ...]
    moments: tuple[int, ...]


class Score(Answer):
    """The score of a call; `fatal` names the line that failed it, null when none did."""

    points: float
    passed: bool
    fatal: str | None
    items: tuple[ScoreLine, ...]


class Adoption(Answer):
    """What became of the faults later in the call."""

    advised: int
    adopted: int
    repaired: int
    repeated: int


class Origin(Answer):
    """Where a call was read; lines count from 1."""

    file: str
    line: int


class ReviewedCall(Answer):
    """The result of one call, a line of results.jsonl (docs/review.md). `started_at` is local time."""

    id: str
    source: Origin
    agent_id: str
    team: str
    started_at: datetime | None
    duration_ms: int
    turns: tuple[ReviewedTurn, ...]
    agent_turns: int
    score: Score
    categories: tuple[str, ...]
    hits: tuple[ReviewedHit, ...]
    moments: tuple[ReviewedMoment, ...]
    adoption: Adoption
    signals: tuple[str, ...]
    not_measurable: tuple[str, ...]
    digest: str
