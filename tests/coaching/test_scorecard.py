"""Scorecards: what counts, what is capped, what is fatal, and what a wrong card is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.coaching.moment import Moment, MomentKind
from coach.coaching.scorecard_file import DETAILS, find_scorecard, load_scorecard, unscored
from coach.errors import RulebookError
from coach.rulebook.book import load_rulebook
from coach.rulebook.models import CATEGORIES
from coach.shipped import phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coach.coaching.events import Severity
    from coach.coaching.scorecard import Scorecard
    from coach.rulebook.book import Rulebook

HEAD = (
    "version: 1\ntitle: 测试卡\npoints: 100\npassing: 80\ngroups: {words: {title: 用语, most: 12}}\nitems:\n"
)


@dataclass(frozen=True)
class Fault:
    """A hit as the score sees it."""

    rule: str
    severity: Severity = "warning"
    turn: int = 0

    @property
    def category(self) -> str:
        """Return the first part of the rule's id."""
        return self.rule.split("/")[0]


@pytest.fixture(scope="session")
def shipped_book() -> Rulebook:
    """Return the shipped rules without running their examples."""
    return load_rulebook(rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False)


@pytest.fixture
def card(tmp_path: Path, shipped_book: Rulebook) -> Callable[[str], Scorecard]:
    """Return a factory of cards from the text of their items."""

    def make(items: str, head: str = HEAD) -> Scorecard:
        path = tmp_path / "card.yml"
        path.write_text(head + items, encoding="utf-8")
        return load_scorecard(path, book=shipped_book, rules_dir=rules_dir())

    return make


@pytest.fixture(scope="session")
def default_card(shipped_book: Rulebook) -> Scorecard:
    """Return the shipped card."""
    path = find_scorecard(rules_dir(), rules_dir())
    return load_scorecard(path, book=shipped_book, rules_dir=rules_dir())


def refused(card: Callable[..., Scorecard], items: str, head: str = HEAD) -> str:
    """Return what is said about a card that is wrong."""
    with pytest.raises(RulebookError) as caught:
        card(items, head)
    return str(caught.value)


def test_a_call_without_faults_has_all_points(default_card: Scorecard) -> None:
    """Nothing found: the points of the card, passed, no items."""
    score = default_card.score([], [])
    assert (score.points, score.passed, score.fatal, score.items) == (100.0, True, None, ())


def test_each_hit_counts_and_is_named(card: Callable[[str], Scorecard]) -> None:
    """Points are lost per hit, and the line names its hits."""
    made = card("- {id: a, title: 不知道, categories: [ignorance], points: -3}")
    score = made.score([Fault("ignorance/x"), Fault("rude/x"), Fault("ignorance/y", turn=2)], [])
    assert (score.points, score.items[0].count, score.items[0].hits) == (94.0, 2, (0, 2))


def test_severity_decides_the_points(card: Callable[[str], Scorecard]) -> None:
    """A mapping prices each severity; one that is left out does not count."""
    made = card("- {id: a, title: 拒绝, categories: [refusal], points: {warning: -3, violation: -8.5}}")
    faults = [Fault("refusal/a", severity) for severity in ("notice", "warning", "violation")]
    score = made.score(faults, [])
    assert (score.points, score.items[0].hits) == (88.5, (1, 2))


def test_per_turn_counts_the_heaviest_of_a_turn(card: Callable[[str], Scorecard]) -> None:
    """Two faults of one turn cost as much as the heavier."""
    made = card("- {id: a, title: 拒绝, categories: [refusal], points: {notice: -1, warning: -3}, per: turn}")
    score = made.score([Fault("refusal/a", "notice", 1), Fault("refusal/b", "warning", 1)], [])
    assert (score.points, score.items[0].count) == (97.0, 2)


def test_per_call_counts_once(card: Callable[[str], Scorecard]) -> None:
    """However often it happens, it costs once."""
    made = card("- {id: a, title: 开场白, moments: [fast-speech], points: -2, per: call}")
    score = made.score([], [Moment("fast-speech", 0, turn) for turn in range(5)])
    assert (score.points, score.items[0].moments) == (98.0, (0, 1, 2, 3, 4))


def test_a_line_has_its_limit(card: Callable[[str], Scorecard]) -> None:
    """`most` ends the loss of one line."""
    made = card("- {id: a, title: 拒绝, categories: [refusal], points: -5, most: 8}")
    assert made.score([Fault("refusal/a")] * 4, []).points == 92.0


def test_a_group_has_its_limit(card: Callable[[str], Scorecard]) -> None:
    """The group's limit trims the line that goes beyond it."""
    made = card(
        "- {id: a, title: 拒绝, group: words, categories: [refusal], points: -8}\n"
        "- {id: b, title: 推诿, group: words, categories: [buck-passing], points: -8}"
    )
    score = made.score([Fault("refusal/a"), Fault("buck-passing/a")], [])
    assert [item.points for item in score.items] == [-8.0, -4.0]


def test_a_hit_counts_in_the_first_line_only(card: Callable[[str], Scorecard]) -> None:
    """A line on one rule stands above the line on its category and takes its hits."""
    made = card(
        "- {id: one, title: 就这条, rules: [ignorance/bare-dont-know], points: -9}\n"
        "- {id: all, title: 不知道, categories: [ignorance], points: -1}"
    )
    score = made.score([Fault("ignorance/bare-dont-know"), Fault("ignorance/other")], [])
    assert [(item.item, item.points) for item in score.items] == [("one", -9.0), ("all", -1.0)]


def test_a_moment_is_told_by_its_details(card: Callable[[str], Scorecard]) -> None:
    """`when` separates the vague promise from the precise one."""
    made = card("- {id: a, title: 没说时间, moments: [commitment], when: {vague: true}, points: -3}")
    moments = [Moment("commitment", 0, 1, {"vague": False}), Moment("commitment", 0, 2, {"vague": True})]
    assert made.score([], moments).items[0].moments == (1,)


def test_a_bonus_makes_up_for_losses_only(card: Callable[[str], Scorecard]) -> None:
    """No call is worth more than the card."""
    made = card(
        "- {id: a, title: 拒绝, categories: [refusal], points: -3}\n"
        "- {id: b, title: 换了说法, moments: [adoption], points: 2}"
    )
    score = made.score([Fault("refusal/a")], [Moment("adoption", 0, 1)] * 4)
    assert (score.points, [item.points for item in score.items]) == (100.0, [-3.0, 3.0])


def test_a_bonus_without_something(card: Callable[[str], Scorecard]) -> None:
    """`without` gives the bonus only to calls that lack the moment."""
    made = card(
        "- {id: a, title: 及时安抚, moments: [customer-complaint], without: [no-empathy-after-complaint], points: 4}\n"
        "- {id: b, title: 拒绝, categories: [refusal], points: -10}"
    )
    complaint, missed = Moment("customer-complaint", 0, 1), Moment("no-empathy-after-complaint", 0, 3)
    points = [
        made.score([Fault("refusal/a")], moments).points for moments in ([complaint], [complaint, missed])
    ]
    assert points == [94.0, 90.0]


def test_a_fatal_item_takes_everything(card: Callable[[str], Scorecard]) -> None:
    """One insult: no points, not passed, and the insult's line carries the loss."""
    made = card(
        "- {id: a, title: 拒绝, categories: [refusal], points: -3}\n"
        "- {id: b, title: 辱骂客户, categories: [rude], points: {violation: -40}, fatal: zero}"
    )
    score = made.score([Fault("refusal/a"), Fault("rude/a", "violation")], [])
    assert (score.points, score.passed, score.fatal) == (0.0, False, "b")
    assert [item.points for item in score.items] == [-3.0, -97.0]


def test_a_fatal_item_may_leave_the_points(card: Callable[[str], Scorecard]) -> None:
    """`fatal: fail` fails the call and keeps its points."""
    made = card("- {id: b, title: 辱骂客户, categories: [rude], points: -5, fatal: fail}")
    score = made.score([Fault("rude/a")], [])
    assert (score.points, score.passed, score.fatal) == (95.0, False, "b")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(CATEGORIES),
            st.sampled_from(["notice", "warning", "violation"]),
            st.integers(0, 9),
        ),
        max_size=30,
    ),
    st.lists(st.tuples(st.sampled_from(sorted(DETAILS)), st.booleans()), max_size=20),
)
def test_the_lines_add_up_to_the_score(
    default_card: Scorecard, faults: list[tuple[str, Severity, int]], kinds: list[tuple[str, bool]]
) -> None:
    """Whatever happened: from 0 to 100, and explained to the last point by hits and moments."""
    hits = [Fault(f"{category}/x", severity, turn) for category, severity, turn in faults]
    moments = [
        Moment(cast("MomentKind", kind), 0, 0, {"vague": flag, "by": "agent" if flag else "customer"})
        for kind, flag in kinds
    ]
    score = default_card.score(hits, moments)
    assert 0 <= score.points <= 100
    assert score.points == pytest.approx(100 + sum(item.points for item in score.items))
    assert all(item.hits or item.moments for item in score.items)


def test_the_default_card_counts_every_category(default_card: Scorecard) -> None:
    """No fault of the agent goes without points."""
    assert unscored(default_card, CATEGORIES) == []


def test_the_default_card_counts_every_moment(default_card: Scorecard) -> None:
    """Every kind costs or wins something, but for what only the customer does."""
    counted = {kind for item in default_card.items for kind in item.moments}
    assert set(get_args(MomentKind)) - counted == {"churn-risk", "escalation-risk"}


def test_an_unknown_category_is_named_with_its_place(card: Callable[..., Scorecard]) -> None:
    """A misspelt category: file, line, column and the likely name."""
    told = refused(card, "- id: a\n  title: 拒绝\n  categories: [refusl]\n  points: -3\n")
    assert "card.yml:9:16: items.0.categories.0: 没有 refusl；是不是 refusal" in told


def test_every_mistake_is_told_at_once(card: Callable[..., Scorecard]) -> None:
    """Three mistakes in one card give three problems."""
    told = refused(
        card,
        "- {id: a, title: 拒绝, categories: [refusal], points: 多}\n"
        "- {id: b, title: 开场白, moments: [no-greeting], points: -1}\n"
        "- {id: c, title: 什么也不算, points: -1}\n",
    )
    assert len(told.splitlines()) == 3


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("- {id: a, title: 拒绝, categories: [refusal], points: 多}", "应为数，如 -5 或 -0.5，写的是 '多'"),
        ("- {id: a, title: 拒绝, categories: [refusal], points: {bad: -1}}", "按严重程度写"),
        ("- {id: a, title: 拒绝, categories: [refusal], rules: [x/y], points: -1}", "只写一个"),
        (
            "- {id: a, title: 拒绝, categories: [refusal], when: {vague: true}, points: -1}",
            "when 只用于 moments",
        ),
        ("- {id: a, title: 换说法, moments: [adoption], points: {notice: 1}}", "时刻没有严重程度"),
        ("- {id: a, title: 承诺, moments: [commitment], when: {vage: true}, points: -1}", "没有细节 vage"),
        ("- {id: a, title: 拒绝, group: word, categories: [refusal], points: -1}", "没有组 word；应为 words"),
        ("- {id: a, title: 拒绝, categories: [refusal], points: 2, fatal: zero}", "致命项不能加分"),
        (
            "- {id: a, title: 拒绝, rules: [refusal/nothing-like-it], points: -2}",
            "没有 refusal/nothing-like-it",
        ),
    ],
)
def test_a_wrong_line_says_what_was_expected(
    card: Callable[..., Scorecard], items: str, expected: str
) -> None:
    """Each mistake has its own sentence."""
    assert expected in refused(card, items)


def test_a_line_that_never_counts_is_told(card: Callable[..., Scorecard]) -> None:
    """What the lines above have taken cannot count again."""
    told = refused(
        card,
        "- {id: a, title: 拒绝, categories: [refusal], points: -1}\n"
        "- {id: b, title: 又是拒绝, categories: [refusal], points: -5}",
    )
    assert "永远轮不到这一项" in told


def test_a_pass_mark_beyond_the_card_is_told(card: Callable[..., Scorecard]) -> None:
    """Nobody could pass it."""
    head = HEAD.replace("passing: 80", "passing: 180")
    assert "card.yml:4:10: passing: 及格线应在 0 和 100 之间" in refused(
        card, "- {id: a, title: 拒绝, categories: [refusal], points: -1}", head
    )
