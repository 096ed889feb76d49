"""Calls, hits, moments and commitments as flat rows: one definition for workbook, CSV and Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import orjson

from coach.review.tables import promise_of, wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.coaching.moment import Detail
    from coach.review.names import AgentNames
    from coach.review.result import CallResult, ResultHit

# text: words · id: a name that is no number even if it looks like one · category, kind, severity, motive: a key with a
# title in each language · keys: several categories or kinds · index: from 0 · ms: milliseconds ·
# details: JSON
CellKind = Literal[
    "text",
    "id",
    "category",
    "kind",
    "severity",
    "motive",
    "keys",
    "index",
    "count",
    "number",
    "ms",
    "time",
    "flag",
    "details",
]
Value = str | int | float | bool | datetime | tuple[str, ...] | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in files, its title in the workbook (Chinese, English), its kind and width (characters)."""

    name: str
    titles: tuple[str, str]
    kind: CellKind
    width: int = 12


_CALL = (
    Column("call_id", ("通话", "Call"), "id", 22),
    Column("started_at", ("开始时间", "Started"), "time", 17),
    Column("agent", ("坐席", "Agent"), "id", 12),
    Column("team", ("班组", "Team"), "id", 12),
)
CALLS = (
    *_CALL,
    Column("duration_ms", ("时长", "Duration"), "ms", 9),
    Column("points", ("分数", "Points"), "number", 8),
    Column("passed", ("及格", "Passed"), "flag", 7),
    Column("fatal", ("一票否决项", "Fatal item"), "text", 14),
    Column("agent_turns", ("坐席句数", "Agent turns"), "count", 9),
    Column("faulty_turns", ("问题句数", "Faulty turns"), "count", 9),
    Column("hits", ("命中", "Hits"), "count", 7),
    Column("violations", ("违规", "Violations"), "count", 7),
    Column("categories", ("问题类别", "Categories"), "keys", 28),
    Column("signals", ("客户信号", "Signals"), "keys", 22),
    Column("commitments", ("承诺", "Commitments"), "count", 7),
    Column("vague_commitments", ("没说清时间", "Vague"), "count", 11),
    Column("advised", ("可提示", "Advice due"), "count", 8),
    Column("adopted", ("说出建议", "Adopted"), "count", 9),
    Column("repaired", ("自行补救", "Repaired"), "count", 9),
    Column("repeated", ("再次出现", "Repeated"), "count", 9),
    Column("not_measurable", ("无法判断", "Not measurable"), "keys", 16),
    Column("file", ("来源文件", "File"), "text", 28),
    Column("line", ("行", "Line"), "count", 7),
    Column("rule_set", ("规则集", "Rule set"), "id", 14),
)
HITS = (
    *_CALL,
    Column("turn", ("第几句", "Turn"), "index", 7),
    Column("at_ms", ("时间点", "At"), "ms", 9),
    Column("category", ("类别", "Category"), "category", 16),
    Column("title", ("规则", "Rule"), "text", 20),
    Column("severity", ("程度", "Severity"), "severity", 8),
    Column("text", ("命中的话", "Words"), "text", 20),
    Column("said", ("整句原话", "Said"), "text", 44),
    Column("before", ("前一句", "Before"), "text", 36),
    Column("suggestion", ("可以说", "Better"), "text", 40),
    Column("rule", ("规则编号", "Rule id"), "id", 26),
    Column("start", ("起", "Start"), "count", 6),
    Column("end", ("止", "End"), "count", 6),
    Column("by_sound", ("按读音", "By sound"), "flag", 8),
)
MOMENTS = (
    *_CALL,
    Column("turn", ("第几句", "Turn"), "index", 7),
    Column("at_ms", ("时间点", "At"), "ms", 9),
    Column("kind", ("时刻", "Moment"), "kind", 20),
    Column("said", ("原话", "Said"), "text", 44),
    Column("motive", ("投诉动机", "Motive"), "motive", 12),
    Column("details", ("细节", "Details"), "details", 60),
)
COMMITMENTS = (
    *_CALL,
    Column("at_ms", ("时间点", "At"), "ms", 9),
    Column("who", ("谁来办", "Who"), "text", 12),
    Column("what", ("承诺什么", "What"), "text", 20),
    Column("when", ("说的时间", "When, as said"), "text", 16),
    Column("due_at", ("到期", "Due"), "time", 17),
    Column("vague", ("没说清时间", "Vague"), "flag", 11),
    Column("ask", ("应补上", "Ask for"), "text", 20),
    Column("said", ("原话", "Said"), "text", 50),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Turns a result into rows. Texts are as in the result, but without the agent's own id when names hide it."""

    names: AgentNames

    def call(self, result: CallResult) -> Row:
        """Return the row of `CALLS`."""
        promises = [moment for moment in result.moments if moment.kind == "commitment"]
        fatal = next((item.title for item in result.score.items if item.item == result.score.fatal), None)
        adoption = result.adoption
        return (
            *self._head(result),
            result.duration_ms,
            result.score.points,
            result.score.passed,
            fatal or result.score.fatal or "",
            result.agent_turns,
            len({hit.turn for hit in result.hits}),
            len(result.hits),
            sum(hit.severity == "violation" for hit in result.hits),
            result.categories,
            result.signals,
            len(promises),
            sum(bool(moment.details.get("vague")) for moment in promises),
            adoption.advised,
            adoption.adopted,
            adoption.repaired,
            adoption.repeated,
            result.not_measurable,
            self.names.hide(result.source.file, result.agent_id),
            result.source.line,
            result.digest,
        )

    def hits(self, result: CallResult) -> Iterator[Row]:
        """Return the rows of `HITS`, in the order of the call."""
        for hit in result.hits:
            yield (*self._head(result), *self._hit(result, hit))

    def moments(self, result: CallResult) -> Iterator[Row]:
        """Return the rows of `MOMENTS`; `details` is JSON."""
        for moment in result.moments:
            yield (
                *self._head(result),
                moment.turn,
                moment.at_ms,
                moment.kind,
                self._said(result, moment.turn),
                str(moment.details.get("motive") or ""),
                orjson.dumps(
                    {key: self._hidden(value, result) for key, value in moment.details.items()}
                ).decode(),
            )

    def commitments(self, result: CallResult) -> Iterator[Row]:
        """Return the rows of `COMMITMENTS`."""
        for moment in result.moments:
            if moment.kind == "commitment":
                promise = promise_of(result, moment, names=self.names)
                yield (
                    *self._head(result),
                    moment.at_ms,
                    promise.who,
                    promise.what,
                    promise.when,
                    promise.due,
                    promise.vague,
                    promise.ask,
                    promise.said,
                )

    def _head(self, result: CallResult) -> Row:
        return result.id, wall_clock(result), self.names.of(result.agent_id), result.team

    def _hit(self, result: CallResult, hit: ResultHit) -> tuple[Value, ...]:
        return (
            hit.turn,
            hit.at_ms,
            hit.category,
            hit.title,
            hit.severity,
            self.names.hide(hit.text, result.agent_id),
            self._said(result, hit.turn),
            self._said(result, hit.turn - 1) if hit.turn else "",
            self.names.hide(hit.suggestion, result.agent_id),
            hit.rule,
            hit.start,
            hit.end,
            hit.by_sound,
        )

    def _said(self, result: CallResult, turn: int) -> str:
        if not 0 <= turn < len(result.turns):
            return ""
        return self.names.hide(result.turns[turn].text, result.agent_id)

    def _hidden(self, value: Detail, result: CallResult) -> Detail:
        if isinstance(value, str):
            return self.names.hide(value, result.agent_id)
        if isinstance(value, list):
            return [self.names.hide(each, result.agent_id) for each in value]
        return value
