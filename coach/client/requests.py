"""What a client may ask over HTTP, each described once: method, path, body, and the type of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ValidationError

from coach.client.answers import (
    Call,
    CallPage,
    CheckMany,
    CheckOne,
    Health,
    RefusedAnswer,
    Taken,
    Token,
    UserToken,
    Verdicted,
)
from coach.client.errors import ClientError, RefusedError, UnreachableError
from coach.client.messages import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coach.client.window import Message

__all__ = ["Ask", "UserRole", "Verdict"]

UserRole = Literal["supervisor", "reviewer", "admin"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_OK: Final = 200
_FAILED: Final = 500
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Ask(Generic[AnswerT]):
    """One request."""

    method: str
    path: str
    answer: type[AnswerT]
    body: bytes | None = None
    query: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of this request."""
        return {} if self.body is None else {"Content-Type": "application/json"}


def headers(key: str | None) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})


def check(text: str, *, speaker: str) -> Ask[CheckOne]:
    """Ask for the hits of one text."""
    return _post("/v1/check", {"text": text, "speaker": speaker}, CheckOne)


def check_many(texts: Sequence[str], *, speaker: str) -> Ask[CheckMany]:
    """Ask for the hits of many texts."""
    lines = [{"id": str(index), "text": text, "speaker": speaker} for index, text in enumerate(texts)]
    return _post("/v1/check", {"utterances": lines}, CheckMany)


def events(call_id: str, batch: list[Message]) -> Ask[Taken]:
    """Send events of one call."""
    return _post(f"/v1/calls/{quote(call_id, safe='')}/events", {"events": batch}, Taken)


def calls(*, agent_id: str | None, live: bool | None, limit: int | None, cursor: str | None) -> Ask[CallPage]:
    """Ask for a page of calls."""
    query = {"limit": str(_PAGE if limit is None else min(_PAGE, limit))}
    if agent_id is not None:
        query["agent_id"] = agent_id
    if live is not None:
        query["live"] = str(live).lower()
    if cursor is not None:
        query["cursor"] = cursor
    return Ask("GET", "/v1/calls", CallPage, query=query)


def call(call_id: str) -> Ask[Call]:
    """Ask for one call."""
    return Ask("GET", f"/v1/calls/{quote(call_id, safe='')}", Call)


def give_feedback(advice_id: str, *, verdict: Verdict) -> Ask[Verdicted]:
    """Store a verdict."""
    return _post(f"/v1/advice/{quote(advice_id, safe='')}/feedback", {"verdict": verdict}, Verdicted)


def mint_token(agent_id: str, *, ttl_s: int) -> Ask[Token]:
    """Ask for a sidebar token."""
    return _post("/v1/tokens", {"agent_id": agent_id, "ttl_s": ttl_s}, Token)


def mint_user_token(user_id: str, *, role: UserRole, teams: Iterable[str], ttl_s: int) -> Ask[UserToken]:
    """Ask for a token for somebody who is no agent."""
    body: dict[str, Any] = {"user_id": user_id, "role": role, "ttl_s": ttl_s}
    return _post("/v1/tokens", {**body, "teams": list(teams)} if role == "supervisor" else body, UserToken)


def health() -> Ask[Health]:
    """Ask how the service is."""
    return Ask("GET", "/healthz", Health)


def read(ask: Ask[AnswerT], status: int, body: bytes) -> AnswerT:
    """Read the answer to a request.

    Raises:
        RefusedError: the service said no.
        UnreachableError: it, or a proxy before it, is in trouble; asking again may help.
        ClientError: the answer is not what coach answers.
    """
    if status == _OK:
        try:
            return ask.answer.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ClientError(f"{ask.method} {ask.path}: 答复不符合协议：{where}: {first['msg']}") from error
    try:
        refusal = RefusedAnswer.model_validate_json(body).error
    except ValidationError as error:
        kind = UnreachableError if status >= _FAILED else ClientError
        raise kind(f"{ask.method} {ask.path}: HTTP {status}，答复不是 coach 的；地址对吗？") from error
    raise RefusedError(refusal.code, refusal.message, field=refusal.field or "", status=status)


def _post(path: str, body: dict[str, Any], answer: type[AnswerT]) -> Ask[AnswerT]:
    return Ask("POST", path, answer, body=orjson.dumps(body))
