"""Subtitles: WebVTT and SRT, with the speaker as a voice tag or before a colon."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from coach.transcripts import streams
from coach.transcripts.draft import Draft, Heard, complete
from coach.transcripts.labels import plain
from coach.transcripts.lines import find_names, spoken_line, stranger_line
from coach.transcripts.model import RAW_LIMIT, Place, Reject
from coach.transcripts.stamps import clock_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coach.transcripts.model import ReadOptions, Slice, TranscriptCall

_TIMING: Final = re.compile(r"\s*([\d:.,]+)\s*-->\s*([\d:.,]+)(?:\s.*)?")
_VOICE: Final = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAG: Final = re.compile(r"</?(?:[a-z]+|\d{1,2}:[\d:.]+)(?:[.\s][^>]*)?>|\{\\[^}]*\}", re.IGNORECASE)
_BLOCKS: Final = ("NOTE", "STYLE", "REGION", "X-TIMESTAMP-MAP", "Kind:", "Language:")
# What somebody meant for a timing: a time and any kind of arrow, or two times with fractions of a second.
_MEANT: Final = re.compile(
    r"\s*\d+(?:[:.,]\d+)+\s*(?:(?:[-=–—]+\s*[>＞]|[→⟶>＞]).*|[-–—~至到]+\s*\d+(?:[:.,]\d+)*[.,]\d{2,3}\s*)"
)


class _Cue(NamedTuple):
    line: int
    timing: str
    texts: list[str]


def read(piece: Slice, options: ReadOptions) -> Iterator[TranscriptCall | Reject]:
    """Yield the one call of a subtitle file; with a broken cue, or words under no timing, the call is set aside."""
    encoding = streams.text_encoding(piece)
    with streams.open_slice(piece, options.limits) as stream:
        raw = stream.read(options.limits.record + 1)
    if len(raw) > options.limits.record:
        problem = f"字幕超过 {options.limits.record} 字节，应为一通电话的字幕"
        yield Reject(Place(piece.name), "", problem, raw[:RAW_LIMIT])
        return
    cues = list(_cues(raw.decode(encoding, "replace").splitlines()))
    names = find_names((text for cue in cues for text in cue.texts), options)
    names |= _strangers(cues, names, options)
    turns: list[Heard] = []
    for cue in cues:
        try:
            turns += _turns(cue, names, options)
        except ValueError as error:
            yield Reject(Place(piece.name, cue.line), "时间", str(error), cue.timing.encode()[:RAW_LIMIT])
            return
    if not turns:
        yield Reject(
            Place(piece.name, 1),
            "",
            "没有一条字幕，应有“00:00:01.000 --> 00:00:02.000”和其下的文字",
            raw[:RAW_LIMIT],
        )
        return
    draft = Draft(tuple(turns), piece.stem)
    yield complete(draft, place=Place(piece.name, 1), options=options, raw=raw[:RAW_LIMIT])


def is_timing(line: str) -> bool:
    """Whether a line is a timing, or was meant for one."""
    return _MEANT.fullmatch(line) is not None


def _cues(lines: Iterable[str]) -> Iterator[_Cue]:
    """Yield what stands under each timing up to the next blank line; numbers and names of cues stand above.

    Words under no timing, and lines that were meant for one, are cues with that line for a timing: nobody may lose a turn.
    """
    cue: _Cue | None = None
    skipping = False
    above: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        text = line.strip("\ufeff")
        if not text.strip():
            skipping = False
            if cue is not None:
                yield cue
                cue = None
            yield from _untimed(above)
            above = []
        elif skipping:
            continue
        elif "-->" in line or (cue is not None and is_timing(line)):
            if cue is not None:
                # Without the blank line between them, the number of this cue was taken for text.
                if cue.texts and cue.texts[-1].strip().isdigit():
                    cue.texts.pop()
                yield cue
            # One line may name the cue; more are words that no timing stands above.
            yield from _untimed(above[:-1])
            above = []
            cue = _Cue(number, line, [])
        elif cue is not None:
            cue.texts.append(line)
        elif not above and text.startswith(_BLOCKS):
            skipping = True
        elif above or number > 1 or not text.startswith("WEBVTT"):
            above.append((number, line))
    if cue is not None:
        yield cue
    yield from _untimed(above)


def _untimed(above: list[tuple[int, str]]) -> Iterator[_Cue]:
    """Yield a cue without a timing of lines that have none above them; a number alone says nothing."""
    if all(line.strip().isdigit() for _, line in above):
        return
    worded = [(number, line) for number, line in above if not line.strip().isdigit()]
    number, line = next((each for each in worded if is_timing(each[1])), worded[0])
    yield _Cue(number, line, [])


def _strangers(cues: list[_Cue], names: frozenset[str], options: ReadOptions) -> frozenset[str]:
    """Return names of whom nothing is known: codes, what comes twice, and any where every cue has a name."""
    sure: set[str] = set()
    count: Counter[str] = Counter()
    nameless = 0
    for cue in cues:
        for index, line in enumerate(cue.texts):
            text = _text(line)
            if "<v" in line or spoken_line(text, names, options) is not None:
                continue
            stranger = stranger_line(text, options)
            if stranger is None:
                nameless += index == 0
                continue
            count[plain(stranger.spoken.label)] += 1
            if stranger.sure:
                sure.add(plain(stranger.spoken.label))
    return frozenset(sure | {name for name, times in count.items() if times > 1 or not nameless})


def _text(line: str) -> str:
    """Return a line without its tags."""
    return html.unescape(_TAG.sub("", line)).strip()


def _turns(cue: _Cue, names: frozenset[str], options: ReadOptions) -> Iterator[Heard]:
    match = _TIMING.fullmatch(cue.timing)
    start, end = (clock_ms(match.group(1)), clock_ms(match.group(2))) if match else (None, None)
    if start is None or end is None:
        raise ValueError(f"收到 {cue.timing.strip()[:60]!r}，应为 00:00:01.000 --> 00:00:02.000")
    label, said = "", ""
    for line in cue.texts:
        for voice, part in _voices(line):
            text = _text(part)
            spoken = spoken_line(text, names, options) if not voice else None
            if voice or spoken is not None:
                if said:
                    yield Heard(label, said, start, end)
                label, said = (voice, text) if spoken is None else (spoken.label, spoken.text)
            elif text:
                said = f"{said}\n{text}" if said else text
    if said:
        yield Heard(label, said, start, end)


def _voices(line: str) -> Iterator[tuple[str, str]]:
    """Cut a line at its voice tags."""
    parts = _VOICE.split(line)
    if parts[0].strip() or len(parts) == 1:
        yield "", parts[0]
    for voice, text in zip(parts[1::2], parts[2::2], strict=True):
        yield html.unescape(voice).strip(), text
