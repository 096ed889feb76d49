"""The traps in vendors' formats, one by one."""

from __future__ import annotations

import json

import pytest

from coach.connectors.fields import Fields
from coach.connectors.model import Heard, Ignored, Options, clean_id, read_roles, read_speaker
from coach.connectors.state import State
from coach.connectors.vendors import connector_for
from coach.errors import MessageError


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("ms", "820", 820),
        ("ms", 820.4, 820),
        ("count", "70", 70),
        ("seconds_ms", "1.4s", 1400),
        ("seconds_ms", 27.42, 27_420),
        ("seconds_ms", "30.955", 30_955),
        ("duration_ms", "PT1.2S", 1200),
        ("duration_ms", "PT1M4.5S", 64_500),
        ("duration_ms", "PT1H", 3_600_000),
        ("flag", "true", True),
        ("flag", "False", False),
        ("flag", 1, True),
        ("text", 5, "5"),
        ("instant_ms", "1970-01-01T00:00:01.5Z", 1500),
        ("instant_ms", "1970-01-01T08:00:01+08:00", 1000),
    ],
)
def test_numbers_and_times_are_read_in_any_spelling(reader, value, expected):
    """Numbers in strings, seconds, ISO 8601 durations and truth values in words."""
    assert getattr(Fields({"f": value}), reader)("f") == expected


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("ms", -1),
        ("ms", "abc"),
        ("ms", True),
        ("ms", "nan"),
        ("ms", 86_400_001),
        ("count", "-3"),
        ("seconds_ms", "1 min"),
        ("seconds_ms", False),
        ("duration_ms", "PT"),
        ("duration_ms", "1.2"),
        ("flag", "yes"),
        ("text", {}),
        ("text", True),
        ("instant_ms", "2026-01-01T00:00:00"),
        ("instant_ms", "gestern"),
        ("ms", 10**400),
        ("ms", "9" * 39),
        ("seconds_ms", "9" * 400),
        ("identifier", "  "),
        ("object", []),
        ("objects", [1]),
        ("packed", "[1]"),
        ("packed", "{"),
    ],
)
def test_a_wrong_value_names_field_value_and_expectation(reader, value):
    """The error says where, what came and what was expected."""
    with pytest.raises(MessageError, match=r"^a\.f: 收到 .+，应为") as caught:
        getattr(Fields({"f": value}, "a"), reader)("f")
    assert (caught.value.code, caught.value.field) == ("invalid_field", "a.f")


def test_a_missing_field_is_named():
    """Null counts as missing."""
    with pytest.raises(MessageError, match=r"x\[0\]\.f: 缺少这个字段"):
        Fields({"x": [{"f": None}]}).objects("x")[0].text("f")


def test_roles_are_read_from_one_line():
    """Labels may hold colons; case does not matter."""
    assert read_roles("A:agent, SIP:1:Customer,,", name="roles") == {"a": "agent", "sip:1": "customer"}


@pytest.mark.parametrize("text", ["agent", "0:boss", ":agent", "0=agent"])
def test_wrong_roles_are_explained(text):
    """The error shows the form."""
    with pytest.raises(MessageError, match=r"roles: 收到 .* 0:customer,1:agent"):
        read_roles(text, name="roles")


def test_a_wrong_speaker_is_explained():
    """The three roles are named."""
    with pytest.raises(MessageError, match=r"speaker: 收到 'boss'，应为 agent、customer"):
        read_speaker("boss", name="speaker")


def test_times_stay_within_a_day(recorded):
    """A start and a length that lead out of the wire's range are cut, not refused."""
    record = recorded("genesys")
    late = json.loads(json.dumps(record.payloads[1]))
    late["eventBody"]["transcripts"][0]["alternatives"][0] |= {"offsetMs": 86_399_999, "durationMs": 60_000}
    utterance = heard(record.read([late]))[0]
    assert (utterance.start_ms, utterance.end_ms) == (86_399_999, 86_400_000)


def test_ids_are_made_fit_for_the_wire():
    """White space and slashes go, a long id is cut and stays different from its like."""
    assert clean_id("projects/p q") == "projects.p.q"
    long, longer = clean_id("x" * 200), clean_id("x" * 201)
    assert (len(long), len(longer), long == longer) == (128, 128, False)


def heard(events):
    """Return the utterances among the events."""
    return [event.utterance for event in events if isinstance(event, Heard)]


def test_an_unknown_speaker_says_what_to_set(recorded):
    """A role that nobody told stays unknown, with the option that would tell it."""
    events = recorded("aliyun-report").read(roles={})
    assert {each.utterance.speaker for each in events if isinstance(each, Heard)} == {"unknown"}
    assert events[0].hint == "不知道“B”是谁：用 roles=B:agent 或 roles=B:customer 指明"


def test_a_stream_without_labels_asks_for_the_speaker(recorded):
    """One stream a side: nothing in it tells which side."""
    assert "speaker=agent" in recorded("tencent").read(speaker=None)[0].hint


def test_twilio_tracks_without_telling_labels_stay_unknown(recorded):
    """Which track is the agent depends on the direction of the call: it is not guessed."""
    record = recorded("twilio")
    assert {each.speaker for each in heard(record.read(record.payloads[1:]))} == {"unknown"}


def test_roles_win_over_the_vendors_own(recorded):
    """A center whose INTERNAL side is the customer can say so."""
    events = recorded("genesys").read(roles={"internal": "customer"})
    assert heard(events)[0].speaker == "customer"


def test_audiohook_channels_need_the_opened_message(recorded):
    """An `open` that offers several lists decides nothing; without `opened` a channel stays unknown."""
    record = recorded("audiohook")
    events = record.read([record.payloads[0], *record.payloads[2:]])
    assert {each.speaker for each in heard(events)} == {"unknown"}


def test_audiohook_goes_on_after_a_lost_connection(recorded):
    """A session closed for another reason than `end` may be continued."""
    record = recorded("audiohook")
    lost = {**record.payloads[-1], "parameters": {"reason": "disconnect"}}
    assert isinstance(record.read([lost])[0], Ignored)


def test_funasr_final_is_not_what_it_calls_final(recorded):
    """`is_final` false in 2pass-offline is a finished sentence."""
    record = recorded("funasr")
    assert record.payloads[2]["is_final"] is False
    assert heard(record.read(record.payloads[2:3]))[0].final


def test_funasr_says_the_same_word_twice(recorded):
    """The same word again, after fragments of its own, is a new sentence."""
    online = {"mode": "2pass-online", "wav_name": "w", "text": "嗯", "is_final": False}
    offline = {"mode": "2pass-offline", "wav_name": "w", "text": "嗯", "is_final": False}
    events = recorded("funasr").read([online, offline, online, offline, offline])
    assert [(each.utterance_id, each.final) for each in heard(events)] == [
        ("w.agent.1", False),
        ("w.agent.1", True),
        ("w.agent.2", False),
        ("w.agent.2", True),
    ]


def test_funasr_times_that_begin_anew_are_put_in_a_row(recorded):
    """A version that counts from the sentence does not throw the call back in time."""
    offline = {"mode": "2pass-offline", "wav_name": "w", "is_final": False}
    payloads = [
        {**offline, "text": "一", "timestamp": "[[0,2000]]"},
        {**offline, "text": "二", "timestamp": "[[0,1500]]"},
    ]
    times = [(each.start_ms, each.end_ms) for each in heard(recorded("funasr").read(payloads))]
    assert times == [(0, 2000), (2000, 3500)]


def test_funasr_language_tags_are_not_words(recorded):
    """SenseVoice writes tags into the text."""
    tagged = {"mode": "2pass-offline", "wav_name": "w", "text": "<|zh|><|NEUTRAL|>您好", "is_final": False}
    assert heard(recorded("funasr").read([tagged]))[0].text == "您好"


def test_two_streams_of_one_call_do_not_mix(recorded):
    """Both sides under the same name: each has its own sentence."""
    record, state = recorded("funasr"), State()
    agent = record.read(record.payloads[:1], state=state)
    customer = record.read(record.payloads[:1], state=state, speaker="customer")
    assert heard(customer)[0].text == heard(agent)[0].text == "您好这里"


def test_latin_fragments_are_joined_with_a_space(recorded):
    """English words do not run together, Chinese ones do."""
    online = {"mode": "2pass-online", "wav_name": "w", "is_final": False}
    events = recorded("funasr").read([{**online, "text": text} for text in ("open", "wifi", "密码")])
    assert heard(events)[-1].text == "open wifi密码"


def test_tencent_takes_last_words_and_end_from_one_packet(recorded):
    """`final: 1` beside a result does not hide the result."""
    record = recorded("tencent")
    events = record.read(record.payloads[-1:])
    assert (events[0].utterance.text, events[0].utterance.final, events[1].at_ms) == (
        "这个我不知道",
        True,
        4200,
    )


def test_the_end_of_one_stream_is_not_the_end_of_the_call(recorded):
    """A call of two streams ends when the integrator says so."""
    record = recorded("tencent")
    event = record.read(record.payloads[-1:], ends_call=None)[-1]
    assert (isinstance(event, Ignored), "ends_call=true" in event.hint) == (True, True)


def test_a_sentence_of_twilio_that_was_overtaken_is_kept(recorded):
    """A final that arrives after a younger one of its track is still heard, once."""
    record = recorded("twilio")
    young, old = record.payloads[5], {**record.payloads[5], "SequenceId": "5"}
    old["TranscriptionData"] = json.dumps({"transcript": "先说的"})
    texts = [each.text for each in heard(record.read([young, old, old]))]
    assert texts == ["您好，这个我不知道。", "先说的"]


def test_google_streams_that_start_anew_go_on(recorded):
    """Offsets that begin again after minutes belong to a new stream, later in the call."""
    record = recorded("google")
    connector = connector_for("google", Options())
    event = {"conversation": "c/1", "type": "NEW_RECOGNITION_RESULT", "participant_role": "HUMAN_AGENT"}

    def result(end: str):
        return {
            **event,
            "newRecognitionResultPayload": {"transcript": end, "isFinal": True, "speechEndOffset": end},
        }

    state = State()
    found = heard(each for end in ("290s", "2s", "4s") for each in connector.read(result(end), state))
    assert [each.end_ms for each in found] == [290_000, 292_000, 294_000]
    assert record.vendor == "google"


def test_google_messages_are_read_where_there_is_no_recognition(recorded):
    """A conversation that sends final messages only is heard too."""
    record = recorded("google")
    utterance = heard(record.read([record.payloads[4]]))[0]
    assert (utterance.utterance_id, utterance.speaker, utterance.text) == (
        "message.m1",
        "agent",
        "您好我不知道",
    )


def test_contact_lens_reads_voice_only(recorded):
    """A chat contact is left alone, and said to be."""
    record = recorded("contact-lens")
    assert "CHAT" in record.read([{**record.payloads[1], "Channel": "CHAT"}])[0].why


def test_iflytek_data_may_be_an_object(recorded):
    """The large-model edition does not pack its JSON into a string."""
    record = recorded("iflytek")
    plain = {**record.payloads[1], "data": json.loads(record.payloads[1]["data"])}
    assert heard(record.read([plain]))[0].text == "你好"


def test_aliyun_words_of_the_next_sentence_are_not_waited_for(recorded):
    """What `stash_result` holds is shown at once as the beginning of the next sentence."""
    record = recorded("aliyun")
    last = heard(record.read(record.payloads[:5]))[-1]
    assert (last.utterance_id, last.text, last.final) == ("t-agent.2", "这", False)
