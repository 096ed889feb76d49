"""The optional packs as shipped: each loads alone and all load together, with every example, and leaves others alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coach.coaching.checker import Checker
from coach.rulebook.book import load_rulebook
from coach.rulebook.examples import run_examples
from coach.rulebook.lint import lint
from coach.shipped import phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.rulebook.book import Rulebook

PACKS = ("ad-words", "collections", "insurance", "platform", "privacy", "wealth")
MIN_RULES, MAX_RULES = 3, 8
# A source names a law, a standard, or the rules of a platform or company.
BASES = ("法", "条", "〔", "GB/T", "指引", "规则", "制度")


def load(packs: Iterable[str], *, check_examples: bool = False) -> Rulebook:
    """Load the shipped rules with `packs`."""
    return load_rulebook(
        rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), packs=packs, check_examples=check_examples
    )


@pytest.fixture(scope="module")
def with_all() -> Checker:
    """Return a checker with every pack on."""
    return Checker(load(PACKS, check_examples=True))


@pytest.fixture(scope="module")
def without() -> Checker:
    """Return a checker as it is out of the box."""
    return Checker(load(()))


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_loads_alone(pack: str) -> None:
    """Nobody has to switch on a second pack for the sake of the first; none is empty or too long to read."""
    book = load([pack])
    rules = [rule for rule in book.rules if "/packs/" in rule.file]
    matcher = book.matcher()
    failed = [result.text for rule in rules for result in run_examples(rule, matcher) if not result.passed]
    assert {rule.category for rule in rules} == {pack}
    assert MIN_RULES <= len(rules) <= MAX_RULES
    assert failed == []


def test_every_shipped_pack_is_tested_here() -> None:
    """A pack that is added must be added to these tests."""
    assert tuple(sorted(path.name for path in (rules_dir() / "packs").glob("*/"))) == PACKS


def test_packs_load_together_without_an_error(with_all: Checker) -> None:
    """No phrase of coach, of a pack or not, breaks the rules of any pack."""
    assert [str(finding) for finding in lint(with_all.rulebook) if finding.level == "error"] == []


def test_every_exception_of_a_pack_is_shown_by_an_example(with_all: Checker) -> None:
    """The compliance team can read from the examples what each exception is for."""
    dead = [
        str(finding)
        for finding in lint(with_all.rulebook)
        if "rules/packs/" in finding.where and "例外" in finding.message
    ]
    assert dead == []


def test_every_pack_rule_names_its_basis(with_all: Checker) -> None:
    """A rule that compliance is to approve says in its source which text demands it."""
    rules = [rule for rule in with_all.rulebook.rules if "/packs/" in rule.file]
    assert [rule.id for rule in rules if not any(word in rule.source for word in BASES)] == []


# What an agent must not say, and a faultless sentence that shares its words.
PAIRS = [
    ("insurance", "这款分红险保本保息", "分红不保证，这款产品不保本不保收益"),
    ("insurance", "您就当存定期了", "这是保险，不是存款，跟定期不一样"),
    ("wealth", "这只理财绝对不会亏", "理财产品不保本不保收益，投资须谨慎"),
    ("wealth", "年化能到四个点", "近一年年化有百分之二，历史业绩不代表未来"),
    ("wealth", "这款保证收益", "您的交易保证金明天退回"),
    ("ad-words", "我们是全国销量第一", "我会在第一时间联系您，请您先看第一步"),
    ("ad-words", "这是全网最低价", "最好您本人来，最晚下午五点，最多带三件"),
    ("ad-words", "采用国家级工艺，独家配方", "这是唯一的办法，最后一次也可以在网上办"),
    ("collections", "再不还我们就通知您父母", "我们不会联系您的家人，只和您本人谈"),
    ("collections", "您就等着坐牢吧", "协商还款不会坐牢，您别担心"),
    ("privacy", "把验证码念给我", "验证码不要告诉任何人，包括我们"),
    ("privacy", "请报一下完整的身份证号", "请报一下身份证号的后四位"),
    ("platform", "您加我微信吧", "您可以用微信支付，也可以关注我们的公众号"),
    ("platform", "好评返现五块", "请您如实评价，我们不做好评返现"),
]  # fmt: skip


@pytest.mark.parametrize(("pack", "fault"), [(pack, fault) for pack, fault, _ in PAIRS])
def test_fault_is_found(with_all: Checker, pack: str, fault: str) -> None:
    """What the pack is there for is found, in the pack's own category."""
    assert pack in {hit.category for hit in with_all.check(fault)}


@pytest.mark.parametrize("honest", [honest for _, _, honest in PAIRS])
def test_look_alike_is_left_alone(with_all: Checker, honest: str) -> None:
    """Honest information raises nothing in any pack."""
    assert [(hit.rule, hit.text) for hit in with_all.check(honest) if hit.category in PACKS] == []


@pytest.mark.parametrize("fault", [fault for _, fault, _ in PAIRS])
def test_packs_are_off_by_default(without: Checker, fault: str) -> None:
    """No rule of a pack speaks before somebody has switched it on."""
    assert {hit.category for hit in without.check(fault)}.isdisjoint(PACKS)
