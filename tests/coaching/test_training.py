"""Training the second opinion."""

from __future__ import annotations

import pytest

from coach.coaching.score import LabelledSentence
from coach.coaching.training import train
from coach.errors import ConfigError
from coach.rulebook.book import Rulebook, load_rulebook
from coach.rulebook.models import CATEGORIES
from coach.rulebook.opinion import Opinion, dump
from coach.shipped import phrasebook_dir, rules_dir

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def book() -> Rulebook:
    """Return the shipped rules without a second opinion."""
    return load_rulebook(
        rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False, second_opinion=False
    )


def labelled() -> list[LabelledSentence]:
    """Make sentences of every category that are told apart by one word."""
    words = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰"
    faults = [
        LabelledSentence(f"{name}{turn}", f"您说的{word}方案要再看{turn}次", frozenset({name}))
        for name, word in zip(CATEGORIES, words, strict=True)
        for turn in "一两三四五六"
    ]
    clean = [
        LabelledSentence(f"c{turn}", f"您说的好方案我看{turn}次", frozenset()) for turn in "一两三四五六七八"
    ]
    return faults + clean


def test_learns_what_tells_categories_apart(book: Rulebook) -> None:
    """A word that only sentences of one category hold speaks for that category and for no other."""
    opinion = Opinion(train(labelled(), book), veto_below=0.02, notice_above=0.5, notices={})
    features = opinion.features("甲方案")
    likely = {name: opinion.probability(name, features) for name in CATEGORIES}
    assert max(likely, key=likely.__getitem__) == CATEGORIES[0]


def test_the_same_sentences_give_the_same_model(book: Rulebook) -> None:
    """Training has no chance in it."""
    assert dump(train(labelled(), book)) == dump(train(labelled(), book))


def test_every_category_needs_a_sentence(book: Rulebook) -> None:
    """Nothing can be learnt of a category that nobody labelled and no rule exemplifies."""
    with pytest.raises(ConfigError, match="没有一句标注为 ignorance"):
        train(labelled()[-8:], Rulebook("", (), book.phrasebook, (), book.vocabulary, book.tokenizer))
