"""FunASR runtime (WebSocket, 2pass, online, offline): online fragments are joined, offline replaces them.

`is_final` says nothing about sentences; `mode` does. No ids and no live diarisation: one stream a side.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import orjson

from coach.connectors.fields import Fields
from coach.connectors.model import Ignored, Options, clean_id, hint_speaker
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.connectors.model import Heard, Incoming, Payload
    from coach.connectors.state import State

_TAG: Final = re.compile(r"<\|[^|<>]{1,32}\|>")
_PAIR: Final = 2
_STREAM: Final = 96
# A final is remembered by a fingerprint in its revision, which must be above that of every partial.
_FINGERPRINT: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class FunASR:
    """Reads the messages of a FunASR runtime."""

    vendor: ClassVar[str] = "funasr"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return `wav_name`, unless the integrator names the call."""
        return self.options.call_id or clean_id(Fields(payload).identifier("wav_name"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one message."""
        fields, call_id = Fields(payload), self.call_id(payload)
        if fields.flag("is_end", default=False):
            if fields.has("error"):
                return [Ignored(call_id, f"FunASR 报错：{fields.text('error')[:200]}")]
            return state.end_stream(call_id, ends_call=self.options.ends_call)
        mode = fields.text("mode").lower()
        if mode.endswith("online"):
            return [self._grow(fields, call_id, state)]
        if mode.endswith("offline"):
            return [self._finish(fields, call_id, state)]
        raise fields.wrong("mode", "2pass-online、2pass-offline、online 或 offline")

    def _grow(self, fields: Fields, call_id: str, state: State) -> Heard | Ignored:
        stream, label = self._stream(fields)
        key = f"{stream}.{state.ordinal(stream)}"
        known = state.growing(key)
        fragment = _TAG.sub("", fields.text("text", ""))
        text = fragment if known is None else join(known.text, fragment)
        start_ms = known.start_ms if known else state.last_ms
        speaker = self.options.speaker_of(label)
        final = fields.text("mode").lower() == "online" and fields.flag("is_final", default=False)
        words = Words(text, final, speaker, start_ms, start_ms, label, hint_speaker())
        if not fragment and not final:
            return Ignored(call_id, "没有新的文字")
        return state.hear(call_id, key, words)

    def _finish(self, fields: Fields, call_id: str, state: State) -> Heard | Ignored:
        stream, label = self._stream(fields)
        key = f"{stream}.{state.ordinal(stream)}"
        known = state.growing(key)
        text = _TAG.sub("", fields.text("text", "")).strip()
        print_of = zlib.crc32(repr((text, fields.raw("timestamp"))).encode("utf-8", "surrogatepass"))
        revision = _FINGERPRINT | (print_of % _FINGERPRINT)
        before = state.done.get(f"{stream}.{state.ordinal(stream) - 1}")
        # The same sentence again is told from a repeated word by the fragments that came before it.
        if known is None and before == revision:
            return Ignored(call_id, "这一句的最终结果已经收到过")
        ended_ms = int(state.notes.get(f"end.{stream}", "0"))
        start_ms, end_ms = _times(fields, known.start_ms if known else state.last_ms, ended_ms)
        state.note(f"end.{stream}", str(end_ms))
        speaker = self.options.speaker_of(label)
        words = Words(text, True, speaker, start_ms, end_ms, label, hint_speaker(), revision=revision)
        return state.hear(call_id, key, words)

    def _stream(self, fields: Fields) -> tuple[str, str]:
        label = fields.text("wav_name", "")
        # Both sides may carry the name of the call.
        return clean_id(f"{label}.{self.options.speaker or 'all'}", limit=_STREAM), label


def join(before: str, after: str) -> str:
    """Join two pieces of text: Chinese without a space, Latin words with one."""
    latin = before[-1:].isascii() and before[-1:].isalnum() and after[:1].isascii() and after[:1].isalnum()
    return f"{before} {after}" if latin else before + after


def _times(fields: Fields, start_ms: int, ended_ms: int) -> tuple[int, int]:
    """Return the times of a sentence; some versions count from its beginning, some from the stream's (unsure).

    Args:
        fields: the message.
        start_ms: taken when it has no times.
        ended_ms: where the sentence before ended; times that lie before it count from there.
    """
    value = fields.raw("timestamp")
    if isinstance(value, str):
        try:
            value = orjson.loads(value or "[]")
        except orjson.JSONDecodeError as error:
            raise fields.wrong("timestamp", '写成字符串的数组，如 "[[100,200],[200,500]]"') from error
    pairs = value if isinstance(value, list) else []
    times = [
        number
        for pair in pairs
        if isinstance(pair, list) and len(pair) == _PAIR
        for number in pair
        # -1 stands for a word without a time.
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << 26
    ]
    if not times:
        return start_ms, start_ms
    first, last = min(times), max(times)
    shift = ended_ms if last <= ended_ms else 0
    return first + shift, last + shift
