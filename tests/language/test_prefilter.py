"""The index of needed words: which patterns are worth searching."""

from __future__ import annotations

import random

import pytest

from coach.language.prefilter import Prefilter


def candidates(text: str, *anchors: list[set[str]]) -> list[int]:
    """Scan a text with an index of these anchors."""
    prefilter = Prefilter([[frozenset(words) for words in sets] for sets in anchors], disturbing=["Ａ"])
    return prefilter.candidates(text, prefilter.scan(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("我不知道", [0], id="one-word"),
        pytest.param("没清楚", [0, 1], id="other-word-of-the-set"),
        pytest.param("不清楚", [0], id="second-single-character-is-missing"),
        pytest.param("应该可以", [2], id="pair"),
        pytest.param("应该", [], id="half-a-pair"),
        pytest.param("可以", [], id="other-half-of-a-pair"),
        pytest.param("别", [3], id="single-character-alone"),
        pytest.param("你好", [], id="nothing"),
    ],
)
def test_names_the_patterns_that_could_match(text: str, expected: list[int]) -> None:
    """A pattern is a candidate when a word of each looked-up set stands in the text."""
    assert (
        candidates(
            text,
            [{"知道", "清楚"}],
            [{"知道", "清楚"}, {"没"}],
            [{"应该"}, {"可以", "没问题"}],
            [{"别"}],
        )
        == expected
    )


@pytest.mark.parametrize("seed", range(20))
def test_patterns_of_everyday_words_are_found_like_all_others(seed: int) -> None:
    """Common words or rare ones, many sets or few: no pattern is lost, and none of up to three sets comes in vain."""
    rng = random.Random(seed)
    letters = "的您是请可以呢这有到鑫焱淼"
    words = [*letters, *("".join(rng.choices(letters, k=2)) for _ in range(20))]
    anchors = [
        [set(rng.choices(words, k=rng.randint(1, 4))) for _ in range(rng.randint(1, 5))] for _ in range(60)
    ]
    for _ in range(30):
        text = "".join(rng.choices(letters, k=rng.randint(1, 12)))
        needed = [
            pattern
            for pattern, sets in enumerate(anchors)
            if all(any(word in text for word in words) for words in sets)
        ]
        found = candidates(text, *anchors)
        assert found == sorted(found)
        assert set(needed) <= set(found)
        assert not [number for number in set(found).difference(needed) if len(anchors[number]) < 4]


def test_words_inside_words_count() -> None:
    """Overlapping anchors are all seen."""
    assert candidates("不知道", [{"不知道"}], [{"知道"}], [{"不知"}]) == [0, 1, 2]


def test_large_sets_are_looked_up_alone() -> None:
    """Two sets that would make too many pairs lose nothing."""
    one = {f"甲{chr(0x4E00 + index)}" for index in range(40)}
    two = {f"乙{chr(0x4E00 + index)}" for index in range(40)}
    assert candidates("甲一乙一", [one, two]) == [0]


def test_disturbing_pieces_are_told_from_anchors() -> None:
    """A text that has to be normalised first is recognised, one that merely holds an anchor is not."""
    prefilter = Prefilter([[frozenset({"知道"})]], disturbing=["Ａ"])
    assert prefilter.candidates_as_written("Ａ知道", prefilter.scan("Ａ知道")) is None
    assert prefilter.candidates_as_written("知道", prefilter.scan("知道")) == [0]
    assert prefilter.candidates("Ａ知道", prefilter.scan("Ａ知道")) == [0]


def test_empty_index_scans() -> None:
    """No patterns, no candidates, no error."""
    prefilter = Prefilter([])
    assert prefilter.candidates("知道", prefilter.scan("知道")) == []
