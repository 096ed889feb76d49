"""Reads a scorecard of rules/scorecards/ and says what is wrong with it, with file, line and column."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from coach.coaching.moment import MomentKind
from coach.coaching.scorecard import Scorecard, ScorecardItem
from coach.errors import Problem, RulebookError
from coach.rulebook.models import CATEGORIES
from coach.rulebook.source import Source, read_source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from coach.rulebook.book import Rulebook

FOLDER = "scorecards"
DEFAULT = "default"
_LARGEST = 10_000.0
_SEVERITIES = ("notice", "warning", "violation")
# What `when` may ask for: the details of each kind that are plain values (docs/moments.md).
DETAILS: dict[str, frozenset[str]] = {
    "missing-closing": frozenset({"hung_up_first"}),
    "missing-must-say": frozenset({"id", "part", "late"}),
    "interruption": frozenset({"within_minute"}),
    "fast-speech": frozenset({"level", "limit"}),
    "no-empathy-after-complaint": frozenset({"agent_turns"}),
    "repeated-question": frozenset({"by", "slot", "count"}),
    "dispute-loop": frozenset({"count"}),
    "commitment": frozenset({"who", "vague", "channel", "working_days"}),
    "customer-complaint": frozenset({"motive", "explicit", "mood", "settled", "safety"}),
    "churn-risk": frozenset({"mood"}),
    "escalation-risk": frozenset({"mood"}),
    "adoption": frozenset({"outcome"}),
}


def _number(value: object) -> object:
    """Read a number; the loader leaves those with a decimal point as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if abs(number) <= _LARGEST:
            return number
    message = f"应为数，如 -5 或 -0.5，写的是 {value!r}"
    raise ValueError(message)


def _points(value: object) -> object:
    """Read points: one number, or one for each severity that counts."""
    if not isinstance(value, dict):
        return {"any": _number(value)}
    strange = [key for key in value if key not in _SEVERITIES]
    if strange or not value:
        message = f"应为数，或按严重程度写 {{notice: -1, warning: -3, violation: -8}}，写的是 {value!r}"
        raise ValueError(message)
    return {key: _number(points) for key, points in value.items()}


Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0)]
Identity = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
Title = Annotated[str, Field(min_length=2, max_length=20)]
Names = Annotated[list[str], Field(min_length=1)]
Kinds = Annotated[list[MomentKind], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GroupModel(_Strict):
    """A group of lines with a limit of its own."""

    title: Title
    most: Positive | None = None


class ItemModel(_Strict):
    """One line: what it counts, what that costs, and how often."""

    id: Identity
    title: Title
    group: str | None = None
    categories: Names | None = None
    rules: Names | None = None
    moments: Kinds | None = None
    when: dict[str, str | int | bool] = {}
    without: Kinds | None = None
    points: Annotated[dict[str, float], BeforeValidator(_points)]
    per: Literal["each", "turn", "call"] = "each"
    most: Positive | None = None
    fatal: Literal["zero", "fail"] | None = None

    @model_validator(mode="after")
    def _counts_one_thing(self) -> ItemModel:
        if sum(given is not None for given in (self.categories, self.rules, self.moments)) != 1:
            message = "要写 categories、rules、moments 中的一个，而且只写一个"
            raise ValueError(message)
        if self.when and self.moments is None:
            message = "when 只用于 moments：命中没有细节可比"
            raise ValueError(message)
        if self.moments is not None and "any" not in self.points:
            message = "时刻没有严重程度；points 请写一个数"
            raise ValueError(message)
        if len({points > 0 for points in self.points.values() if points}) > 1:
            message = "一项里加分和扣分不能混用；请分成两项"
            raise ValueError(message)
        if self.fatal and any(points > 0 for points in self.points.values()):
            message = "致命项不能加分"
            raise ValueError(message)
        return self


class ScorecardFile(_Strict):
    """rules/scorecards/<name>.yml."""

    version: Literal[1]
    title: Title
    points: Positive = 100.0
    passing: Number
    groups: dict[Identity, GroupModel] = {}
    items: Annotated[list[ItemModel], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a card may speak of."""

    categories: frozenset[str]
    rules: frozenset[str]


def load_scorecard(path: Path, *, book: Rulebook, rules_dir: Path | None = None) -> Scorecard:
    """Read a scorecard.

    Args:
        path: the file.
        book: categories and rules a card may name.
        rules_dir: its packs may be named too, even while they are off.

    Raises:
        RulebookError: with every problem of the file.
    """
    name = f"rules/{FOLDER}/{path.name}" if path.parent.name == FOLDER else str(path)
    source = read_source(path, name=name)
    if isinstance(source, Problem):
        raise RulebookError([source])
    try:
        model = ScorecardFile.model_validate(source.content)
    except ValidationError as error:
        raise RulebookError(source.problems(error)) from error
    # The card of another rule book, the shipped one say, may speak of the packs that lie beside it.
    beside = path.parent.parent if path.parent.name == FOLDER else None
    if problems := list(_problems(model, source, _known(book, rules_dir, beside))):
        raise RulebookError(problems)
    return _card(model, path)


def find_scorecard(rules_dir: Path, shipped: Path) -> Path:
    """Return the default card of a rule book, or the shipped one when it has none."""
    own = rules_dir / FOLDER / f"{DEFAULT}.yml"
    return own if own.is_file() else shipped / FOLDER / f"{DEFAULT}.yml"


def unscored(card: Scorecard, categories: Iterable[str]) -> list[str]:
    """Return the categories whose hits the card passes over, for lint."""
    named = {name for item in card.items for name in item.categories}
    named |= {rule.split("/", 1)[0] for item in card.items for rule in item.rules}
    return sorted(set(categories) - named)


def _known(book: Rulebook, *folders: Path | None) -> _Known:
    packs = [path for folder in folders if folder is not None for path in (folder / "packs").glob("*/*.yml")]
    agent = [rule for rule in book.rules if rule.speaker != "customer"]
    categories = {rule.category for rule in agent} | set(CATEGORIES) | {path.stem for path in packs}
    return _Known(frozenset(categories), frozenset(rule.id for rule in agent))


def _problems(model: ScorecardFile, source: Source, known: _Known) -> Iterator[Problem]:
    if not 0 <= model.passing <= model.points:
        yield source.problem(["passing"], f"及格线应在 0 和 {model.points:g} 之间，写的是 {model.passing:g}")
    seen: set[str] = set()
    taken: set[str] = set()
    for index, item in enumerate(model.items):
        path: list[str | int] = ["items", index]
        if item.id in seen:
            yield source.problem([*path, "id"], f"{item.id} 写了两次")
        seen.add(item.id)
        if item.group is not None and item.group not in model.groups:
            listed = "、".join(model.groups) or "（还没有 groups）"
            yield source.problem([*path, "group"], f"没有组 {item.group}；应为 {listed} 之一")
        for key, names, allowed in (
            ("categories", item.categories, known.categories),
            ("rules", item.rules, known.rules),
        ):
            for position, name in enumerate(names or ()):
                if name not in allowed:
                    yield source.problem([*path, key, position], f"没有 {name}{_nearest(name, allowed)}")
        yield from _problems_of_when(item, source, path)
        yield from _shadowed(item, source, path, taken)


def _problems_of_when(item: ItemModel, source: Source, path: list[str | int]) -> Iterator[Problem]:
    if not item.moments:
        return
    allowed = frozenset.intersection(*(DETAILS.get(kind, frozenset()) for kind in item.moments))
    for key in item.when:
        if key not in allowed:
            which = "、".join(sorted(allowed)) or "（没有可比的细节）"
            yield source.problem(
                [*path, "when", key], f"{'、'.join(item.moments)} 没有细节 {key}；有 {which}"
            )


def _shadowed(item: ItemModel, source: Source, path: list[str | int], taken: set[str]) -> Iterator[Problem]:
    """A line whose subjects the lines above have all counted never counts anything."""
    subjects = {*(item.categories or ()), *(item.rules or ()), *(item.moments or ())}
    if all(subject in taken or subject.split("/", 1)[0] in taken for subject in subjects):
        yield source.problem(path, f"永远轮不到这一项：上面的项已经算走了 {'、'.join(sorted(subjects))}")
    unconditional = not item.when and not item.without and "any" in item.points
    if unconditional or set(item.points) == set(_SEVERITIES):
        taken |= subjects


def _nearest(name: str, allowed: Collection[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    near = get_close_matches(name, sorted(allowed), n=1)
    return f"；是不是 {near[0]}" if near else f"；应为 {'、'.join(sorted(allowed)[:20])} 之一"


def _card(model: ScorecardFile, path: Path) -> Scorecard:
    return Scorecard(
        id=path.stem,
        title=model.title,
        points=model.points,
        passing=model.passing,
        groups={name: (group.title, group.most) for name, group in model.groups.items()},
        items=tuple(_item(item) for item in model.items),
        digest=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
    )


def _item(model: ItemModel) -> ScorecardItem:
    return ScorecardItem(
        id=model.id,
        title=model.title,
        group=model.group or "",
        categories=frozenset(model.categories or ()),
        rules=frozenset(model.rules or ()),
        moments=frozenset(model.moments or ()),
        when=dict(model.when),
        without=frozenset(model.without or ()),
        points=dict(model.points),
        per=model.per,
        most=model.most,
        fatal=model.fatal,
    )
