"""Rule books made in the test that needs them: small, complete and loaded from real files."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import pytest

from coach.language.tokens import Tokenizer
from coach.rulebook.book import Rulebook, load_rulebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

WORDS = """\
version: 1
classes:
  self: [我, 我们, 这边]
  you: [您, 你, 你们]
  know: [知道, 清楚, 了解]
"""
PHRASES = """\
version: 1
phrases:
  - id: ignorance/check-now
    say: 我马上帮您查一下，请您稍等
    when: 客户问的事暂时不知道
"""
# For rule books whose only rules are about not knowing.
SCORECARD = """\
version: 1
title: 测试评分卡
points: 100
passing: 90
items:
  - {id: ignorance, title: 推说不知道, categories: [ignorance], points: {notice: -1, warning: -5, violation: -20}}
"""


# Of the files that come last those that take longest; whichever is the very last keeps the other processes idle.
LONGEST = ("test_reviews_page", "test_playground_page", "test_wallboard", "test_ten_donts", "test_connection")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last: Playwright leaves an event loop running, and nobody else may start one then."""

    def place(item: pytest.Item) -> tuple[bool, int]:
        if item.get_closest_marker("browser") is None:
            return False, 0
        return True, LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)

    items.sort(key=place)


def rule_yaml(**changed: str | None) -> str:
    """Write one rule as a YAML list item; a key set to None is left out."""
    keys: dict[str, str | None] = {
        "id": "ignorance/bare",
        "title": "换个说法",
        "severity": "warning",
        "status": "stable",
        "match": "[<self> 不 <know>]",
        "suggest": "[ignorance/check-now]",
        "explain": "先接住，再说下一步。",
        "source": "测试",
        "hits": "[【我不知道】啊, 【我们不清楚】]",
        "misses": "[我知道了, 不清楚吗]",
    }
    keys.update({name.rstrip("_"): value for name, value in changed.items()})
    lines = [f"    {name}: {value}" for name, value in keys.items() if value is not None]
    return "  - " + "\n".join(lines).lstrip() + "\n"


def rules_file(*rules: str) -> str:
    """Write a rule file of the given rules, or of the plain one."""
    return "version: 1\nrules:\n" + "".join(rules or (rule_yaml(),))


def write_scorecard(rules_dir: Path) -> None:
    """Give a small rule book a scorecard; the shipped one names rules that it does not have."""
    (rules_dir / "scorecards").mkdir()
    (rules_dir / "scorecards" / "default.yml").write_text(SCORECARD, "utf-8")


def load(
    folder: Path,
    *,
    rules: str | Mapping[str, str] | None = None,
    words: str | None = WORDS,
    phrases: str | Mapping[str, str] = PHRASES,
    overrides: str | None = None,
    files: Mapping[str, str | bytes] | None = None,
    packs: Iterable[str] = (),
    check_examples: bool = True,
    today: date = date(2026, 6, 1),
) -> Rulebook:
    """Write a rule book into `folder` and load it.

    Args:
        rules, phrases: text by category, or the text of ignorance.yml.
        files: further files by path.
    """
    by_category = {"ignorance": rules} if isinstance(rules, str) else rules or {"ignorance": rules_file()}
    wanted: dict[str, str | bytes] = {f"rules/{name}.yml": text for name, text in by_category.items()}
    if words is not None:
        wanted["rules/words.yml"] = words
    if overrides is not None:
        wanted["rules/overrides.yml"] = overrides
    by_category = {"ignorance": phrases} if isinstance(phrases, str) else phrases
    wanted |= {f"phrasebook/{name}.yml": text for name, text in by_category.items()}
    wanted |= files or {}
    for name, content in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_rulebook(
        rules_dir=folder / "rules",
        phrasebook_dir=folder / "phrasebook",
        packs=packs,
        check_examples=check_examples,
        today=today,
    )


@pytest.fixture
def make_rulebook(tmp_path: Path) -> Callable[..., Rulebook]:
    """Return a factory with the options of `load`; each call writes into the same folder."""
    return partial(load, tmp_path)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Return a tokenizer without words of its own."""
    return Tokenizer()
