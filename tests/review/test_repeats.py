"""Calls that share an id: each has one of its own in the results, and the summary tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from coach.commands.review_summary import print_summary
from coach.review.outputs import write_outputs
from coach.review.result import read_results
from coach.review.run import run_review
from tests.review.center import CLEAN, FAULTY, call_line

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.review.center import Center

GOOD, BAD = [("agent", CLEAN)], [("agent", FAULTY)]


def write(center: Center) -> list[Path]:
    """Write two files in which `a` comes three times, and a call that is called as the second would be."""
    first, second = center.root / "x.jsonl", center.root / "y.jsonl"
    first.write_bytes(call_line("a", GOOD) + call_line("b", GOOD) + call_line("a", BAD))
    second.write_bytes(call_line("a-2", GOOD) + call_line("a", BAD))
    return [first, second]


def test_every_call_has_an_id_of_its_own(center: Center) -> None:
    """The first keeps the id, later ones are numbered, past names that a call has; the source stays."""
    outcome = run_review(write(center), center.out, setup=center.setup(), workers=1)
    results = list(read_results(center.out / "results.jsonl"))
    assert [(result.id, result.source.line) for result in results] == [
        ("a", 1),
        ("b", 2),
        ("a-3", 3),
        ("a-2", 1),
        ("a-4", 2),
    ]
    assert outcome.summary["repeated_ids"] == 2
    assert orjson.loads((center.out / "summary.json").read_bytes())["repeated_ids"] == 2


def test_hits_are_of_their_call(center: Center) -> None:
    """In the files for people a hit names the call in which it was."""
    run_review(write(center), center.out, setup=center.setup(), workers=1)
    write_outputs(center.out, formats=["csv"])
    _, *rows = (center.out / "hits.csv").read_text("utf-8-sig").splitlines()
    assert [row.partition(",")[0] for row in rows] == ["a-3", "a-4"]


def test_differences_are_of_their_call(center: Center) -> None:
    """A comparison names the call that differs, not one that has the same id."""
    center.write_rules("older", match="[<self> 不 清楚]", hits="[【我不清楚】啊, 【我们不清楚】]")
    run_review(write(center), center.out, setup=center.setup(old="older"), workers=1)
    differences = (center.out / "differences.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["id"] for line in differences] == ["a-3", "a-4"]


def test_ids_that_are_unique_stay(center: Center) -> None:
    """Nothing is renamed and nothing told when no call shares an id."""
    center.write_calls(GOOD, BAD)
    outcome = run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert [result.id for result in read_results(center.out / "results.jsonl")] == ["c0", "c1"]
    assert outcome.summary["repeated_ids"] == 0


def test_the_summary_tells(center: Center, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever gave the same export twice learns it at the end of the run."""
    import sys

    outcome = run_review(write(center), center.out, setup=center.setup(), workers=1)
    print_summary(outcome, center.out, [], sys.stdout, took=1)
    assert "有 2 通的编号前面已有别的通话用过" in capsys.readouterr().out
