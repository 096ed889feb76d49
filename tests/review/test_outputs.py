"""All outputs of a review directory: complete or not there, the same numbers everywhere, memory that does not grow."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import orjson
import pytest
from pyarrow import parquet

from coach.coaching.moment import Moment
from coach.errors import ConfigError, TranscriptError
from coach.review.outputs import OUTPUTS, write_outputs
from coach.review.result import ResultTurn
from tests.review.result_records import result, results, write

ROOT = Path(__file__).parents[2]


@pytest.fixture
def review(tmp_path: Path) -> Path:
    """A finished review of two hundred calls with one reject."""
    write(tmp_path / "results.jsonl", results(200))
    reject = {
        "file": "a.csv",
        "line": 3,
        "field": "speaker",
        "problem": "收到 '甲'，应为客服",
        "raw": "甲,喂",
    }
    (tmp_path / "rejects.jsonl").write_bytes(orjson.dumps(reject) + b"\n")
    return tmp_path


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as a spreadsheet would."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_everything_is_written(review: Path) -> None:
    """All formats, named in the answer, and nothing else is left in the directory."""
    written = write_outputs(review, formats=OUTPUTS)
    names = {path.name for path in written}
    assert {"report.html", "review.xlsx", "calls.csv", "hits.parquet"} <= names
    assert {path.name for path in review.iterdir()} == names | {"results.jsonl", "rejects.jsonl"}


def test_csv_and_parquet_have_the_same_rows(review: Path) -> None:
    """Calls, hits and moments, each as often as in the results."""
    write_outputs(review, formats=["csv", "parquet"])
    found = list(results(200))
    expected = {
        "calls": len(found),
        "hits": sum(len(one.hits) for one in found),
        "moments": sum(len(one.moments) for one in found),
    }
    for name, count in expected.items():
        lines = rows_of(review / f"{name}.csv")
        table = parquet.read_table(review / f"{name}.parquet")
        assert len(lines) == table.num_rows == count
        assert list(lines[0]) == table.column_names
        assert [line["call_id"] for line in lines] == table.column("call_id").to_pylist()


def test_parquet_is_typed(review: Path) -> None:
    """Times are times, lists are lists, and values survive the round trip."""
    write(review / "results.jsonl", [result(), result("undated", started_at=None, hits=())])
    write_outputs(review, formats=["parquet"])
    first, second = parquet.read_table(review / "calls.parquet").to_pylist()
    assert first["started_at"] == datetime.fromisoformat("2026-11-01T09:00")
    assert second["started_at"] is None
    assert first["categories"] == ["ignorance"]
    assert first["points"] == 95.0
    assert first["passed"] is True
    [hit] = parquet.read_table(review / "hits.parquet").to_pylist()
    assert hit["said"][hit["start"] : hit["end"]] == hit["text"] == "我不知道"


def test_parquet_without_a_single_hit(review: Path) -> None:
    """An empty table still has its columns."""
    write(review / "results.jsonl", [result(hits=())])
    write_outputs(review, formats=["parquet"])
    assert "rule" in parquet.read_table(review / "hits.parquet").column_names


def test_csv_opens_in_excel(review: Path) -> None:
    """A byte order mark, and quoted line breaks that come back as they went in."""
    said = '他说"好",\n真的'
    write(review / "results.jsonl", [result(turns=(ResultTurn("customer", said, 0, 1), result().turns[1]))])
    write_outputs(review, formats=["csv"])
    assert (review / "hits.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert rows_of(review / "hits.csv")[0]["before"] == said


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_cells_are_never_formulas(review: Path, start: str) -> None:
    """A cell that a spreadsheet would run is made text; numbers stay numbers."""
    said = start + "1+1"
    write(
        review / "results.jsonl",
        [result(start + "id", turns=(ResultTurn("customer", said, 0, 1), result().turns[1]))],
    )
    write_outputs(review, formats=["csv"])
    [row] = rows_of(review / "hits.csv")
    assert row["before"] == "'" + said
    assert row["call_id"] == f"'{start}id"


def test_agents_have_the_same_codes_everywhere(review: Path) -> None:
    """Report, CSV and Parquet call an agent by the same code, whichever of them are made."""
    write_outputs(review, formats=["csv"])
    alone = [row["agent"] for row in rows_of(review / "calls.csv")]
    write_outputs(review, formats=OUTPUTS)
    assert [row["agent"] for row in rows_of(review / "calls.csv")] == alone
    assert parquet.read_table(review / "calls.parquet").column("agent").to_pylist() == alone
    ids = [one.agent_id for one in results(200)]
    assert len(set(zip(ids, alone, strict=True))) == len(set(ids)) == len(set(alone))


def test_named_outputs_have_the_ids(review: Path) -> None:
    """With anonymous=False the ids are shown."""
    write_outputs(review, formats=["csv"], anonymous=False)
    assert [row["agent"] for row in rows_of(review / "calls.csv")] == [one.agent_id for one in results(200)]


def test_a_broken_line_is_named_and_leaves_nothing_behind(review: Path) -> None:
    """File and line are told; old outputs stay, half-written ones are removed."""
    write_outputs(review, formats=["csv"])
    before = {path.name: path.read_bytes() for path in review.glob("*.csv")}
    with (review / "results.jsonl").open("ab") as lines:
        lines.write(b'{"id": "cut')
    with pytest.raises(TranscriptError, match=r"results\.jsonl:201"):
        write_outputs(review, formats=OUTPUTS)
    assert {path.name: path.read_bytes() for path in review.glob("*.csv")} == before
    assert list(review.glob(".*")) == []
    assert not (review / "report.html").exists()


def test_what_a_killed_run_left_is_cleared_away(review: Path) -> None:
    """Half-written files of a killed process do not pile up."""
    for name in ("report.html", "review.xlsx"):
        (review / f".{name}.tmp").write_text("half")
    parts = review / ".review.xlsx.tmp.parts"
    parts.mkdir()
    (parts / "part").write_text("half")
    write_outputs(review)
    assert list(review.glob(".*")) == []


def test_a_broken_reject_is_named(review: Path) -> None:
    """Rejects are checked as well."""
    (review / "rejects.jsonl").write_text("[]\n")
    with pytest.raises(TranscriptError, match=r"rejects\.jsonl:1"):
        write_outputs(review, formats=["html"])


def test_missing_results_are_told(tmp_path: Path) -> None:
    """A directory without results is no traceback."""
    with pytest.raises(TranscriptError, match=r"results\.jsonl"):
        write_outputs(tmp_path)


def test_unknown_format_is_refused(review: Path) -> None:
    """The error names what came and what there is."""
    with pytest.raises(ConfigError, match="收到 'pdf'，应为 html、excel、csv、parquet 之一"):
        write_outputs(review, formats=["html", "pdf"])


def test_parquet_without_its_package(review: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the extra is told how; nothing is half written."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"coach\[parquet\]"):
        write_outputs(review, formats=["csv", "parquet"])
    assert list(review.glob("*.csv")) == []


def test_review_without_rejects_file(review: Path) -> None:
    """No file of rejects means no rejects."""
    (review / "rejects.jsonl").unlink()
    write_outputs(review, formats=["html"])
    assert "拒收的记录" not in (review / "report.html").read_text("utf-8")


def test_details_stay_json_when_a_number_looks_like_the_agent(review: Path) -> None:
    """An agent's id is blotted out of words, never out of numbers."""
    details = {"what": "工号10086回电", "due_ms": 100_861_000, "vague": False}
    write(review / "results.jsonl", [result(moments=(Moment("commitment", 0, 1, details),))])
    write_outputs(review)
    [row] = rows_of(review / "moments.csv")
    assert orjson.loads(row["details"]) == {**details, "what": "工号＊＊＊＊＊回电"}


_SMALL_DISK = """
import resource, signal, sys
from pathlib import Path
from coach.errors import ConfigError
from coach.review.outputs import write_outputs
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_outputs(Path(sys.argv[1]), formats=[sys.argv[2]])
except ConfigError as error:
    print(error)
"""


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_full_disk_is_told_and_leaves_nothing(review: Path, name: str) -> None:
    """When a file cannot grow, the error says so, nothing half-written stays, and nothing is a traceback."""
    write(review / "results.jsonl", results(3000))
    before = {path.name for path in review.iterdir()}
    command = [sys.executable, "-c", _SMALL_DISK, str(review), name]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.stderr == ""
    assert "写不了结果文件" in answer.stdout
    assert {path.name for path in review.iterdir()} == before


_PEAK = """
import resource, sys
from pathlib import Path
from coach.review.outputs import write_outputs
write_outputs(Path(sys.argv[1]), formats=sys.argv[2].split(","))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(directory: Path, formats: str) -> float:
    """Return the peak memory of writing the outputs, in MiB, in a process of its own."""
    command = [sys.executable, "-c", _PEAK, str(directory), formats]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(answer.stdout) / 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_calls(tmp_path: Path) -> None:
    """Ten thousand and a hundred thousand calls of two thousand agents take the same memory, within 40 MiB."""
    peaks = []
    for count in (10_000, 100_000):
        directory = tmp_path / str(count)
        directory.mkdir()
        write(directory / "results.jsonl", results(count, agents=2000))
        peaks.append(peak(directory, "html,csv,parquet"))
    assert peaks[1] - peaks[0] < 40
