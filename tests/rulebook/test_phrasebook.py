"""Phrases: filled or without, never with a hole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.rulebook.phrasebook import Phrase, Phrasebook


def phrase(say: str, without: str = "", name: str = "a/x") -> Phrase:
    """Make a phrase."""
    return Phrase(name, say, without, "总是", ())


@pytest.mark.parametrize(
    ("say", "without", "values", "text"),
    [
        pytest.param("好的", "", {}, "好的", id="no-slot"),
        pytest.param("请{org}查", "请他们查", {"org": "晨光"}, "请晨光查", id="filled"),
        pytest.param("请{org}查", "请他们查", {}, "请他们查", id="unknown"),
        pytest.param("请{org}查", "请他们查", {"org": ""}, "请他们查", id="empty"),
        pytest.param(
            "{rest}，我查", "我查", {"rest": "，什么时候到？"}, "什么时候到，我查", id="marks-trimmed"
        ),
        pytest.param("{org}和{rest}", "都行", {"org": "晨光"}, "都行", id="one-of-two"),
        pytest.param("{rest}，我查", "我查", {"rest": "长" * 40}, "我查", id="too-long-to-read"),
        pytest.param("请{org}查", "", {}, None, id="nothing-to-say"),
        pytest.param(
            "请{org}查", "请他们查", {"org": "{rest}", "rest": "x"}, "请{rest}查", id="filled-once-only"
        ),
        pytest.param("{rest}，我查", "我查", {"rest": "，。"}, "我查", id="nothing-but-marks"),
    ],
)
def test_fills(say: str, without: str, values: dict[str, str], text: str | None) -> None:
    """Every slot is filled, or the wording without slots is taken."""
    assert phrase(say, without).fill(values) == text


@given(st.dictionaries(st.sampled_from(["org", "rest"]), st.text(alphabet="甲，。 ", max_size=5)))
def test_never_has_a_hole(values: dict[str, str]) -> None:
    """Whatever is known, the text has something where its slots were."""
    assert phrase("请{org}查{rest}好", "请他们查").fill(values) not in {"请查好", "请查甲好", "请甲查好", ""}


BOOK = Phrasebook(
    [
        phrase("一", name="a/1"),
        phrase("二{org}", "二", name="a/2"),
        phrase("三", name="a/3"),
        phrase("一", name="a/4"),
    ]
)


@pytest.mark.parametrize(
    ("keys", "used", "chosen"),
    [
        (["a/1", "a/2", "a/3"], (), ["a/1", "a/2"]),
        (["a/1", "a/2", "a/3"], {"a/1"}, ["a/2", "a/3"]),
        (["a/1", "a/2"], {"a/1"}, ["a/2", "a/1"]),
        (["a/1", "a/4", "a/3"], (), ["a/1", "a/3"]),
        (["a/none", "a/3"], (), ["a/3"]),
        ([], (), []),
    ],
)
def test_chooses_two(keys: list[str], used: set[str], chosen: list[str]) -> None:
    """Best first, phrases already used last, the same words once, unknown keys not at all."""
    assert [key for key, _ in BOOK.choose(keys, {}, used=used)] == chosen
