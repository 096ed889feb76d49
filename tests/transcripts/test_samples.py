"""Each format as it comes, recognised by its content."""

from __future__ import annotations

import shutil
from datetime import datetime

import pytest

from coach.transcripts.model import ReadOptions, Reject
from coach.transcripts.plan import plan
from tests.transcripts.reading import SAMPLES, calls, only_call, only_reject, read_all, told

KINDS = {
    "aliyun.json": ("json", "aliyun:tickets.item"),
    "array.json": ("json", "call:calls.item"),
    "broken.csv": ("csv", "utterance"),
    "calls.jsonl": ("jsonl", "call"),
    "contact-lens.json": ("json", "contact-lens"),
    "dialogue.txt": ("text", ""),
    "funasr.json": ("json", "funasr:item"),
    "letters.txt": ("text", ""),
    "scattered.csv": ("csv", "utterance"),
    "subtitles.srt": ("srt", ""),
    "subtitles.vtt": ("vtt", ""),
    "table-bom.csv": ("csv", "utterance"),
    "table-gbk.csv": ("csv", "utterance"),
    "table-utf16.tsv": ("csv", "utterance"),
    "twilio.json": ("json", "twilio"),
    "utterances.jsonl": ("jsonl", "utterance"),
    "whisperx.json": ("json", "whisperx"),
    "whole-calls.csv": ("csv", "dialogue"),
}


def test_every_sample_is_told():
    """Each sample is in the table of kinds."""
    assert {file.name for file in SAMPLES.iterdir()} == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_recognised_by_content(tmp_path, name):
    """A file is recognised under a name that says nothing."""
    file = tmp_path / "upload"
    shutil.copy(SAMPLES / name, file)
    (piece,) = plan([file], options=ReadOptions())
    assert (piece.format, piece.layout) == KINDS[name]


def test_own_calls():
    """Our own recordings keep their times, their agent, team, firm and start."""
    call = read_all(SAMPLES / "calls.jsonl")[0]
    assert (call.id, call.agent_id, call.team, call.org) == ("c-1", "1001", "一组", "晨光通信")
    assert call.started_at == datetime.fromisoformat("2026-11-20T09:30:00")
    assert told(call) == [
        ("agent", "您好，请问有什么可以帮您？", 0, 2600),
        ("customer", "我想查一下话费。", 3000, 4700),
    ]


def test_broken_records_in_place():
    """A broken line is told with its line, its field, what came and what was expected; the rest goes on."""
    found = read_all(SAMPLES / "calls.jsonl")
    assert [getattr(each, "id", None) for each in found] == ["c-1", None, None, "c-4"]
    assert (found[1].place.line, found[1].field, found[1].problem) == (
        2,
        "turns[1].text",
        "收到 42，应为文字",
    )
    assert found[2].place.line == 3
    assert found[2].raw.startswith(b'{"id":"c-3"')


def test_guesses_are_left_out():
    """Partial results in a written-down stream are not turns."""
    assert [turn.text for turn in calls(SAMPLES / "utterances.jsonl")[0].turns] == [
        "您好，很高兴为您服务。",
        "我要改套餐。",
    ]


@pytest.mark.parametrize("name", ["table-gbk.csv", "table-bom.csv"])
def test_tables_from_excel(name):
    """Excel's CSV reads the same in GBK and in UTF-8 with its mark, quoted line breaks included."""
    first, second = calls(SAMPLES / name)
    assert told(first) == [
        ("agent", "您好，请讲", 0, 1200),
        ("customer", '我说了"三遍"了,没人管', 2000, 5500),
    ]
    assert (first.place.line, first.agent_id, first.team) == (2, "1001", "一组")
    assert first.started_at == datetime.fromisoformat("2026-11-20T09:30:00")
    assert (second.id, second.place.line, second.agent_id) == ("t-2", 5, "1002")


def test_utf16_tabs():
    """Excel's "Unicode text" is UTF-16 with tabs; the unit stands in the header."""
    assert told(only_call(SAMPLES / "table-utf16.tsv")) == [
        ("agent", "您好", 0, 0),
        ("customer", "想办宽带", 1500, 1500),
    ]


def test_whole_calls_in_cells():
    """A row may hold a whole call, in lines or in one line."""
    found = read_all(SAMPLES / "whole-calls.csv")
    assert [turn.text for turn in found[0].turns] == ["您好", "我要投诉"]
    assert [(turn.speaker, turn.text) for turn in found[1].turns] == [
        ("agent", "您好"),
        ("customer", "你好"),
        ("agent", "请讲"),
    ]
    assert (found[2].field, found[2].place.line) == ("通话时间", 5)
    assert found[3].field == "对话内容"


def test_broken_rows():
    """Each kind of broken row costs its own call only."""
    found = read_all(SAMPLES / "broken.csv")
    assert [(each.place.line, each.field) for each in found if isinstance(each, Reject)] == [
        (3, ""),
        (5, "start_ms"),
        (8, ""),
    ]
    assert found[-1].id == "b-4"


def test_dialogue_text():
    """Text has head lines, times, a ruler between calls, and lines that go on; 地址： is not a speaker."""
    first, second = calls(SAMPLES / "dialogue.txt")
    assert (first.id, first.agent_id, first.started_at) == (
        "x-1",
        "1001",
        datetime.fromisoformat("2026-11-20T09:30:00"),
    )
    assert told(first)[1] == ("customer", "我的地址是这样的地址：幸福路一号", 4000, 4000)
    assert (second.id, second.place.line) == ("x-2", 9)
    assert [turn.speaker for turn in second.turns] == ["agent", "customer"]


def test_letters():
    """A and B say nothing of who is the agent; the option does."""
    call = only_call(SAMPLES / "letters.txt", ReadOptions(agent_is=frozenset({"A"})))
    assert [turn.speaker for turn in call.turns] == ["agent", "customer", "agent"]


def test_webvtt():
    """Voice tags with classes, entities, notes, hours left out, two voices in one cue, CRLF and a mark."""
    assert told(only_call(SAMPLES / "subtitles.vtt")) == [
        ("agent", "您好&欢迎", 1000, 2500),
        ("customer", "喂听得到吗", 3000, 4000),
        ("agent", "听得到", 5000, 6000),
        ("customer", "好", 5000, 6000),
    ]


def test_srt():
    """SRT has the speaker before a colon, and its file's name for an id."""
    call = only_call(SAMPLES / "subtitles.srt")
    assert call.id == "subtitles"
    assert told(call) == [("agent", "您好", 0, 1800), ("customer", "请问几点开门", 2000, 3200)]


def test_contact_lens():
    """The role of a turn is that of its participant."""
    call = only_call(SAMPLES / "contact-lens.json")
    assert call.id == "cl-1"
    assert told(call) == [("agent", "您好，请讲。", 0, 1500), ("customer", "我要查订单。", 2000, 3300)]


def test_twilio():
    """Sentences stand in the order of their index, with the roles of the channels."""
    call = only_call(SAMPLES / "twilio.json")
    assert call.id == "GT1"
    assert told(call) == [("agent", "您好。", 500, 1750), ("customer", "你好。", 2400, 3000)]


def test_funasr():
    """Voices are numbers, `sentence` may stand for `text`, and tags are no words."""
    call = read_all(SAMPLES / "funasr.json", ReadOptions(agent_is=frozenset({"0"})))[0]
    assert call.id == "f-1"
    assert told(call) == [("agent", "您好，请讲。", 120, 980), ("customer", "我要报修。", 1500, 2900)]


def test_funasr_without_voices():
    """A result without sentences says which option of the recogniser was missing."""
    found = read_all(SAMPLES / "funasr.json")[1]
    assert (found.field, "--spk" in found.problem) == ("[1].sentence_info", True)


def test_whisperx():
    """Segments are in seconds; one without a speaker among others is of nobody known."""
    call = only_call(SAMPLES / "whisperx.json", ReadOptions(agent_is=frozenset({"SPEAKER_00"})))
    assert told(call) == [
        ("agent", "您好", 0, 1200),
        ("customer", "我要办卡", 1600, 2400),
        ("unknown", "嗯", 2500, 2700),
    ]


def test_speakers_are_not_guessed():
    """Without the option the call is set aside, and the message names the option to use."""
    reject = only_reject(SAMPLES / "whisperx.json")
    assert reject.field == "speaker"
    assert "--agent-is SPEAKER_00" in reject.problem


def test_aliyun():
    """A ticket began when its first sentence did; a broken one is told with its path."""
    call, reject = read_all(SAMPLES / "aliyun.json")
    assert (call.id, call.started_at) == ("al-1", datetime.fromisoformat("2026-11-20T15:37:16"))
    assert told(call)[1] == ("customer", "我要销户。", 2000, 3100)
    assert (reject.field, reject.problem) == ("tickets[1].dialogue[0].words", "收到 7，应为文字")


def test_array():
    """An envelope of calls is read one by one; null is silence."""
    assert [[turn.text for turn in call.turns] for call in calls(SAMPLES / "array.json")] == [
        ["您好。"],
        ["好的。"],
    ]


def test_broken_array(tmp_path):
    """Of an array that breaks off, what came before is kept, and the break is told with its line."""
    file = tmp_path / "calls.json"
    file.write_text(
        '[{"id":"1","turns":[{"speaker":"agent","text":"您好"}]},\n{"id":"2","turns":', encoding="utf-8"
    )
    call, reject = read_all(file)
    assert (call.id, reject.place.line) == ("1", 2)
    assert "前面的 1 通已读" in reject.problem


@pytest.mark.parametrize("number", ["1e9999999999999999999", "1" * 5000, "-0"])
def test_numbers_beyond_measure(tmp_path, number):
    """A number that no machine holds is a reject or no time, not a crash."""
    file = tmp_path / "calls.json"
    file.write_text(
        f'[{{"tid":"1","dialogue":[{{"role":"客服","words":"您好","begin":{number}}}]}}]', encoding="utf-8"
    )
    assert len(read_all(file)) == 1
