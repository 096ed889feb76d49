"""`coach review` as its user sees it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from typer.testing import CliRunner

from coach.cli import app
from coach.errors import ConfigError
from tests.review.center import CLEAN, FAULTY

if TYPE_CHECKING:
    from click.testing import Result

    from tests.review.center import Center


@pytest.fixture(autouse=True)
def _own_config(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of proven rules stays in the test's folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(center.root / "config"))


def review(center: Center, *more: str) -> Result:
    """Run the command over the center's calls."""
    folders = center.folders()
    options = {"--rules": folders.rules, "--phrasebook": folders.phrasebook, "--scorecard": center.card}
    named = [text for name, path in options.items() for text in (name, str(path))]
    command = ["review", str(center.calls), "--out", str(center.out), "--workers", "1", *named, *more]
    return CliRunner().invoke(app, command)


def test_the_summary_says_how_it_went(center: Center) -> None:
    """Calls, mean, passes, hits and the files, in Chinese."""
    center.write_calls([("agent", CLEAN), ("customer", "几点到"), ("agent", FAULTY)], [("agent", CLEAN)])
    result = review(center)
    assert result.exit_code == 0, result.output
    assert "质检 2 通，读不懂 0 条" in result.output
    assert "平均 97.5 分（满分 100，及格 90，测试评分卡），及格率 100.0%" in result.output
    assert "坐席用语命中 1 处（提醒 1），每百句有 33.3 句需要换个说法" in result.output
    assert "正在写报告…" in result.output
    assert str(center.out / "report.html") in result.output


def test_the_report_and_the_workbook_are_there(center: Center) -> None:
    """What people open is written with the results."""
    center.write_calls([("agent", CLEAN), ("agent", FAULTY)])
    review(center)
    assert {"results.jsonl", "rejects.jsonl", "summary.json", "report.html", "review.xlsx", "calls.csv"} <= {
        path.name for path in center.out.iterdir()
    }


def test_json_ends_with_the_summary(center: Center) -> None:
    """Every line is JSON; the last one holds summary and files."""
    center.write_calls([("agent", CLEAN)])
    lines = [orjson.loads(line) for line in review(center, "--json").output.splitlines()]
    assert [line["type"] for line in lines[-2:]] == ["progress", "summary"]
    assert lines[-1]["summary"]["calls"] == 1


def test_nothing_readable_is_exit_code_two(center: Center) -> None:
    """A file without a single call: the user learns where the reasons are."""
    center.calls.write_bytes(b'{"id": "a", "turns": [{"spea\n{"id": "b"}\n')
    result = review(center)
    assert result.exit_code == 2
    assert "rejects.jsonl" in result.output


def test_unmasked_says_so(center: Center) -> None:
    """Leaving personal data readable is never silent."""
    center.write_calls([("agent", CLEAN)])
    assert "未脱敏" in review(center, "--unmasked").stderr


def test_masking_switched_off_for_the_site_holds_for_reviews(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COACH_MASKING=off is obeyed as everywhere, and never silent."""
    monkeypatch.setenv("COACH_MASKING", "off")
    center.write_calls([("agent", "您的手机号是13800000000，这个我不知道啊")])
    result = review(center)
    assert "未脱敏" in result.stderr
    assert "13800000000" in (center.out / "results.jsonl").read_text("utf-8")


def test_a_failing_example_stops_the_review(center: Center) -> None:
    """Rules that fail their own examples judge nobody."""
    center.write_rules(hits="[【我知道】啊, 【我们不清楚】]")
    center.write_calls([("agent", CLEAN)])
    result = review(center)
    assert "例" in str(result.exception)
    assert not center.out.exists()


def test_examples_are_run_once_for_the_same_rules(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second review with proven rules does not run their examples again."""
    center.write_calls([("agent", CLEAN)])
    review(center)

    def run(_: object) -> list[object]:
        pytest.fail("the examples were run again")

    monkeypatch.setattr("coach.rulebook.proof.check_examples", run)
    assert review(center, "--fresh").exit_code == 0


def test_a_changed_condition_is_an_error_of_the_operator(center: Center) -> None:
    """Going on with other calls is refused before anything is written."""
    center.write_calls([("agent", CLEAN)])
    review(center)
    center.write_calls([("agent", FAULTY)])
    assert isinstance(review(center).exception, ConfigError)


def test_comparing_shows_examples_in_context(center: Center) -> None:
    """A new hit appears with its call, the turn before and the marked words."""
    center.write_rules("older", match="[<self> 不 清楚]", hits="[【我不清楚】啊, 【我们不清楚】]")
    center.write_calls([("agent", CLEAN), ("customer", "几点到"), ("agent", FAULTY)])
    output = review(center, "--compare", str(center.root / "older")).output
    assert "命中 0 → 1，平均分 100.0 → 95.0" in output
    assert "前一句：几点到" in output
    assert "+ c0  这个【我不知道】啊" in output


def test_help_teaches_by_examples() -> None:
    """The help names exit codes and shows commands to copy."""
    output = CliRunner().invoke(app, ["review", "--help"]).output
    assert "coach review 录音转写/ --out 质检结果" in output
    assert "退出码" in output


def test_the_summary_and_the_report_tell_the_same_rate(center: Center) -> None:
    """Two hits in one turn are one turn in a hundred, on the screen and in the report."""
    center.write_calls([("agent", f"{FAULTY}，{FAULTY}"), *[("agent", CLEAN)] * 99])
    assert "每百句有 1.0 句" in review(center).output
    summary = orjson.loads((center.out / "summary.json").read_bytes())
    assert (summary["faulty_turns"], summary["agent_turns"]) == (1, 100)
    assert "有 1.0 句需要换个说法" in (center.out / "report.html").read_text("utf-8")


def test_columns_that_are_named_are_read(center: Center) -> None:
    """What a message of `coach review` advises is there: a table with headers of its own is judged."""
    center.calls.write_text(f"谁,说了什么\n客服,{FAULTY}\n客户,好\n", encoding="utf-8")
    assert "--column text=列名" in (review(center), (center.out / "rejects.jsonl").read_text())[1]
    result = review(center, "--fresh", "--column", "speaker=谁", "--column", "text=说了什么")
    assert result.exit_code == 0, result.output
    assert "质检 1 通" in result.output


def test_other_columns_are_other_conditions(center: Center) -> None:
    """Results that were read by other columns are never gone on with."""
    center.calls.write_text(f"角色,内容,备注\n客服,{FAULTY},{CLEAN}\n", encoding="utf-8")
    assert review(center).exit_code == 0
    assert isinstance(review(center, "--column", "text=备注").exception, ConfigError)


def test_a_column_without_a_field_is_a_wrong_argument(center: Center) -> None:
    """The message says what came and what was expected."""
    center.write_calls([("agent", CLEAN)])
    result = review(center, "--column", "说了什么")
    assert result.exit_code == 2
    assert "FIELD=HEADER" in result.output


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
def test_names_of_files_in_another_encoding(center: Center) -> None:
    """A folder that was unpacked on Linux from a Chinese Windows: its names in GBK are told as they were meant."""
    folder = center.calls
    folder.mkdir()
    names = ["十月/甲.txt".encode("gbk"), "乙.txt".encode(), b"\xff\xfe.txt"]
    for name in names:
        file = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"客服：{FAULTY}\n客户：好\n", encoding="utf-8")
    result = review(center)
    assert result.exit_code == 0, result.output
    lines = (center.out / "results.jsonl").read_bytes().splitlines()
    assert {orjson.loads(line)["id"] for line in lines} == {"十月/甲", "乙", "%FF%FE"}
    assert review(center).exit_code == 0, "gone on with"
