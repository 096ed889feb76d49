"""rules/second-opinion.yml: when the second opinion speaks, and what its notices say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from coach.rulebook.models import CATEGORIES, StatusName, Strict, Text, VersionedFile
from coach.rulebook.opinion import NAME, Opinion, read
from coach.rulebook.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from coach.errors import Problem
    from coach.rulebook.source import Source

FILE = f"{NAME}.yml"


class NoticeModel(Strict):
    """What is shown when the second opinion finds a fault of a category."""

    category: Text
    status: StatusName = "stable"
    title: Annotated[str, Field(min_length=2, max_length=20)]
    explain: Annotated[str, Field(min_length=4, max_length=60)]
    suggest: Annotated[list[Text], Field(min_length=1)]

    @field_validator("category")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CATEGORIES:
            message = f"没有类别 {value!r}；应为 {'、'.join(CATEGORIES)} 之一"
            raise ValueError(message)
        return value


class OpinionFile(VersionedFile):
    """rules/second-opinion.yml; `veto_below` and `notice_above` are percent."""

    model: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    veto_below: Annotated[int, Field(ge=0, le=50)]
    notice_above: Annotated[int, Field(ge=20, le=100)]
    notices: list[NoticeModel]


def compile_opinion(
    file: OpinionFile, source: Source, folder: Path, *, phrases: Container[str]
) -> tuple[Opinion | None, list[Problem]]:
    """Read the model that `file` names, and make the rules of its notices.

    Args:
        folder: holds the model.
        phrases: ids of the phrases that notices may suggest.

    Returns:
        The opinion, None when the model cannot be read; and every problem found.
    """
    problems = [
        source.problem(["notices", index, "suggest", position], f"phrasebook 里没有 {key!r}")
        for index, notice in enumerate(file.notices)
        for position, key in enumerate(notice.suggest)
        if key not in phrases
    ]
    try:
        model = read(folder / file.model)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return None, [*problems, source.problem(["model"], f"{file.model}：{reason}")]
    notices = {
        notice.category: _rule(notice, source, index)
        for index, notice in enumerate(file.notices)
        if notice.status == "stable"
    }
    opinion = Opinion(
        model, veto_below=file.veto_below / 100, notice_above=file.notice_above / 100, notices=notices
    )
    return opinion, problems


def _rule(notice: NoticeModel, source: Source, index: int) -> Rule:
    return Rule(
        id=f"{notice.category}/{NAME}",
        category=notice.category,
        title=notice.title,
        severity="notice",
        status=notice.status,
        speaker="agent",
        phases=None,
        sentence=None,
        patterns=(),
        exceptions=(),
        suggest=tuple(notice.suggest),
        explain=notice.explain,
        source="coach",
        hits=(),
        misses=(),
        todo=(),
        file=source.name,
        places=(source.place(["notices", index]),),
    )
