"""The command killed in the middle, as a power cut would: nothing lost, nothing done twice, nothing mixed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import orjson
import pytest

from benchmarks.calls import Center as Speakers
from benchmarks.calls import write_calls
from coach.rulebook.book import load_rulebook
from coach.shipped import phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from pathlib import Path

    from tests.review.center import Center

CALLS = 1200
FILES = ("results.jsonl", "rejects.jsonl", "summary.json")


def start(center: Center, source: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start `coach review` in a process group of its own."""
    folders = center.folders()
    command = [
        sys.executable, "-m", "coach", "review", str(source), "--out", str(out), "--json",
        "--rules", str(folders.rules), "--phrasebook", str(folders.phrasebook), "--scorecard", str(center.card),
        *more,
    ]  # fmt: skip
    environment = os.environ | {"XDG_CONFIG_HOME": str(center.root / "config")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def wait_for_parts(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until `count` batches are on disk."""
    until = time.monotonic() + 120
    while len(list(out.glob(".review/*.tally"))) < count:
        assert time.monotonic() < until, "the review does not move"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
            pytest.fail("the review ended before it could be killed")


def finish(process: subprocess.Popen[bytes]) -> dict[str, object]:
    """Wait for the end and return the last line, the summary."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    return orjson.loads(out.splitlines()[-1])


@pytest.fixture
def source(center: Center) -> Path:
    """Return a folder of calls in five formats, two in a hundred of them broken."""
    book = load_rulebook(rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False)
    write_calls(center.root / "in", count=CALLS, broken=0.02, center=Speakers(book))
    return center.root / "in"


@pytest.mark.slow
def test_a_run_killed_twice_ends_like_an_undisturbed_one(center: Center, source: Path) -> None:
    """A kill -9 on the whole run, twice; then the same bytes as without, and less work done at the end."""
    whole = center.root / "whole"
    finish(start(center, source, whole, "--workers", "2"))
    for parts in (4, 12):
        process = start(center, source, center.out, "--workers", "2")
        wait_for_parts(center.out, parts, process)
        process.kill()
        process.communicate()
    process = start(center, source, center.out, "--workers", "2")
    first = orjson.loads(process.stdout.readline())
    finish(process)
    assert first["calls"] > 0
    assert [(center.out / name).read_bytes() for name in FILES] == [
        (whole / name).read_bytes() for name in FILES
    ]
    summary = orjson.loads((whole / "summary.json").read_bytes())
    assert summary["calls"] + summary["rejects"] == CALLS


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(center: Center, source: Path) -> None:
    """One Ctrl-C: exit code 130, one sentence, no trace."""
    process = start(center, source, center.out, "--workers", "2")
    wait_for_parts(center.out, 2, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "同一条命令再运行一次就接着做" in err.decode()
    assert "Traceback" not in err.decode()
