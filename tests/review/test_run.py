"""A run over files: complete, in order, the same with any number of workers, and broken off without loss."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
import pytest

from coach.errors import ConfigError, TranscriptError
from coach.review.journal import Journal
from coach.review.result import read_results
from coach.review.run import run_review
from tests.review.center import CLEAN, FAULTY, call_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.review.center import Center

TURNS = [("agent", CLEAN), ("customer", "什么时候到" * 20), ("agent", FAULTY), ("customer", "那算了" * 30)]


def many(center: Center, count: int = 300) -> None:
    """Write so many calls that they make several batches."""
    center.calls.write_bytes(b"".join(call_line(f"c{number:04}", TURNS) for number in range(count)))


def lines(path: Path) -> list[bytes]:
    """Return the lines of a file."""
    return path.read_bytes().splitlines()


def files(directory: Path) -> dict[str, bytes]:
    """Return the results of a directory by name."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()}


def stop_after(calls: int) -> Callable[[], bool]:
    """Return a `stopping` that says so after it was asked so often."""
    asked = iter(range(calls))
    return lambda: next(asked, None) is None


def test_every_call_has_its_line_in_order(center: Center) -> None:
    """Results stand in the order of the input."""
    many(center)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert [result.id for result in read_results(center.out / "results.jsonl")] == [
        f"c{number:04}" for number in range(300)
    ]


def test_two_workers_write_the_same_files_as_one(center: Center) -> None:
    """The number of workers cannot be seen in the results."""
    many(center)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    run_review([center.calls], center.root / "two", setup=center.setup(), workers=2)
    assert files(center.root / "two") == files(center.out)


def test_a_broken_record_is_set_aside(center: Center) -> None:
    """The rest goes on; the reject names file, line and what is wrong."""
    center.calls.write_bytes(
        call_line("a", TURNS) + b'{"id": "b", "turns": [{"spea\n' + call_line("c", TURNS)
    )
    outcome = run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert (outcome.tally.calls, outcome.tally.rejects) == (2, 1)
    reject = orjson.loads(lines(center.out / "rejects.jsonl")[0])
    assert (reject["file"], reject["line"]) == (str(center.calls), 2)
    assert reject["problem"]


def test_a_reject_keeps_its_record_masked(center: Center) -> None:
    """What was set aside can be looked at, without the customer's number."""
    broken = '{"id": "b", "text": "我的电话是13812345678", "turns": [{"spea\n'
    center.calls.write_bytes(call_line("a", TURNS) + broken.encode() + call_line("c", TURNS))
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    raw = orjson.loads(lines(center.out / "rejects.jsonl")[0])["raw"]
    assert '"id": "b"' in raw
    assert "12345678" not in raw


def test_a_stopped_run_goes_on_where_it_stopped(center: Center) -> None:
    """What was done is not done again, and the end is the same as without the stop."""
    many(center)
    run_review([center.calls], center.root / "whole", setup=center.setup(), workers=1)
    first = run_review([center.calls], center.out, setup=center.setup(), workers=1, stopping=stop_after(120))
    assert not first.finished
    assert not (center.out / "results.jsonl").exists()
    second = run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert 0 < first.tally.calls == second.resumed < 300
    assert files(center.out) == files(center.root / "whole")


def test_a_run_may_go_on_with_other_workers(center: Center) -> None:
    """Batches depend on the input alone."""
    many(center)
    run_review([center.calls], center.root / "whole", setup=center.setup(), workers=1)
    run_review([center.calls], center.out, setup=center.setup(), workers=1, stopping=stop_after(120))
    second = run_review([center.calls], center.out, setup=center.setup(), workers=2)
    assert second.resumed > 0
    assert files(center.out) == files(center.root / "whole")


def test_a_torn_part_is_done_again(center: Center) -> None:
    """A part that is shorter than its tally says does not count."""
    many(center)
    run_review([center.calls], center.out, setup=center.setup(), workers=1, stopping=stop_after(200))
    part = next((center.out / ".review").glob("*.results"))
    part.write_bytes(part.read_bytes()[:-10])
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert sum(1 for _ in read_results(center.out / "results.jsonl")) == 300


def test_a_finished_run_is_not_done_again(center: Center) -> None:
    """The same command once more: the same answer at once."""
    many(center, 10)
    first = run_review([center.calls], center.out, setup=center.setup(), workers=1)
    again = run_review([center.calls], center.out, setup=center.setup(), workers=1, stopping=lambda: True)
    assert again.finished
    assert (again.summary, again.resumed) == (first.summary, 10)


def test_changed_input_is_refused(center: Center) -> None:
    """Results of two inputs never mix; the message names the file and the way out."""
    many(center, 10)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    many(center, 11)
    with pytest.raises(ConfigError, match=r"改过的文件: .*calls\.jsonl[\s\S]*--fresh"):
        run_review([center.calls], center.out, setup=center.setup(), workers=1)


def test_a_new_file_is_refused(center: Center) -> None:
    """A folder that has grown is another input."""
    center.write_calls(TURNS, name="in/a.jsonl")
    run_review([center.root / "in"], center.out, setup=center.setup(), workers=1)
    center.write_calls(TURNS, name="in/b.jsonl")
    with pytest.raises(ConfigError, match=r"新增的文件: .*b\.jsonl"):
        run_review([center.root / "in"], center.out, setup=center.setup(), workers=1)


def test_changed_rules_are_refused(center: Center) -> None:
    """Half a month with old rules and half with new ones would be worth nothing."""
    many(center)
    run_review([center.calls], center.out, setup=center.setup(), workers=1, stopping=stop_after(120))
    center.write_rules(severity="violation")
    with pytest.raises(ConfigError, match=r"做了一半的[\s\S]*规则: 上次 \w{12}，这次 \w{12}"):
        run_review([center.calls], center.out, setup=center.setup(), workers=1)


def test_a_changed_scorecard_is_refused(center: Center) -> None:
    """So would scores of two cards."""
    many(center, 10)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    center.card.write_text(center.card.read_text("utf-8").replace("passing: 90", "passing: 60"), "utf-8")
    with pytest.raises(ConfigError, match="评分卡: 上次 card"):
        run_review([center.calls], center.out, setup=center.setup(), workers=1)


def test_masking_is_part_of_the_terms(center: Center) -> None:
    """Masked and unmasked lines never stand in one file."""
    many(center, 10)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    with pytest.raises(ConfigError, match="是否遮盖个人信息: 上次 是，这次 否"):
        run_review([center.calls], center.out, setup=center.setup(masked=False), workers=1)


def test_fresh_starts_over(center: Center) -> None:
    """Whoever says so gets a new review in the old place."""
    many(center, 10)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    many(center, 11)
    outcome = run_review([center.calls], center.out, setup=center.setup(), workers=1, fresh=True)
    assert (outcome.tally.calls, outcome.resumed) == (11, 0)


def test_starting_over_takes_the_old_results_away(center: Center) -> None:
    """A fresh run that is broken off leaves nothing that looks like its result."""
    many(center)
    center.write_rules("older")
    run_review([center.calls], center.out, setup=center.setup(old="older"), workers=1)
    run_review(
        [center.calls], center.out, setup=center.setup(), workers=1, fresh=True, stopping=stop_after(50)
    )
    assert files(center.out) == {}


def test_a_foreign_directory_is_left_alone(center: Center) -> None:
    """A directory with other files in it is refused, and nothing is written there."""
    many(center, 1)
    center.out.mkdir()
    (center.out / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="已有别的文件"):
        run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert [path.name for path in center.out.iterdir()] == ["thesis.txt"]


def test_a_directory_in_use_is_refused(center: Center) -> None:
    """Two reviews never write one directory."""
    many(center, 1)
    with Journal(center.out), pytest.raises(ConfigError, match="另一个 coach review"):
        run_review([center.calls], center.out, setup=center.setup(), workers=1)


def test_output_inside_the_input_is_not_read(center: Center) -> None:
    """Results look like calls; a folder that holds its own output is still reviewed right."""
    center.write_calls(TURNS, TURNS, name="in/a.jsonl")
    folder = center.root / "in"
    run_review([folder], folder / "out", setup=center.setup(), workers=1)
    again = run_review([folder], folder / "out", setup=center.setup(), workers=1)
    assert again.summary["calls"] == 2


def test_nothing_to_review_is_said(center: Center) -> None:
    """An empty folder is a mistake, not a result."""
    (center.root / "empty").mkdir()
    with pytest.raises(TranscriptError, match="empty: 没有文件"):
        run_review([center.root / "empty"], center.out, setup=center.setup(), workers=1)


def test_since_passes_over_earlier_calls(center: Center) -> None:
    """Calls before the day are counted as skipped; calls without a date are reviewed."""
    center.calls.write_bytes(
        call_line("old", TURNS, started_at="2026-10-31T23:59:59")
        + call_line("new", TURNS, started_at="2026-11-01T00:00:00")
        + call_line("undated", TURNS)
    )
    setup = center.setup(since=datetime.fromisoformat("2026-11-01T00:00:00"))
    outcome = run_review([center.calls], center.out, setup=setup, workers=1)
    assert [result.id for result in read_results(center.out / "results.jsonl")] == ["new", "undated"]
    assert outcome.summary["skipped"] == 1


def test_the_summary_adds_up(center: Center) -> None:
    """Calls, turns, hits, points and passes are those of the lines."""
    many(center, 40)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    summary = orjson.loads((center.out / "summary.json").read_bytes())
    results = list(read_results(center.out / "results.jsonl"))
    assert summary["calls"] == len(results) == 40
    assert summary["turns"] == sum(len(result.turns) for result in results)
    assert summary["categories"] == {"ignorance": sum(len(result.hits) for result in results)}
    assert summary["mean_points"] == round(sum(result.score.points for result in results) / 40, 2)
    assert summary["passed"] == sum(result.score.passed for result in results)


def test_comparing_tells_what_appears_and_vanishes(center: Center) -> None:
    """With the old rules beside the new ones, differences name call, hit, turn before and scores."""
    center.write_rules("older", match="[<self> 不 清楚]", hits="[【我不清楚】啊, 【我们不清楚】]")
    center.write_calls([("agent", CLEAN), ("customer", "几点到"), ("agent", FAULTY)], [("agent", CLEAN)])
    outcome = run_review([center.calls], center.out, setup=center.setup(old="older"), workers=1)
    assert outcome.comparison is not None
    assert outcome.comparison["rules"]["ignorance/bare"]["appeared"] == 1
    assert (outcome.comparison["old"]["hits"], outcome.comparison["new"]["hits"]) == (0, 1)
    difference = orjson.loads(lines(center.out / "differences.jsonl")[0])
    assert (difference["id"], difference["old_points"], difference["new_points"]) == ("c0", 100.0, 95.0)
    assert (difference["appeared"][0]["before"], difference["appeared"][0]["said"]) == ("几点到", FAULTY)


def test_comparing_with_the_same_rules_finds_nothing(center: Center) -> None:
    """No rule changed, no difference."""
    center.write_rules("older")
    many(center, 5)
    outcome = run_review([center.calls], center.out, setup=center.setup(old="older"), workers=1)
    assert outcome.comparison is not None
    assert (outcome.comparison["changed_calls"], outcome.comparison["rules"]) == (0, {})


def test_a_changed_severity_is_told(center: Center) -> None:
    """The hit stays, weighs otherwise, and the score follows."""
    center.write_rules("older", severity="notice")
    center.write_calls([("agent", CLEAN), ("agent", FAULTY)])
    outcome = run_review([center.calls], center.out, setup=center.setup(old="older"), workers=1)
    assert outcome.comparison is not None
    assert outcome.comparison["rules"]["ignorance/bare"]["changed"] == 1
    assert (outcome.comparison["worse"], outcome.comparison["better"]) == (1, 0)


def test_a_call_that_cannot_be_judged_costs_only_itself(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours in one call becomes a reject with its place; the others have results."""
    from coach.coaching.review_call import CallReviewer

    review = CallReviewer.review

    def trip(self: CallReviewer, call_id: str, *args: object, **more: object) -> object:
        if call_id == "c0001":
            raise ZeroDivisionError("of ours")
        return review(self, call_id, *args, **more)

    monkeypatch.setattr(CallReviewer, "review", trip)
    many(center, 3)
    outcome = run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert (outcome.tally.calls, outcome.tally.failed) == (2, 1)
    reject = orjson.loads(lines(center.out / "rejects.jsonl")[0])
    assert (reject["line"], "ZeroDivisionError" in reject["problem"]) == (2, True)


def test_a_call_without_an_agent_is_set_aside(center: Center) -> None:
    """Nobody to judge means no points; the reject tells the option that names the agent."""
    center.write_calls(TURNS, [("customer", "喂"), ("customer", "有人吗")])
    outcome = run_review([center.calls], center.out, setup=center.setup(), workers=1)
    assert (outcome.tally.calls, outcome.tally.rejects) == (1, 1)
    reject = orjson.loads(lines(center.out / "rejects.jsonl")[0])
    assert (reject["field"], reject["line"]) == ("speaker", 2)
    assert "--agent-is" in reject["problem"]


def test_a_missing_scorecard_is_said(center: Center) -> None:
    """A file that is not there: its name and what the system says."""
    from coach.errors import RulebookError

    many(center, 1)
    setup = replace(center.setup(), scorecard=center.root / "no.yml")
    with pytest.raises(RulebookError, match=r"no\.yml: 读不到文件"):
        run_review([center.calls], center.out, setup=setup, workers=1)
