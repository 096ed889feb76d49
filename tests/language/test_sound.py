"""Sounds: one private character per syllable, tones aside."""

from __future__ import annotations

import pytest

from coach.language.sound import sounds


@pytest.mark.parametrize(
    ("one", "other"), [("不知道", "部之到"), ("没办法", "梅半发"), ("投诉", "投素"), ("难道", "南到")]
)
def test_same_sound(one: str, other: str) -> None:
    """Characters of the same syllable are alike, whatever their tone."""
    assert sounds(one) == sounds(other)


@pytest.mark.parametrize(("one", "other"), [("女", "努"), ("不", "普"), ("知", "资"), ("你", "里")])
def test_other_sound(one: str, other: str) -> None:
    """Syllables that differ stay apart: ü is not u, zh is not z, n is not l."""
    assert sounds(one) != sounds(other)


def test_keeps_length_and_other_characters() -> None:
    """Offsets stay valid: one character for one character, and what is no Han character stays."""
    text = "我a1，。😀\x00知道"
    heard = sounds(text)
    assert len(heard) == len(text)
    assert heard[1:7] == text[1:7]
