"""`coach check --calls --json`: recorded calls in, their categories and moments out, one JSON line each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from coach.coaching.privacy import Privacy
from coach.coaching.review_call import CallReviewer, RecordedTurn
from coach.errors import TranscriptError, json_cause

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO, TextIO

    from coach.coaching.events import Speaker
    from coach.coaching.review_call import CallReview
    from coach.rulebook.book import Rulebook

_SPEAKERS: Final[dict[str, Speaker]] = {
    "agent": "agent",
    "客服": "agent",
    "坐席": "agent",
    "座席": "agent",
    "customer": "customer",
    "客户": "customer",
    "用户": "customer",
    "顾客": "customer",
    "unknown": "unknown",
}
_EXPECTED: Final = '{"id": …, "turns": [{"speaker", "start_ms", "end_ms", "text"}]}'


def check_calls(
    lines: Iterable[bytes], output: BinaryIO, errors: TextIO, *, rulebook: Rulebook, masking: bool = True
) -> int:
    """Review calls given as JSON lines.

    Args:
        lines: `{"id", "turns": [{"speaker", "start_ms", "end_ms", "text"}]}` each; `started_at` (ISO 8601 local
            time) gives promises a due time, `slots.org` names the firm; whatever else a recording carries is its
            owner's business. Empty lines are passed over.
        output: gets `{"id", "categories", "moments"}` for each call, and `not_measurable` (kinds) when
            times were missing; flushed line by line.
        masking: personal data in the details of moments is masked.
        errors: gets one message for each line that cannot be read; the rest goes on.

    Returns:
        How many lines could not be read.
    """
    reviewer, privacy = CallReviewer(rulebook), Privacy(masked=masking)
    wrong = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            answer = _review(reviewer, line, privacy)
        except TranscriptError as error:
            wrong += 1
            print(f"第 {number} 行：{error}", file=errors)
            continue
        output.write(orjson.dumps(answer) + b"\n")
        output.flush()
    return wrong


def _review(reviewer: CallReviewer, line: bytes, privacy: Privacy) -> dict[str, Any]:
    call = _read_object(line)
    identity = call.get("id")
    if not isinstance(identity, str | int) or isinstance(identity, bool):
        raise TranscriptError("id: 缺少，或不是文字或整数")
    turns = call.get("turns")
    if not isinstance(turns, list):
        raise TranscriptError("turns: 缺少，或不是数组")
    review = reviewer.review(
        str(identity),
        [_read_turn(turn, f"turns.{index}") for index, turn in enumerate(turns)],
        started_at=_read_time(call.get("started_at")),
        org=_read_org(call.get("slots")),
    )
    return _render(identity, review, privacy)


def _render(identity: str | int, review: CallReview, privacy: Privacy) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": identity,
        "categories": review.categories,
        "moments": [
            {
                "kind": moment.kind,
                "at_ms": moment.at_ms,
                "turn": moment.turn,
                "details": dict(moment.details),
            }
            for moment in map(privacy.moment, review.moments)
        ],
    }
    if review.not_measurable:
        answer["not_measurable"] = review.not_measurable
    return answer


def _read_object(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise TranscriptError(f"不是 JSON：第 {error.colno} 个字符 {json_cause(error.msg)}") from error
    if not isinstance(value, dict):
        raise TranscriptError(f"收到 {type(value).__name__}，应为 {_EXPECTED}")
    return value


def _read_turn(value: object, where: str) -> RecordedTurn:
    if not isinstance(value, dict):
        raise TranscriptError(f"{where}: 收到 {type(value).__name__}，应为对象")
    spoken = value.get("speaker")
    speaker = _SPEAKERS.get(spoken) if isinstance(spoken, str) else None
    if speaker is None:
        raise TranscriptError(f"{where}.speaker: 收到 {spoken!r}，应为 {'、'.join(_SPEAKERS)} 之一")
    text = value.get("text")
    if not isinstance(text, str):
        raise TranscriptError(f"{where}.text: 收到 {text!r}，应为文字")
    return RecordedTurn(
        speaker,
        text,
        start_ms=_read_ms(value.get("start_ms"), f"{where}.start_ms"),
        end_ms=_read_ms(value.get("end_ms"), f"{where}.end_ms"),
    )


def _read_ms(value: object, where: str) -> int:
    """Read a time; without one (missing or null) what needs times is not judged."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TranscriptError(f"{where}: 收到 {value!r}，应为毫秒数")
    return int(value)


def _read_time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise TranscriptError(f"started_at: 收到 {value!r}，应为 2026-01-05T09:30:00 这样的时间") from error


def _read_org(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, dict) or not isinstance(value.get("org", ""), str):
        raise TranscriptError("slots: 应为文字到文字的对象")
    return str(value.get("org", ""))
