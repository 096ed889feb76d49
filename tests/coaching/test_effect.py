"""What an edited rule changes over recorded calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.coaching.effect import effect
from coach.coaching.review_call import RecordedTurn
from coach.rulebook.draft import read_draft
from tests.conftest import rule_yaml, rules_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.rulebook.book import Rulebook

CALL = (
    "c1",
    [
        RecordedTurn("customer", "我不知道"),
        RecordedTurn("agent", "我不知道，这边不清楚"),
        RecordedTurn("agent", "我不了解"),
    ],
)


def test_new_and_vanished_hits_come_with_their_context(make_rulebook: Callable[..., Rulebook]) -> None:
    """Call, turn and the turn before; a customer's words count only for rules about customers."""
    draft = read_draft(rules_file(rule_yaml(match="[我 不 知道]", status="trial")), make_rulebook())
    total = effect(draft, [CALL])
    assert (total.calls, total.turns, total.old_hits, total.new_hits) == (1, 3, 3, 1)
    assert total.appeared == []
    assert [(each.turn, each.hit.text, each.before and each.before.text) for each in total.vanished] == [
        (1, "这边不清楚", "我不知道"),
        (2, "我不了解", "我不知道，这边不清楚"),
    ]


def test_the_customers_last_words_decide(make_rulebook: Callable[..., Rulebook]) -> None:
    """A context of the rule book holds for the draft too."""
    words = """\
version: 1
classes: {self: [我, 我们, 这边], know: [知道, 清楚, 了解], you: [您]}
contexts:
  asked: {effect: cancel, rules: [ignorance/bare], because: 客户先说的, match: [知道]}
"""
    book = make_rulebook(words=words)
    draft = read_draft(rules_file(rule_yaml(match="[<self> 不 (知道|了解)]", misses="[不清楚吗]")), book)
    assert (effect(draft, [CALL]).old_hits, effect(draft, [("c2", CALL[1][1:])]).old_hits) == (0, 3)
