"""What a connector remembers of one call: small, picklable, bounded, and rebuilt from the stored finals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from coach.coaching.events import Utterance
from coach.connectors.fields import MAX_MS
from coach.connectors.model import Ended, Heard, Ignored, clean_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.events import Speaker
    from coach.connectors.model import Incoming

# Utterances that grow at one time; two speakers have two, a few more while events overtake each other.
MAX_OPEN: Final = 32
# Finals remembered to tell a repetition; of older ones the call itself knows that they were heard.
MAX_DONE: Final = 2_000
MAX_NOTES: Final = 64
MAX_SEEN: Final = 256
_MAX_REVISION: Final = 2**31 - 1


class Words(NamedTuple):
    """One recogniser result before it has a revision. Times in ms; `order` rises with time where given.

    Attributes:
        revision: what a final is remembered by across restarts; None counts.
    """

    text: str
    final: bool
    speaker: Speaker
    start_ms: int
    end_ms: int
    label: str = ""
    hint: str = ""
    order: int | None = None
    revision: int | None = None


@dataclass(slots=True)
class _Open:
    """An utterance that still grows."""

    words: Words
    revision: int


@dataclass(slots=True)
class State:
    """The memory of one call.

    Attributes:
        done: ids of finals with their revision, the newest last.
        last_ms: where the newest word ended.
        began_ms: when the call began, in ms since 1970; None when nobody said.
        notes: a vendor's own short notes, such as the channels of a session.
        speakers: who spoke in a stream before a restart; a stream's finals are called `stream.…`.
    """

    done: dict[str, int] = field(default_factory=dict)
    last_ms: int = 0
    began_ms: int | None = None
    notes: dict[str, str] = field(default_factory=dict)
    speakers: dict[str, Speaker] = field(default_factory=dict)
    _seen: dict[str, None] = field(default_factory=dict)
    _open: dict[str, _Open] = field(default_factory=dict)

    @classmethod
    def of_finals(cls, finals: Iterable[Utterance], *, began_ms: int | None = None) -> State:
        """Rebuild the memory of a call from its stored finals."""
        state = cls(began_ms=began_ms)
        for each in finals:
            state._finish(each.utterance_id, each.revision)
            state.last_ms = max(state.last_ms, each.end_ms)
            stream, dot, _ = each.utterance_id.rpartition(".")
            if dot and each.speaker != "unknown" and len(state.speakers) < MAX_NOTES:
                state.speakers[stream] = each.speaker
        return state

    def first_time(self, message_id: str) -> bool:
        """Tell whether a message with this id was not met among the last few hundred."""
        if message_id in self._seen:
            return False
        self._seen[message_id] = None
        if len(self._seen) > MAX_SEEN:
            del self._seen[next(iter(self._seen))]
        return True

    def note(self, name: str, value: str) -> None:
        """Remember something; the oldest note is forgotten when there are too many."""
        self.notes.pop(name, None)
        self.notes[name] = value
        if len(self.notes) > MAX_NOTES:
            del self.notes[next(iter(self.notes))]

    def growing(self, key: str) -> Words | None:
        """Return the newest words of an utterance that still grows."""
        known = self._open.get(clean_id(key))
        return known.words if known else None

    def hear(self, call_id: str, key: str, words: Words) -> Heard | Ignored:
        """Take in one result; return it with its revision, or why it changes nothing."""
        key = clean_id(key)
        known = self._open.get(key)
        if key in self.done:
            return Ignored(call_id, "这一句的最终结果已经收到过")
        if not words.text and known is None:
            return Ignored(call_id, "没有文字")
        if known is not None and not words.final:
            if words.order is not None and known.words.order is not None and words.order < known.words.order:
                return Ignored(call_id, "比已经收到的结果旧")
            if (words.text, words.speaker) == (known.words.text, known.words.speaker):
                return Ignored(call_id, "和上一次的结果相同")
        revision = known.revision + 1 if known else 1
        if words.final and words.revision is not None:
            revision = min(max(revision, words.revision), _MAX_REVISION)
        start_ms, end_ms = words.start_ms, words.end_ms
        if known is not None and not words.final:
            # A growing sentence does not shrink, whatever order its results come in.
            start_ms, end_ms = min(start_ms, known.words.start_ms), max(end_ms, known.words.end_ms)
        start_ms = min(start_ms, MAX_MS)
        words = words._replace(start_ms=start_ms, end_ms=min(max(start_ms, end_ms), MAX_MS))
        self.last_ms = max(self.last_ms, words.end_ms)
        if words.final:
            self._finish(key, revision)
        else:
            self._open[key] = _Open(words, revision)
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
        return _heard(call_id, key, words, revision)

    def end(self, call_id: str) -> list[Incoming]:
        """End the call. What still grows is closed with the words so far, so that none is lost."""
        closed: list[Incoming] = []
        for key, each in list(self._open.items()):
            self._finish(key, each.revision + 1)
            closed.append(_heard(call_id, key, each.words._replace(final=True), each.revision + 1))
        return [*closed, Ended(call_id, self.last_ms)]

    def end_stream(self, call_id: str, *, ends_call: bool | None) -> list[Incoming]:
        """End one stream of a call that may have another: that ends the call only if the integrator says so."""
        if ends_call:
            return self.end(call_id)
        return [Ignored(call_id, "这一路识别结束", "若它就是通话结束，用 ends_call=true 指明")]

    def place(self, stream: str, order: int, *, final: bool) -> str | None:
        """Name the utterance of a vendor that names none, by what came last before it in the stream.

        Args:
            stream: one side of the call, such as a track.
            order: rises with every result of the stream; a final is remembered by it (`Words.revision`).
            final: a final that was overtaken by a younger one still gets a name.

        Returns:
            None when it came before.
        """
        stream = clean_id(stream)
        finals = self.finals_of(stream)
        last = max(finals, default=0)
        if order > last:
            return f"{stream}.{last}"
        return f"{stream}.late.{order}" if final and order not in finals else None

    def ordinal(self, stream: str) -> int:
        """Return the number of the utterance that grows in a stream whose finals end with their number."""
        prefix = clean_id(stream) + "."
        numbers = (key.removeprefix(prefix) for key in self.done if key.startswith(prefix))
        return max((int(number) for number in numbers if number.isdecimal()), default=0) + 1

    def finals_of(self, stream: str) -> set[int]:
        """Return the revisions of a stream's finals."""
        prefix = stream + "."
        return {revision for key, revision in self.done.items() if key.startswith(prefix)}

    def _finish(self, key: str, revision: int) -> None:
        self._open.pop(key, None)
        self.done[key] = revision
        if len(self.done) > MAX_DONE:
            del self.done[next(iter(self.done))]


def _heard(call_id: str, key: str, words: Words, revision: int) -> Heard:
    return Heard(
        Utterance(
            call_id=call_id,
            utterance_id=key,
            revision=revision,
            speaker=words.speaker,
            text=words.text,
            final=words.final,
            start_ms=words.start_ms,
            end_ms=words.end_ms,
        ),
        label=words.label,
        hint=words.hint if words.speaker == "unknown" else "",
    )
