"""Aliyun real-time recognition: NLS SpeechTranscriber, and the DashScope (Paraformer) variant of it.

One task is one side of the call. Text is cumulative inside `payload.index`; `time` is ms of audio so far.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from coach.connectors.fields import Fields
from coach.connectors.model import Ignored, Options, Started, hint_speaker
from coach.connectors.state import Words

if TYPE_CHECKING:
    from coach.connectors.model import Heard, Incoming, Payload
    from coach.connectors.state import State

_OK: Final = 20_000_000
_SOME_WORDS: Final = frozenset({"TranscriptionResultChanged", "SentenceEnd"})


@dataclass(frozen=True, slots=True)
class Aliyun:
    """Reads the events of one recognition task."""

    vendor: ClassVar[str] = "aliyun"
    options: Options = field(default_factory=Options)

    def call_id(self, payload: Payload) -> str:
        """Return the task's id, unless the integrator names the call."""
        return self.options.call_of(Fields(payload).object("header").identifier("task_id"))

    def read(self, payload: Payload, state: State) -> list[Incoming]:
        """Read one event."""
        fields = Fields(payload)
        header, call_id = fields.object("header"), self.call_id(payload)
        if header.has("event"):
            return self._dashscope(fields, header, call_id, state)
        name = header.text("name")
        if name == "TaskFailed" or header.count("status", _OK) != _OK:
            return [Ignored(call_id, f"阿里云报错：{header.text('status_text', name)[:200]}")]
        if name == "TranscriptionStarted":
            return [Started(call_id, self.options.agent_id)]
        if name == "TranscriptionCompleted":
            return state.end_stream(call_id, ends_call=self.options.ends_call)
        if name == "SentenceBegin":
            payload_ = fields.object("payload")
            state.note(_begin(header, payload_.count("index")), str(payload_.ms("time", state.last_ms)))
            return [Ignored(call_id, "句子开始，还没有文字")]
        if name in _SOME_WORDS:
            return self._sentence(
                header, fields.object("payload"), call_id, state, final=name == "SentenceEnd"
            )
        return [Ignored(call_id, f"不含转写的事件 {name}")]

    def _sentence(
        self, header: Fields, payload: Fields, call_id: str, state: State, *, final: bool
    ) -> list[Incoming]:
        index, end_ms = payload.count("index"), payload.ms("time")
        begun = int(state.notes.get(_begin(header, index), min(state.last_ms, end_ms)))
        start_ms = payload.ms("begin_time", begun)
        heard: list[Incoming] = [
            self._hear(header, index, payload.text("result", ""), final, start_ms, end_ms, call_id, state)
        ]
        # The end of a sentence may carry the first words of the next one.
        stash = payload.object("stash_result") if final and payload.has("stash_result") else None
        if stash is not None and stash.text("text", ""):
            now = stash.ms("currentTime", end_ms)
            heard.append(
                self._hear(
                    header,
                    stash.count("sentenceId", index + 1),
                    stash.text("text"),
                    False,
                    stash.ms("beginTime", end_ms),
                    now,
                    call_id,
                    state,
                )
            )
        return heard

    def _hear(  # noqa: PLR0917 - what one sentence is
        self,
        header: Fields,
        index: int,
        text: str,
        final: bool,
        start_ms: int,
        end_ms: int,
        call_id: str,
        state: State,
    ) -> Heard | Ignored:
        task = header.identifier("task_id")
        speaker = self.options.speaker_of(task)
        words = Words(text, final, speaker, start_ms, end_ms, "", hint_speaker(), order=end_ms)
        return state.hear(call_id, f"{task}.{index}", words)

    def _dashscope(self, fields: Fields, header: Fields, call_id: str, state: State) -> list[Incoming]:
        event = header.text("event")
        if event == "task-started":
            return [Started(call_id, self.options.agent_id)]
        if event == "task-finished":
            return state.end_stream(call_id, ends_call=self.options.ends_call)
        if event == "task-failed":
            return [Ignored(call_id, f"阿里云报错：{header.text('error_message', event)[:200]}")]
        if event != "result-generated":
            return [Ignored(call_id, f"不含转写的事件 {event}")]
        sentence = fields.object("payload").object("output").object("sentence")
        start_ms = sentence.ms("begin_time")
        # While a sentence grows its end is null.
        final = sentence.flag("sentence_end", default=sentence.has("end_time"))
        end_ms = sentence.ms("end_time", max(start_ms, state.last_ms))
        task = header.identifier("task_id")
        words = Words(
            sentence.text("text", ""),
            final,
            self.options.speaker_of(task),
            start_ms,
            end_ms,
            "",
            hint_speaker(),
        )
        return [state.hear(call_id, f"{task}.{start_ms}", words)]


def _begin(header: Fields, index: int) -> str:
    return f"begin.{header.identifier('task_id')}.{index}"
