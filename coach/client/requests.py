"""What a client may ask over HTTP, each described once: method, path, body, and the type of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any, Final, Generic, Literal, TypedDict, TypeVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ValidationError

from coach.client.answers import (
    AuditPage,
    Call,
    CallPage,
    CheckMany,
    CheckOne,
    Deleted,
    Health,
    Readiness,
    RefusedAnswer,
    Rules,
    Taken,
    Token,
    UserToken,
    Verdicted,
)
from coach.client.errors import ClientError, RefusedError, UnreachableError
from coach.client.messages import Verdict
from coach.client.paging import Paging

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

__all__ = ["Ask", "AuditFilter", "UserRole", "Verdict"]

UserRole = Literal["supervisor", "reviewer", "admin"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)
# A name, and what is in the file.
Uploaded = tuple[str, IO[bytes] | bytes]

METRICS: Final = "/metrics"

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_OK: Final = frozenset({200, 201})
_FAILED: Final = 500
_NOT_READY: Final = 503
# Rows of a page: as many as the service gives.
_CALLS: Final = 200
_ENTRIES: Final = 1000


class AuditFilter(TypedDict, total=False):
    """Which entries of the audit log: from `since` on, before `until`, of one person, action or target.

    A day, or a time without a zone, is the service's. A target has its kind before it, such as `call:c1`.
    """

    since: date
    until: date
    who: str
    action: str
    target: str


@dataclass(frozen=True, slots=True)
class Ask(Generic[AnswerT]):
    """One request."""

    method: str
    path: str
    answer: type[AnswerT]
    body: bytes | None = None
    query: dict[str, str] = field(default_factory=dict)
    idempotency_key: str = ""
    # Statuses with which the answer comes, too.
    also: frozenset[int] = frozenset()
    # A form in place of a body.
    files: tuple[Uploaded, ...] = ()
    fields: dict[str, str | list[str]] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of this request."""
        found = {} if self.body is None else {"Content-Type": "application/json"}
        return found | ({"Idempotency-Key": self.idempotency_key} if self.idempotency_key else {})


def headers(key: str | None) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})


def check(text: str, *, speaker: str) -> Ask[CheckOne]:
    """Ask for the hits of one text."""
    return post("/v1/check", {"text": text, "speaker": speaker}, CheckOne)


def check_many(texts: Sequence[str], *, speaker: str) -> Ask[CheckMany]:
    """Ask for the hits of many texts."""
    lines = [{"id": str(index), "text": text, "speaker": speaker} for index, text in enumerate(texts)]
    return post("/v1/check", {"utterances": lines}, CheckMany)


def events(call_id: str, batch: Sequence[Mapping[str, Any]], *, key: str | None = None) -> Ask[Taken]:
    """Send events of one call; the same batch with the same key is taken once.

    Raises:
        RefusedError: the key cannot be one.
    """
    if key is not None and not _KEY.fullmatch(key):
        message = f"Idempotency-Key: 收到 {key[:40]!r}，应为 1 到 255 个可见 ASCII 字符"
        raise RefusedError("invalid_field", message, field="Idempotency-Key")
    ask = post(f"/v1/calls/{segment(call_id=call_id)}/events", {"events": list(batch)}, Taken)
    return replace(ask, idempotency_key=key or "")


def calls(*, agent_id: str | None, live: bool | None, limit: int | None) -> Paging[CallPage]:
    """Ask for the pages of calls."""
    query: dict[str, str] = {}
    if agent_id is not None:
        query["agent_id"] = agent_id
    if live is not None:
        query["live"] = str(live).lower()
    return Paging(Ask("GET", "/v1/calls", CallPage, query=query), most=_CALLS, limit=limit)


def call(call_id: str) -> Ask[Call]:
    """Ask for one call."""
    return Ask("GET", f"/v1/calls/{segment(call_id=call_id)}", Call)


def delete_call(call_id: str) -> Ask[Deleted]:
    """Delete one call."""
    return Ask("DELETE", f"/v1/calls/{segment(call_id=call_id)}", Deleted)


def delete_customer(customer_id: str) -> Ask[Deleted]:
    """Delete the calls of one customer."""
    return Ask("DELETE", f"/v1/customers/{segment(customer_id=customer_id)}", Deleted)


def audit(
    *,
    limit: int | None,
    since: date | None = None,
    until: date | None = None,
    who: str = "",
    action: str = "",
    target: str = "",
) -> Paging[AuditPage]:
    """Ask for the pages of the audit log; `AuditFilter` describes the fields."""
    query = {
        "since": "" if since is None else since.isoformat(),
        "until": "" if until is None else until.isoformat(),
        "who": who,
        "action": action,
        "target": target,
    }
    wanted = {name: value for name, value in query.items() if value}
    return Paging(Ask("GET", "/v1/audit", AuditPage, query=wanted), most=_ENTRIES, limit=limit)


def give_feedback(advice_id: str, *, verdict: Verdict) -> Ask[Verdicted]:
    """Store a verdict."""
    return post(f"/v1/advice/{segment(advice_id=advice_id)}/feedback", {"verdict": verdict}, Verdicted)


def mint_token(agent_id: str, *, ttl_s: int) -> Ask[Token]:
    """Ask for a sidebar token."""
    return post("/v1/tokens", {"agent_id": agent_id, "ttl_s": ttl_s}, Token)


def mint_user_token(user_id: str, *, role: UserRole, teams: Iterable[str], ttl_s: int) -> Ask[UserToken]:
    """Ask for a token for somebody who is no agent."""
    body: dict[str, Any] = {"user_id": user_id, "role": role, "ttl_s": ttl_s}
    return post("/v1/tokens", {**body, "teams": list(teams)} if role == "supervisor" else body, UserToken)


def rules() -> Ask[Rules]:
    """Ask for the rules in force."""
    return Ask("GET", "/v1/rules", Rules)


def health() -> Ask[Health]:
    """Ask how the service is."""
    return Ask("GET", "/healthz", Health)


def readiness() -> Ask[Readiness]:
    """Ask whether calls can be taken."""
    return Ask("GET", "/readyz", Readiness, also=frozenset({_NOT_READY}))


def read(ask: Ask[AnswerT], status: int, body: bytes) -> AnswerT:
    """Read the answer to a request.

    Raises:
        RefusedError: the service said no.
        UnreachableError: it, or a proxy before it, is in trouble; asking again may help.
        ClientError: the answer is not what coach answers.
    """
    what = f"{ask.method} {ask.path}"
    if status in _OK or status in ask.also:
        return read_as(ask.answer, body, what=what)
    raise refusal(what, status, body)


def read_as(answer: type[AnswerT], body: bytes, *, what: str) -> AnswerT:
    """Read one JSON object; `what` was asked, for the error.

    Raises:
        ClientError: it is not what coach answers.
    """
    try:
        return answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ClientError(f"{what}: 答复不符合协议：{where}: {first['msg']}") from error


def refusal(what: str, status: int, body: bytes) -> ClientError:
    """Return the error that an answer stands for."""
    try:
        told = RefusedAnswer.model_validate_json(body).error
    except ValidationError:
        kind = UnreachableError if status >= _FAILED else ClientError
        return kind(f"{what}: HTTP {status}，答复不是 coach 的；地址对吗？")
    return RefusedError(told.code, told.message, field=told.field or "", status=status)


def segment(**ids: str) -> str:
    """Encode one id as a segment of a path.

    Raises:
        RefusedError: it is empty; the path would be another one.
    """
    ((name, value),) = ids.items()
    if not value:
        raise RefusedError("invalid_field", f"{name}: 收到空的编号，应为至少 1 个字符", field=name)
    # As they are, these lead to another path, too.
    return value.replace(".", "%2E") if value in {".", ".."} else quote(value, safe="")


def post(path: str, body: Mapping[str, Any], answer: type[AnswerT]) -> Ask[AnswerT]:
    """Ask with a JSON body."""
    return Ask("POST", path, answer, body=orjson.dumps(body))
