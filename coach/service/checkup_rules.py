"""What `coach doctor` looks at in the rules: they load, their examples pass, the phrases and the second opinion are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coach.errors import CoachError
from coach.rulebook.book import load_rulebook
from coach.rulebook.lint import lint
from coach.service.checkup import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.config import Settings
    from coach.rulebook.book import Rulebook

_SHOWN: Final = 3


def load_for_checkup(settings: Settings) -> tuple[Rulebook | None, str]:
    """Load the rules of the settings with all their examples; the second value says why they cannot be."""
    try:
        return (
            load_rulebook(rules_dir=settings.rules, phrasebook_dir=settings.phrasebook, packs=settings.packs),
            "",
        )
    except (CoachError, OSError, UnicodeDecodeError) as error:
        return None, str(error)


def examine_rules(settings: Settings, book: Rulebook | None, problem: str) -> Iterator[Finding]:
    """Look at what `load_for_checkup` gave."""
    if book is None:
        yield Finding(
            "rules",
            "规则",
            "error",
            _first(problem.splitlines()),
            "coach rules test 和 coach rules lint 给出全部问题",
        )
        return
    packs = f"，规则包 {'、'.join(settings.packs)}" if settings.packs else ""
    yield Finding(
        "rules", "规则", "ok", f"{settings.rules}：{len(book.rules)} 条，例句都通过，{book.digest}{packs}"
    )
    found = lint(book)
    errors = [str(each) for each in found if each.level == "error"]
    if errors:
        yield Finding("lint", "规则检查", "error", _first(errors), "coach rules lint 列出全部；改好再上线")
    else:
        warnings = len(found)
        yield Finding("lint", "规则检查", "ok", f"没有错误{f'，{warnings} 处提醒' if warnings else ''}")
    yield Finding("phrasebook", "话术", "ok", f"{settings.phrasebook}：{len(book.phrasebook.phrases)} 条")
    if book.opinion is None:
        yield Finding("opinion", "第二意见", "ok", "没有配置")
    else:
        yield Finding(
            "opinion",
            "第二意见",
            "ok",
            f"学自 {book.opinion.model.sentences} 句，{len(book.opinion.notices)} 类提示",
        )


def _first(lines: list[str]) -> str:
    more = len(lines) - _SHOWN
    return "\n".join(lines[:_SHOWN]) + (f"\n……还有 {more} 处" if more > 0 else "")
