"""What rule packs want to be said: asked for, ticked, late, missing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from coach import shipped
from coach.coaching.moments import Moments
from coach.coaching.must_says import MustSayFinder
from coach.coaching.review_call import CallReviewer, RecordedTurn
from coach.errors import RulebookError
from coach.rulebook.book import Rulebook, load_rulebook
from coach.rulebook.document import document
from tests.conftest import load

from .talk import CLOSING, GREETING, finder, spoken

DEMAND = """\
version: 1
must_says:
  - id: site/recording
    part: 录音告知
    within_s: 20
    match:
      - 通话 {0,4} 录音
    say: 本次通话会录音
    explain: 录音先告知，后面说的才作数。
    source: 测试
    hits: [本次【通话会录音】]
    misses: [您听得清吗]
  - id: site/cooling-off
    part: 犹豫期
    when:
      match: [投保]
      hits: [我想【投保】]
    match: [犹豫期]
    say: 您有十五天犹豫期
    explain: 客户知道可以反悔，才敢放心决定。
    source: 测试
    hits: [有【犹豫期】]
    misses: [可以考虑几天]
"""
RECORDING = "坐席：本次通话会录音。"


@cache
def small(must_says: str = DEMAND) -> Rulebook:
    """Return a rule book with nothing but must-says."""
    with TemporaryDirectory() as folder:
        return load(Path(folder), rules={"must-says": must_says})


def heard(lines: list[str]) -> Moments:
    """Hear a call up to its present."""
    moments = Moments(finder(), must_says=MustSayFinder(small()))
    for utterance in spoken(lines):
        moments.hear(utterance)
    return moments


def missing(lines: list[str]) -> list[tuple[object, object]]:
    """Return part and lateness of what a whole call lacks."""
    ends = heard(lines).end()
    return [(each.details["part"], each.details["late"]) for each in ends if each.kind == "missing-must-say"]


def test_what_was_said_in_time_is_not_missing():
    """Said is said; the live list has its tick."""
    moments = heard([GREETING, RECORDING])
    [part] = [each for each in moments.must_says if each.phase == "call"]
    assert (part.id, part.due_ms, part.said, part.phrase) == (
        "site/recording",
        20_000,
        True,
        "本次通话会录音",
    )
    assert missing([GREETING, RECORDING, CLOSING]) == []


def test_what_was_never_said_is_told_at_the_end():
    """The moment names the part and the words for it."""
    assert missing([GREETING, CLOSING]) == [("录音告知", False)]


def test_what_was_said_too_late_is_told_as_late():
    """A notice after its time does not undo what was recorded before it."""
    assert missing([GREETING, "坐席：本次通话会录音。 +40", CLOSING]) == [("录音告知", True)]


def test_a_must_say_with_a_condition_waits_for_it():
    """Nothing is asked for in a call that has nothing to do with it; either side may bring it up."""
    assert [each.id for each in heard([GREETING]).must_says if each.phase == "call"] == ["site/recording"]
    asked = heard([GREETING, RECORDING, "客户：那我想投保"])
    assert [each.part for each in asked.must_says if each.phase == "call" and not each.said] == ["犹豫期"]
    assert missing([GREETING, RECORDING, "客户：那我想投保", CLOSING]) == [("犹豫期", False)]


def test_the_customers_words_do_not_tick_it():
    """He may ask for it; saying it is the agent's part."""
    script = [GREETING, "客户：通话会录音吧，我想投保，有犹豫期吗", CLOSING]
    assert missing(script) == [("录音告知", False), ("犹豫期", False)]


def test_a_review_finds_the_same():
    """A recording is judged by the same declarations."""
    turns = [RecordedTurn("agent", "您好"), RecordedTurn("customer", "我想投保")]
    review = CallReviewer(small()).review("1", turns)
    found = [each.details["part"] for each in review.moments if each.kind == "missing-must-say"]
    assert found == ["录音告知", "犹豫期"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("id: site/recording", "id: bank/recording"), "应以 site/ 开头"),
        (("within_s: 20", "within_s: 2"), "must_says.0.within_s"),
        (("    say: 本次通话会录音\n", ""), "must_says.0.say"),
        (("【通话会录音】", "通话会录音"), "要用【】标出"),
        (("[您听得清吗]", "[通话要录音]"), "例句不符"),
        (("id: site/cooling-off", "id: site/recording"), "写了两次"),
    ],
)
def test_a_wrong_declaration_is_explained(change: tuple[str, str], message: str):
    """File, line and field of what is wrong."""
    with pytest.raises(RulebookError) as error:
        small(DEMAND.replace(*change))
    assert message in str(error.value)
    assert "rules/must-says.yml:" in str(error.value)


@pytest.mark.parametrize("pack", ["insurance", "wealth", "collections", "privacy"])
def test_shipped_packs_declare_theirs_with_examples(pack: str):
    """Each loads with its examples and names its basis."""
    book = load_rulebook(
        rules_dir=shipped.rules_dir(),
        phrasebook_dir=shipped.phrasebook_dir(),
        packs=(pack,),
        check_examples=False,
    )
    from coach.rulebook.examples import check_must_says

    assert [each for each in book.must_says if not each.id.startswith(f"{pack}/") or not each.source] == []
    assert book.must_says
    assert check_must_says(book) == []


def test_they_are_documented() -> None:
    """What asks for it, by when, what to say and what counts: a supervisor signs that too."""
    pages = document(small())
    assert "## 必须说到的话" in pages
    assert "`site/recording` · 每通电话都要说 · " in pages
    assert "- 可以说：**本次通话会录音**" in pages
    assert "- 因为说到：" in pages
    assert pages.count("- 算说到了：") >= len(small().must_says)
