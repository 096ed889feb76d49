"""Which of several hits on the same words is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coach.coaching.attention import is_covered
from coach.coaching.events import Hit

if TYPE_CHECKING:
    from coach.coaching.events import Severity


def hit(rule: str, start: int, end: int, severity: Severity = "warning", *, settled: bool = True) -> Hit:
    """Make a hit."""
    return Hit(
        rule,
        rule.split("/", maxsplit=1)[0],
        "标题",
        severity,
        start,
        end,
        "字" * (end - start),
        settled=settled,
    )


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        pytest.param(hit("a/x", 0, 6), hit("b/y", 2, 4, "violation"), ["b/y"], id="the-graver"),
        pytest.param(hit("a/x", 0, 6), hit("b/y", 2, 4), ["a/x"], id="the-longer-of-equals"),
        pytest.param(hit("a/x", 0, 4), hit("b/y", 2, 6), ["a/x"], id="the-first-of-equals"),
        pytest.param(hit("a/x", 0, 4), hit("b/y", 0, 4), ["b/y"], id="exactly-one-of-twins"),
        pytest.param(hit("a/x", 0, 4), hit("b/y", 4, 6), ["a/x", "b/y"], id="both-side-by-side"),
        pytest.param(hit("a/x", 0, 6, settled=False), hit("b/y", 2, 4), ["b/y"], id="the-certain-one"),
    ],
)
def test_one_card_for_the_same_words(one: Hit, other: Hit, shown: list[str]) -> None:
    """Of hits that share a character only one is shown, whatever the order in which they were found."""
    for pair in ((one, other), (other, one)):
        current = {each.rule: (0, each) for each in pair}
        assert sorted(each.rule for each in pair if not is_covered(each, current)) == shown
