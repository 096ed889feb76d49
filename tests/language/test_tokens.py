"""Words: the fast tokenizer is held to jieba itself, over sentences made of our own."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from coach.language.text import normalize
from coach.language.tokens import Tokenizer, _import_jieba

if TYPE_CHECKING:
    from collections.abc import Iterator

SENTENCES = Path(__file__).parents[1] / "data" / "sentences"
# What recognisers and chat platforms put between words, and characters that only one of the two may know.
ODDITIES = [
    "-", "_", "+", "#", "&", ".", "%", "c++", "5.5%", "a-b", "vip_1", "100", "app", "wifi6", "95588", "3g",
    "㐀", "䶮", "鿿", "豈", "𠮷", "𪚥", "😀", "→", "①", "°", "／", "\u200d", "ñ", "か", "한", "\t", "\x00", "⿰",
]  # fmt: skip


def sentences(count: int) -> Iterator[str]:
    """Make sentences from pieces of the labelled ones, with oddities strewn in; always the same."""
    chance = random.Random(7)
    pool = [
        json.loads(line)["text"]
        for path in sorted(SENTENCES.glob("learn-*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    yield from pool
    for _ in range(count - len(pool)):
        one, two = chance.choice(pool), chance.choice(pool)
        text = one[: chance.randrange(len(one) + 1)] + two[chance.randrange(len(two)) :]
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(ODDITIES) + text[at:]
        yield text


def reference(words: list[str]) -> Any:
    """Make jieba's own tokenizer with the same words, each with the frequency that keeps it whole."""
    jieba = _import_jieba().Tokenizer()
    jieba.initialize()
    for word, frequency in {word: max(jieba.suggest_freq(word), 5) for word in sorted(words)}.items():
        jieba.add_word(word, frequency, "x")
    return jieba


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="dictionary-as-shipped"),
        pytest.param(["没收到", "查不了", "回个电"], id="new-words"),
        pytest.param(["不是", "知道", "应该", "没收到", "我们"], id="known-words-overwritten"),
    ],
)
def test_cuts_as_jieba_does(words: list[str]) -> None:
    """Over 1,800 sentences, raw and normalised, the words are exactly those of jieba with HMM off."""
    ours, theirs = Tokenizer(words), reference(words)
    different = [
        text
        for sentence in sentences(1_800)
        for text in (sentence, normalize(sentence).text)
        if ours.cut(text) != theirs.lcut(text, HMM=False)
    ]
    assert different == []


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("我不知道", ["我", "不", "知道"]),
        ("是不是不要查不到", ["是不是", "不要", "查不到"]),
        ("应该的，好", ["应该", "的", "，", "好"]),
        ("", []),
        ("？！，", ["？", "！", "，"]),
    ],
)
def test_cuts_into_words(text: str, tokens: list[str]) -> None:
    """The boundaries that the rule reference promises are there, and each mark is a word of its own."""
    assert Tokenizer().cut(text) == tokens


def test_added_word_stays_whole() -> None:
    """A word of words.yml is never split."""
    assert Tokenizer().cut("我没收到短信") != ["我", "没收到", "短信"]
    assert Tokenizer(["没收到"]).cut("我没收到短信") == ["我", "没收到", "短信"]


def test_order_of_words_does_not_matter() -> None:
    """The same words in another order cut alike."""
    words = ["没收到", "不是", "查不了"]
    one, two = Tokenizer(words), Tokenizer(reversed(words))
    assert all(one.cut(text) == two.cut(text) for text in sentences(200))


def test_joined_words_are_the_text(tokenizer: Tokenizer) -> None:
    """Cutting loses and adds no character, so offsets can be counted on words."""
    assert all("".join(tokenizer.cut(text)) == text for text in sentences(1_300))


def test_tags_are_those_of_the_dictionary(tokenizer: Tokenizer) -> None:
    """A part of speech comes from jieba's dictionary; an unknown word and every clause mark is x."""
    assert [tokenizer.tag(word) for word in ("知道", "清楚", "我", "龘龘龘", *"，。？！；")] == [
        "v", "a", "r", "x", "x", "x", "x", "x", "x",
    ]  # fmt: skip


def test_likelier_words_score_higher(tokenizer: Tokenizer) -> None:
    """Frequent words are likelier than rare ones, and an unknown word is not impossible."""
    likely = tokenizer.log_probability(["不", "知道"])
    unknown = tokenizer.log_probability(["部", "鿿鿿"])
    assert float("-inf") < unknown < likely < 0


def test_pickles_by_content() -> None:
    """A copy in another process has the same words."""
    copy = pickle.loads(pickle.dumps(Tokenizer(["没收到"])))
    assert copy.cut("没收到") == ["没收到"]
