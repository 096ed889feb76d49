"""Documents that nest deeper than any transcript."""

from __future__ import annotations

import json

import pytest

from coach.transcripts.depth import DEEPEST, Depth, TooDeepError
from tests.transcripts.reading import only_call, only_reject, read_all

TURNS = '"turns": [{"speaker": "agent", "text": "您好"}]'


@pytest.mark.parametrize("opening", ["[", '{"turns": [', '{"a": ', '[{"id": "1", "turns": '])
def test_a_bottomless_document_is_refused(tmp_path, opening):
    """A hundred kilobytes of opening brackets cost neither the memory of the machine nor a trace."""
    file = tmp_path / "deep.json"
    file.write_text(opening + "[" * 100_000, encoding="utf-8")
    assert f"嵌套超过 {DEEPEST} 层" in only_reject(file).problem


def test_calls_before_the_depth_are_kept(tmp_path):
    """Behind the part that is looked at, what nests too deep costs no call far in front of it."""
    file = tmp_path / "deep.json"
    calls = ", ".join(f'{{"id": "{number}", {TURNS}}}' for number in range(10_000))
    file.write_text(f"[{calls}, {'[' * 100_000}", encoding="utf-8")
    found = read_all(file)
    assert [call.id for call in found[:5_000]] == [str(number) for number in range(5_000)]
    assert "嵌套" in found[-1].problem


def test_a_deep_field_that_nobody_reads(tmp_path):
    """Three hundred levels in a field of its own do not hinder reading a JSON line."""
    file = tmp_path / "calls.jsonl"
    line = f'{{"id": "1", {TURNS}, "x": {"[" * 200}{"]" * 200}}}\n'
    file.write_text(line, encoding="utf-8")
    assert only_call(file).id == "1"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_brackets_in_strings_do_not_count(size):
    """Nor where a string, or an escape in it, is cut between two pieces."""
    text = json.dumps({"a": '[{"\\' * 300, "b": ["\\" * 9, "]"] * 300}).encode()
    depth = Depth()
    for start in range(0, len(text), size):
        depth.feed(text[start : start + size])
    depth.feed(b"[" * DEEPEST)
    with pytest.raises(TooDeepError):
        depth.feed(b"[")
