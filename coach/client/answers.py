"""What the service answers over HTTP, as types (docs/protocol.md, section 4)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from coach.client.messages import (  # noqa: TC001 - pydantic reads the annotations
    Error,
    Severity,
    Speaker,
    Suggestion,
    Verdict,
)


class Answer(BaseModel):
    """Something the service answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Hit(Answer):
    """A rule found in a text. Offsets are characters (code points)."""

    rule: str
    category: str
    severity: Severity
    start: int
    end: int
    text: str
    by_sound: bool
    suggestions: tuple[str, ...]
    why: str


class Checked(Answer):
    """What was found in one text; `id` is the one sent with it."""

    id: str = ""
    categories: tuple[str, ...]
    hits: tuple[Hit, ...]


class CheckOne(Checked):
    """The answer for one text."""

    digest: str


class CheckMany(Answer):
    """The answer for many utterances, in their order."""

    digest: str
    results: tuple[Checked, ...]


class Token(Answer):
    """A sidebar token for one agent."""

    token: str
    agent_id: str
    expires_at: datetime


class UserToken(Answer):
    """A token for a supervisor, reviewer or administrator."""

    token: str
    user_id: str
    role: str
    expires_at: datetime


class Taken(Answer):
    """What became of a batch of events: the last seq on disk, and what was refused."""

    acked: int
    errors: tuple[Error, ...]


class CallRow(Answer):
    """One call in a list. `live`: it is in memory and goes on."""

    call_id: str
    agent_id: str
    started_at: datetime
    ended_ms: int | None
    live: bool


class CallPage(Answer):
    """A page of calls, youngest first; `next` is the cursor of the next page, null on the last."""

    calls: tuple[CallRow, ...]
    next: str | None


class StoredUtterance(Answer):
    """A final utterance."""

    utterance_id: str
    revision: int
    speaker: Speaker
    text: str
    start_ms: int
    end_ms: int


class StoredAdvice(Answer):
    """A card with what became of it; `feedback` has `verdict`, `used` and `dismissed` as far as given."""

    id: str
    call_id: str
    utterance_id: str
    rule: str
    category: str
    severity: Severity
    title: str
    quote: str
    start: int
    end: int
    suggestions: tuple[Suggestion, ...]
    why: str
    by_sound: bool
    at_ms: int
    digest: str
    outcome: Literal["adopted", "repaired", "repeated"] | None
    withdrawn: bool
    feedback: dict[str, str]


class StoredMoment(Answer):
    """Something that happened."""

    id: str
    utterance_id: str
    kind: str
    at_ms: int
    turn: int
    details: dict[str, Any]


class StoredWhisper(Answer):
    """What a supervisor told the agent; `read_at` is null while he has not taken note of it."""

    id: str
    text: str
    sender: str
    at: datetime
    read_at: datetime | None


class Call(Answer):
    """All that is stored of a call."""

    call_id: str
    agent_id: str
    agent_name: str = ""
    team: str | None = None
    started_at: datetime
    ended_ms: int | None
    seq: int
    utterances: tuple[StoredUtterance, ...]
    advice: tuple[StoredAdvice, ...]
    moments: tuple[StoredMoment, ...]
    whispers: tuple[StoredWhisper, ...] = ()


class Erased(Answer):
    """How much was deleted. `decisions`: those whose words were taken out; their verdicts stay."""

    calls: int
    utterances: int
    advice: int
    moments: int
    feedback: int
    snoozes: int
    whispers: int
    webhooks: int
    decisions: int


class Deleted(Answer):
    """What a deletion did.

    `running`: calls that go on and were left alone. `unconfirmed`: calls that were left alone because a worker of the
    service, which may have them in memory, did not answer; ask again. `reviews`: those whose files hold some of the
    calls still.
    """

    deleted: Erased
    running: tuple[str, ...]
    reviews: tuple[str, ...]
    unconfirmed: tuple[str, ...] = ()


class AuditEntry(Answer):
    """Who did what. `who` is the name of a key or person, "-" where nobody is known; `n` rises with time."""

    n: int
    at: datetime
    who: str
    role: str
    address: str
    # A newer service knows more of them.
    action: str
    target: str
    details: dict[str, Any]


class AuditPage(Answer):
    """A page of entries, youngest first; `next` is the cursor of the next page, null on the last."""

    entries: tuple[AuditEntry, ...]
    next: str | None


class Verdicted(Answer):
    """A verdict that was stored."""

    advice_id: str
    verdict: Verdict


class Rule(Answer):
    """A rule in force."""

    id: str
    category: str
    title: str
    severity: Severity
    status: str
    explain: str
    source: str


class Rules(Answer):
    """The rules in force; `stale` says why the files on disk are not."""

    digest: str
    stale: str | None
    rules: tuple[Rule, ...]


class RulesHealth(Answer):
    """Whether the rules on disk are in force."""

    digest: str
    stale: bool
    problem: str | None


class StoreHealth(Answer):
    """What is wrong with the store; null when nothing is."""

    problem: str | None


class Health(Answer):
    """How the process is."""

    status: str
    version: str
    rules: RulesHealth
    store: StoreHealth
    # Redis, between several workers.
    bus: StoreHealth
    # The file of tenants.
    tenants: StoreHealth
    calls: int
    connections: int


class Readiness(Answer):
    """Whether calls can be taken, and what is missing all the same."""

    ready: bool
    degraded: str | None = None


class Refusal(Answer):
    """Why something was refused."""

    code: str
    message: str
    field: str | None


class RefusedAnswer(Answer):
    """The shape of every HTTP error."""

    error: Refusal
