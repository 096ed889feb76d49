"""The result record: written as a line, read again the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
import pytest

from coach.coaching.moment import Moment
from coach.coaching.scorecard import CallScore, ScoreItem
from coach.errors import TranscriptError
from coach.review.result import (
    Adoption,
    CallResult,
    Origin,
    ResultHit,
    ResultTurn,
    TurnMark,
    read_results,
    result_from_json,
)

if TYPE_CHECKING:
    from pathlib import Path

RESULT = CallResult(
    id="c-1",
    source=Origin("calls.jsonl", 3),
    agent_id="8012",
    team="二组",
    started_at=datetime.fromisoformat("2026-11-20T09:30:00"),
    duration_ms=4_000,
    turns=(
        ResultTurn("customer", "怎么还没到", 0, 2_000),
        ResultTurn("agent", "这个我不知道", 2_000, 4_000, (TurnMark(2, 6, "warning", "ignorance/bare"),)),
    ),
    agent_turns=1,
    score=CallScore(95.0, True, None, (ScoreItem("ignorance", "推说不知道", -5.0, 1, hits=(0,)),)),
    categories=("ignorance",),
    hits=(
        ResultHit(
            "ignorance/bare",
            "ignorance",
            "换个说法",
            "warning",
            1,
            2,
            6,
            "我不知道",
            4_000,
            False,
            "我查一下",
        ),
    ),
    moments=(Moment("missing-closing", 4_000, 1, {"missing": ["致谢"]}),),
    adoption=Adoption(advised=1),
    signals=("urgency",),
    not_measurable=(),
    digest="0123456789ab",
)
KEYS = (
    "id source agent_id team started_at duration_ms turns agent_turns score categories hits moments adoption "
    "signals not_measurable digest"
)


def test_a_result_survives_its_line() -> None:
    """What is written is read again as the same value."""
    assert result_from_json(RESULT.as_json()) == RESULT


def test_a_call_without_a_date_survives_its_line() -> None:
    """`started_at` is null when nobody knows it."""
    undated = replace(RESULT, started_at=None)
    assert result_from_json(undated.as_json()) == undated


def test_every_key_is_always_written() -> None:
    """Readers need not ask whether a key is there."""
    assert list(orjson.loads(RESULT.as_json())) == KEYS.split()


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """A line that is no result stops the reading with file and line."""
    path = tmp_path / "results.jsonl"
    path.write_bytes(RESULT.as_json() + b'\n{"id": 1}\n')
    with pytest.raises(TranscriptError, match=r"results\.jsonl:2: 不是一条质检结果"):
        list(read_results(path))
