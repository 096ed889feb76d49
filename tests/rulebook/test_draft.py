"""A draft says what a loader would say, and tries what a rule book would find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coach.errors import RulebookError
from coach.rulebook.draft import DRAFT_NAME, read_draft
from coach.rulebook.excerpt import excerpt, put_back
from coach.rulebook.explain import Explainer
from tests.conftest import rule_yaml, rules_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.rulebook.book import Rulebook

BROKEN = [
    "",
    "version: 2\nrules: []\n",
    "version: 1\nrules: {\n",
    rules_file(rule_yaml(severity="loud")),
    rules_file(rule_yaml(match="[<nobody> 不 <know>]")),
    rules_file(rule_yaml(match="['{0,3} 不']", suggest="[ignorance/none]")),
    rules_file(rule_yaml(sentence="none", colour="red")),
    rules_file(rule_yaml(), rule_yaml()),
    rules_file(rule_yaml(hits="[我不知道]", misses="[【我不知道】]")),
    rules_file(rule_yaml(hits="[【我不】知道]", misses="[我不知道]")),
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_problems_are_those_of_the_loader(make_rulebook: Callable[..., Rulebook], text: str) -> None:
    """The same line, column and words, be it YAML, a key, a pattern or an example."""
    draft = read_draft(text, make_rulebook(rules=rules_file(rule_yaml(id="ignorance/other"))))
    told = [(each.line, each.column, each.message) for each in draft.problems]
    told += [(each.line, each.column, each.problem) for each in draft.examples() if each.problem]
    with pytest.raises(RulebookError) as caught:
        make_rulebook(rules=text)
    loaded = [
        (each.line, each.column, each.message.replace("rules/ignorance.yml", DRAFT_NAME))
        for each in caught.value.problems
    ]
    assert told == loaded


def test_a_draft_knows_the_rule_it_replaces(make_rulebook: Callable[..., Rulebook]) -> None:
    """By id; a new rule replaces none."""
    book = make_rulebook()
    assert [rule.id for rule in read_draft(rules_file(), book).replaced.rules] == ["ignorance/bare"]
    assert read_draft(rules_file(rule_yaml(id="ignorance/new")), book).replaced.rules == ()


def test_the_sites_override_holds_for_a_draft(make_rulebook: Callable[..., Rulebook]) -> None:
    """Otherwise every exception of the site would seem to vanish."""
    overrides = """\
version: 1
overrides:
  - rule: ignorance/bare
    because: 我们这里这样说
    severity: notice
    except: [{pattern: 不 知道 地址, because: 问地址}]
"""
    draft = read_draft(rules_file(), make_rulebook(overrides=overrides))
    rule = draft.book.rules[0]
    assert (rule.severity, [each.because for each in rule.exceptions]) == ("notice", ["问地址"])


def test_lint_speaks_of_the_draft_only(make_rulebook: Callable[..., Rulebook]) -> None:
    """A thin rule is told; what is unused elsewhere is not."""
    findings = read_draft(rules_file(rule_yaml(hits="[【我不知道】]")), make_rulebook()).findings()
    assert [each.message for each in findings] == ["hits 只有 1 句；stable 规则至少 2 句"]


def test_a_rule_outside_of_its_phase_is_stopped(make_rulebook: Callable[..., Rulebook]) -> None:
    """A phase that the rule does not hold in is a reason a supervisor can read."""
    book = make_rulebook(rules=rules_file(rule_yaml(phases="[opening]")))
    explainer = Explainer(book)
    stopped = explainer.explain("我不知道", phase="closing").accounts[0].trace
    assert (stopped.stopped_by, stopped.stopped) == ("phase", "规则只管这些阶段：开场")
    assert explainer.explain("我不知道", phase="opening").accounts[0].shown


def test_every_pattern_that_matches_is_named(make_rulebook: Callable[..., Rulebook]) -> None:
    """Not only the longest."""
    rule = rule_yaml(match="[<self> 不 <know>, 不知道]")
    told = Explainer(make_rulebook(rules=rules_file(rule))).explain("我不知道")
    assert told.accounts[0].patterns == ("<self> 不 <know>", "不知道")


FILE = """\
# our rules
version: 1
rules:
  - id: a/one   # first
    title: 甲

  # about the second
  - id: a/two
    title: 乙
"""


def test_a_rule_is_cut_out_with_its_comments() -> None:
    """As its author wrote it."""
    assert excerpt(FILE, "a/two") == "version: 1\nrules:\n  - id: a/two\n    title: 乙\n"
    assert excerpt(FILE, "a/three") is None


def test_a_rule_is_put_back_in_its_place() -> None:
    """Everything around it stays; another indentation is made the file's."""
    draft = "version: 1\nrules:\n- id: a/two\n  title: 丙\n"
    assert put_back(FILE, draft) == FILE.replace("乙", "丙")


def test_a_new_rule_comes_last() -> None:
    """A file that does not have it gets it at its end; no file becomes the draft."""
    draft = "version: 1\nrules:\n  - id: a/new\n    title: 新\n"
    assert put_back(FILE, draft) == FILE + "  - id: a/new\n    title: 新\n"
    assert put_back("", draft) == draft
