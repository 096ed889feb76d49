"""What a connector gives back, what it is told beforehand, and what each connector promises."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from coach.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.coaching.events import Speaker, Utterance
    from coach.connectors.state import State

Payload = dict[str, Any]

_MAX_ID: Final = 128
_NOT_IN_IDS: Final = re.compile(r"[\s/\x00-\x1f\x7f]+")
_ROLES: Final[dict[str, Speaker]] = {"agent": "agent", "customer": "customer", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Started:
    """The vendor says that a call begins. `agent_id` is "" when the vendor does not know it."""

    call_id: str
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A recogniser result, ours now: cumulative text, ms from the start of the call.

    Attributes:
        label: what the vendor calls the speaker, such as `channel=INTERNAL`; "" when it names none.
        hint: what to set so that an unknown speaker becomes known; "" when he is known.
    """

    utterance: Utterance
    label: str = ""
    hint: str = ""

    @property
    def call_id(self) -> str:
        """The call it belongs to."""
        return self.utterance.call_id


@dataclass(frozen=True, slots=True)
class Ended:
    """The vendor says that a call is over, `at_ms` from its start."""

    call_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something that changes nothing, and why; `hint` says what to set if it should have."""

    call_id: str
    why: str
    hint: str = ""


Incoming = Started | Heard | Ended | Ignored


@dataclass(frozen=True, slots=True)
class Options:
    """What the integrator says about a stream, because the vendor does not.

    Attributes:
        call_id: the call these events belong to; "" takes the vendor's own id.
        agent_id: whom to coach; "" when the call was started otherwise.
        speaker: who speaks in this stream, where a stream carries one side of the call.
        roles: the vendor's label of a speaker, in lower case, to his role.
        ends_call: whether the end of this stream is the end of the call; None: as is usual with the vendor.
        team: whose supervisors see the call; no vendor's transcript names a queue, so the address does.
        agent_name: how they know the agent.
    """

    call_id: str = ""
    agent_id: str = ""
    speaker: Speaker | None = None
    roles: Mapping[str, Speaker] = field(default_factory=dict)
    ends_call: bool | None = None
    team: str = ""
    agent_name: str = ""

    def speaker_of(self, label: str, *, known: Speaker | None = None) -> Speaker:
        """Return who speaks: as the integrator says, or else as the vendor documents it (`known`)."""
        return self.roles.get(label.casefold()) or self.speaker or known or "unknown"

    def call_of(self, vendor_id: str) -> str:
        """Return the id of the call; the vendor's own is made fit for the wire."""
        return self.call_id or clean_id(vendor_id)


class Connector(Protocol):
    """One vendor's events, read.

    `read` changes `state`, which belongs to one call; reading a payload again gives nothing but `Ignored`.
    Both raise MessageError when a payload is not what the vendor documents.
    """

    vendor: ClassVar[str]

    @property
    def options(self) -> Options:
        """What the integrator said."""

    def call_id(self, payload: Payload) -> str:
        """Return the id of the call a payload belongs to."""

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Turn one payload into what happened."""


def clean_id(text: str, *, limit: int = _MAX_ID) -> str:
    """Make a vendor's id one that may travel: no white space, no slash, at most `limit` characters."""
    text = _NOT_IN_IDS.sub(".", text.strip())
    if len(text) <= limit:
        return text
    # Cut ids stay different from each other.
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[: limit - 17]}.{digest}"


def hint_speaker() -> str:
    """Say what to set when a whole stream has nobody's name on it."""
    return "这一路是谁在说话厂商没有说：用 speaker=agent 或 speaker=customer 指明"


def hint_role(label: str) -> str:
    """Say what to set when the vendor's label does not tell the role."""
    return f"不知道“{label}”是谁：用 roles={label}:agent 或 roles={label}:customer 指明"


def read_roles(text: str, *, name: str) -> dict[str, Speaker]:
    """Read `LABEL:ROLE,LABEL:ROLE`; the last colon of a part divides it.

    Args:
        text: such as `0:customer,1:agent`.
        name: what the setting is called in an error.

    Raises:
        MessageError: `invalid_field`.
    """
    roles: dict[str, Speaker] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        label, colon, role = part.rpartition(":")
        speaker = _ROLES.get(role.strip().lower())
        if not colon or not label.strip() or speaker is None:
            raise MessageError(
                "invalid_field",
                f"{name}: 收到 {part.strip()!r}，应为“标签:角色”，角色是 agent、customer 或 unknown，如 0:customer,1:agent",
                field=name,
            )
        roles[label.strip().casefold()] = speaker
    return roles


def read_speaker(text: str, *, name: str) -> Speaker:
    """Read a role.

    Raises:
        MessageError: `invalid_field`.
    """
    speaker = _ROLES.get(text.strip().lower())
    if speaker is None:
        raise MessageError(
            "invalid_field", f"{name}: 收到 {text!r}，应为 agent、customer 或 unknown", field=name
        )
    return speaker
