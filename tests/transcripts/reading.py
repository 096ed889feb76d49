"""Shortcuts for reading what a test has written."""

from __future__ import annotations

import sys
from pathlib import Path

from coach.transcripts.model import ReadOptions, Reject, TranscriptCall
from coach.transcripts.plan import plan
from coach.transcripts.read import read_slice

SAMPLES = Path(__file__).parents[1] / "data" / "transcripts"
PLAIN = ReadOptions()


def read_all(source, options=PLAIN, *, slice_bytes=sys.maxsize):
    """Return everything that is in a source, calls and rejects, in order."""
    pieces = plan([source], options=options, slice_bytes=slice_bytes)
    return [found for piece in pieces for found in read_slice(piece, options)]


def calls(source, options=PLAIN):
    """Return the calls of a source in which nothing may be wrong."""
    found = read_all(source, options)
    assert [str(each) for each in found if isinstance(each, Reject)] == []
    return [each for each in found if isinstance(each, TranscriptCall)]


def only_call(source, options=PLAIN):
    """Return the one call of a source."""
    (call,) = calls(source, options)
    return call


def only_reject(source, options=PLAIN):
    """Return the one reject of a source."""
    (reject,) = [each for each in read_all(source, options) if isinstance(each, Reject)]
    return reject


def told(call):
    """Return the turns as short tuples."""
    return [(turn.speaker, turn.text, turn.start_ms, turn.end_ms) for turn in call.turns]
