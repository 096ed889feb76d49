"""Memory stays flat however large the input."""

from __future__ import annotations

import json
import subprocess
import sys

import orjson
import pytest

MB = 1024**2
SIZE = 50 * MB
TURNS = [
    {
        "speaker": "agent" if n % 2 else "customer",
        "text": f"第{n}句，我想查一下上个月的账单明细。",
        "start_ms": n * 3000,
    }
    for n in range(40)
]
# In a process of its own, whose peak is that of the reading alone.
READ = """
import json, resource, sys
from pathlib import Path
from coach.transcripts.model import ReadOptions, TranscriptCall
from coach.transcripts.read import open_calls
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
calls = turns = 0
for found in open_calls(Path(sys.argv[1]), options=ReadOptions()):
    assert isinstance(found, TranscriptCall), found
    calls += 1
    turns += len(found.turns)
print(json.dumps([calls, turns, peak() - before]))
"""


def write_jsonl(stream):
    """Write a call a line."""
    tail = orjson.dumps(TURNS)
    number = 0
    while stream.tell() < SIZE:
        stream.writelines(b'{"id":%d,"turns":%b}\n' % (number + n, tail) for n in range(100))
        number += 100


def write_csv(stream, *, woven=1):
    """Write an utterance a row; the rows of some calls may be woven into each other."""
    stream.write("通话编号,角色,内容,开始(ms)\n".encode())
    rows = [f",{turn['speaker']},{turn['text']},{turn['start_ms']}\n".encode() for turn in TURNS]
    number = 0
    while stream.tell() < SIZE:
        for row in rows:
            stream.writelines(b"c%d%b" % (number + n, row) for n in range(woven))
        number += woven


def write_scattered(stream):
    """Write rows of ten calls woven into each other."""
    write_csv(stream, woven=10)


def write_array(stream):
    """Write one array of calls."""
    stream.write(b"[")
    tail = orjson.dumps(TURNS)
    number = 0
    while stream.tell() < SIZE:
        stream.write(b'%b{"id":%d,"turns":%b}' % (b",\n" if number else b"", number, tail))
        number += 1
    stream.write(b"]")


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_jsonl, write_csv, write_scattered, write_array])
def test_memory(tmp_path, write):
    """50 MB are planned and read in less than 25 MB."""
    file = tmp_path / "large"
    with file.open("wb") as stream:
        write(stream)
    answer = subprocess.run(
        [sys.executable, "-c", READ, str(file)], check=True, capture_output=True, timeout=300
    )
    count, turns, grown = json.loads(answer.stdout)
    assert turns == count * len(TURNS) > 400_000
    assert grown < 25 * MB
