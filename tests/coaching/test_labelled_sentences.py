"""The labelled sentences can be trusted as a measure."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from coach.commands.scoring import read_labelled
from coach.language.text import normalize

FOLDER = Path(__file__).parents[1] / "data" / "sentences"


def texts(pattern: str) -> list[str]:
    """Return the normalised texts of some files; reading fails on a broken line or an unknown category."""
    return [
        normalize(sentence.text).text
        for path in sorted(FOLDER.glob(pattern))
        for sentence in read_labelled(path.read_text("utf-8").splitlines(), name=path.name)
    ]


def test_ids_are_given_once() -> None:
    """An error can be found by its id."""
    ids = Counter(
        sentence.id
        for path in FOLDER.glob("*.jsonl")
        for sentence in read_labelled(path.read_text("utf-8").splitlines(), name=path.name)
    )
    assert [each for each, count in ids.items() if count > 1] == []


def test_nothing_blind_has_been_learnt() -> None:
    """No sentence of the blind parts stands in the learning parts."""
    assert set(texts("blind-*.jsonl")) & set(texts("learn-*.jsonl")) == set()


def test_there_are_enough() -> None:
    """At least 2,000 to learn from and 1,000 to be judged by."""
    assert len(texts("learn-*.jsonl")) >= 2000
    assert len(texts("blind-*.jsonl")) >= 1000
