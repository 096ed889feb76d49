"""A rule book as a whole: packs, overrides, digest, pickling."""

from __future__ import annotations

import pickle
from datetime import date
from typing import TYPE_CHECKING

import pytest

from coach.coaching.checker import Checker
from tests.conftest import PHRASES, WORDS, rule_yaml, rules_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.rulebook.book import Rulebook

    MakeRulebook = Callable[..., Rulebook]

BANK = {
    "rules/packs/bank/ignorance.yml": rules_file(
        rule_yaml(id="ignorance/bank", match="[利率 不 <know>]", hits="[【利率不清楚】]", misses="[利率, 不]")
    )
}


def override(*lines: str) -> str:
    """Write an override of the plain rule."""
    return (
        "version: 1\noverrides:\n  - "
        + "\n    ".join(("rule: ignorance/bare", "because: 理由", *lines))
        + "\n"
    )


def rules_found(book: Rulebook, text: str) -> list[str]:
    """Return the rules that an agent would be told of."""
    return [hit.rule for hit in Checker(book).check(text)]


class TestRules:
    """What is loaded, and with which status."""

    def test_loads_rules_with_their_words_and_phrases(self, make_rulebook: MakeRulebook) -> None:
        """The plain book finds its rule and knows its phrase."""
        book = make_rulebook()
        assert rules_found(book, "我不知道") == ["ignorance/bare"]
        assert book.phrasebook.phrases["ignorance/check-now"].say == "我马上帮您查一下，请您稍等"

    @pytest.mark.parametrize(
        ("status", "listed", "shown"),
        [("stable", True, True), ("trial", True, False), ("draft", True, False), ("retired", False, False)],
    )
    def test_status_decides_who_sees_a_rule(
        self, make_rulebook: MakeRulebook, status: str, listed: bool, shown: bool
    ) -> None:
        """Only stable rules are shown; retired ones are gone."""
        book = make_rulebook(rules=rules_file(rule_yaml(status=status)))
        assert bool(book.rules) is listed
        assert bool(rules_found(book, "我不知道")) is shown

    def test_examples_of_drafts_are_run(self, make_rulebook: MakeRulebook) -> None:
        """A draft that fails its own examples does not load either."""
        with pytest.raises(Exception, match="例句不符"):
            make_rulebook(rules=rules_file(rule_yaml(status="draft", hits="[【您好】]")))

    def test_known_gap_is_kept_and_not_run(self, make_rulebook: MakeRulebook) -> None:
        """An example with `todo` may fail."""
        hits = "[【我不知道】, 【我们不清楚】, {text: 我上哪知道去, todo: 反问}]"
        (rule,) = make_rulebook(rules=rules_file(rule_yaml(hits=hits))).rules
        assert rule.todo == (("我上哪知道去", "反问"),)
        assert rule.hits == ("【我不知道】", "【我们不清楚】")

    def test_examples_can_be_left_to_a_tool(self, make_rulebook: MakeRulebook) -> None:
        """A tool that runs the examples itself may load without."""
        book = make_rulebook(rules=rules_file(rule_yaml(hits="[【您好】]")), check_examples=False)
        assert len(book.rules) == 1

    def test_rules_without_words_file(self, make_rulebook: MakeRulebook) -> None:
        """words.yml may be absent when no rule needs it."""
        rules = rules_file(rule_yaml(match="[我 不 知道]", hits="[【我不知道】]", misses="[好]"))
        assert rules_found(make_rulebook(rules=rules, words=None), "我不知道") == ["ignorance/bare"]

    def test_byte_order_mark_is_no_mistake(self, make_rulebook: MakeRulebook) -> None:
        """Files saved by a Windows editor load."""
        files = {"rules/ignorance.yml": b"\xef\xbb\xbf" + rules_file().encode().replace(b"\n", b"\r\n")}
        assert len(make_rulebook(files=files).rules) == 1

    def test_words_of_the_dictionary_stay_whole(self, make_rulebook: MakeRulebook) -> None:
        """A word of `dictionary` is one token to every pattern."""
        book = make_rulebook(words=WORDS + "dictionary: [没收到]\n")
        assert book.tokenizer.cut("我没收到") == ["我", "没收到"]

    def test_filler_class_is_passed_over(self, make_rulebook: MakeRulebook) -> None:
        """The words of the class `filler` may stand between any two items, and are not unused."""
        book = make_rulebook(words=WORDS + "  filler: [那个]\n")
        assert rules_found(book, "我那个不知道") == ["ignorance/bare"]
        assert "filler" not in book.unused_classes


class TestPacks:
    """Optional rules."""

    def test_pack_is_off_by_default(self, make_rulebook: MakeRulebook) -> None:
        """A pack that nobody switched on is not read."""
        assert rules_found(make_rulebook(files=BANK), "利率不清楚") == []

    def test_pack_adds_its_rules(self, make_rulebook: MakeRulebook) -> None:
        """Switched on, its rules stand beside the others."""
        book = make_rulebook(files=BANK, packs=["bank"])
        assert rules_found(book, "利率不清楚") == ["ignorance/bank"]
        assert rules_found(book, "我不知道") == ["ignorance/bare"]

    def test_pack_cannot_redefine_a_rule(self, make_rulebook: MakeRulebook) -> None:
        """An id is used once, in all files together."""
        with pytest.raises(Exception, match="已经写在 rules/ignorance"):
            make_rulebook(files={"rules/packs/bank/ignorance.yml": rules_file()}, packs=["bank"])


class TestOverrides:
    """A site's own changes."""

    def test_severity_is_changed(self, make_rulebook: MakeRulebook) -> None:
        """The rule is found as before, with the site's severity."""
        book = make_rulebook(overrides=override("severity: notice"))
        (hit,) = Checker(book).check("我不知道")
        assert hit.severity == "notice"
        assert [each.because for each in book.overrides] == ["理由"]

    def test_exception_is_added(self, make_rulebook: MakeRulebook) -> None:
        """The site's exception stands beside the rule's own."""
        rules = rules_file(rule_yaml(except_="[{pattern: 不 <know> <you>, because: 礼貌}]"))
        book = make_rulebook(
            rules=rules, overrides=override("except: [{pattern: 不 <know> 密码, because: 保密}]")
        )
        assert rules_found(book, "我不知道密码") == []
        assert rules_found(book, "我不知道您") == []
        assert rules_found(book, "我不知道") == ["ignorance/bare"]

    def test_rule_is_disabled(self, make_rulebook: MakeRulebook) -> None:
        """A disabled rule is gone."""
        assert make_rulebook(overrides=override("disable: true")).rules == ()

    @pytest.mark.parametrize(("today", "in_force"), [(date(2026, 6, 30), True), (date(2026, 7, 1), False)])
    def test_override_runs_out(self, make_rulebook: MakeRulebook, today: date, in_force: bool) -> None:
        """It holds to the end of its last day, and is then listed as expired."""
        book = make_rulebook(overrides=override("disable: true", "until: 2026-06-30"), today=today)
        assert (book.rules == ()) is in_force
        assert book.expired == (() if in_force else ("ignorance/bare",))

    def test_violation_may_be_softened_or_excepted(self, make_rulebook: MakeRulebook) -> None:
        """Only switching it off is refused."""
        rules = rules_file(rule_yaml(severity="violation"))
        (rule,) = make_rulebook(rules=rules, overrides=override("severity: warning")).rules
        assert rule.severity == "warning"


class TestDigest:
    """Which rules found a hit can always be told."""

    def test_same_content_has_the_same_digest(self, make_rulebook: MakeRulebook) -> None:
        """Loading again changes nothing, and files that are no rules do not count."""
        one = make_rulebook().digest
        assert len(one) == 12
        assert make_rulebook(files={"rules/README.md": "说明"}).digest == one

    @pytest.mark.parametrize(
        "changed",
        [
            {"rules": rules_file(rule_yaml(title="另一个说法"))},
            {"rules": rules_file() + "# 只改了注释\n"},
            {"words": WORDS + "  more: [多]\n"},
            {"phrases": PHRASES.replace("请您稍等", "请稍等")},
            {"overrides": override("severity: notice")},
            {"files": {"rules/packs/bank/blame.yml": rules_file(rule_yaml(id="blame/x"))}, "packs": ["bank"]},
        ],
    )
    def test_other_content_has_another_digest(
        self, make_rulebook: MakeRulebook, changed: dict[str, object]
    ) -> None:
        """Any file that takes part enters the digest."""
        before = make_rulebook().digest
        assert make_rulebook(**changed).digest != before

    def test_name_of_the_file_counts(self, make_rulebook: MakeRulebook, tmp_path: object) -> None:
        """The same text in another file is another rule book."""
        empty = "version: 1\nphrases:\n  - {id: a/x, say: 好的, when: 总是}\n"
        one = make_rulebook(phrases={"ignorance": PHRASES, "a": empty}).digest
        other = make_rulebook(
            phrases={"ignorance": PHRASES, "a": empty, "b": empty.replace("a/", "b/")}
        ).digest
        assert one != other


def test_pickled_book_is_the_same(make_rulebook: MakeRulebook) -> None:
    """A rule book travels to another process whole."""
    book = make_rulebook(overrides=override("severity: notice"))
    copy = pickle.loads(pickle.dumps(book))
    assert (copy.digest, [rule.id for rule in copy.rules]) == (book.digest, ["ignorance/bare"])
    assert Checker(copy).check("我不知道") == Checker(book).check("我不知道")
