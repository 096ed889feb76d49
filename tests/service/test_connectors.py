"""Vendors' webhooks against a real service: their payload in, the card at the agent's sidebar."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from coach.errors import ConfigError
from coach.service.connector_settings import ConnectorSettings, load_connector_settings, sign_twilio
from tests.connectors.conftest import NAMES, load

TOKEN = "twilio-auth-token"
FORM = "application/x-www-form-urlencoded"
OPENSSL = "PsrvFO6jRLebiZ0WHceiUP5q+e0="


def query_of(record, **more) -> str:
    """Write the options of a recording as an integrator writes them."""
    options = record.options
    given = {
        "call_id": options.call_id,
        "agent_id": options.agent_id or "a1",
        "speaker": options.speaker or "",
        "roles": ",".join(f"{label}:{role}" for label, role in options.roles.items()),
        "ends_call": "true" if options.ends_call else "",
        **more,
    }
    return urlencode({name: value for name, value in given.items() if value})


def post(service, vendor, payload, *, query="agent_id=a1", **options):
    """Send one payload as JSON."""
    return service.http("POST", f"/v1/connectors/{vendor}?{query}", json=payload, **options)


def stored(service, call_id) -> dict:
    """Return what the service has on disk of a call."""
    return service.http("GET", f"/v1/calls/{call_id}").json()


def finals(record) -> list[list]:
    """Return the finals of a recording, as it expects them: id, speaker, text."""
    events = [event for expected in record.expected for event in expected]
    return sorted(
        [event[1], event[3], event[4]] for event in events if event[0] == "heard" and event[5] == "final"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_sent_event_by_event_is_stored_as_it_means(running, name):
    """Every vendor: each payload answered with 200, the finals on disk, sent once more nothing changes."""
    service, record = running(masking=False), load(name)
    for payload in [*record.payloads, record.payloads[-1]]:
        answer = post(service, record.vendor, payload, query=query_of(record))
        assert answer.status_code == 200, answer.text
    found = stored(service, record.call_id)["utterances"]
    assert sorted([each["utterance_id"], each["speaker"], each["text"]] for each in found) == finals(record)


def test_a_vendors_words_become_a_card(running, clients, recorded_twilio):
    """From Twilio's form to the agent's sidebar, before the sentence ends."""
    service = running()
    sidebar = clients.sidebar(service, "a-17")
    for payload in recorded_twilio.payloads[:6]:
        body = urlencode(payload)
        answer = service.http(
            "POST", "/v1/connectors/twilio?agent_id=a-17", content=body, headers={"Content-Type": FORM}
        )
        assert answer.status_code == 200, answer.text
    card = sidebar.until("advice")
    assert (card["call_id"], card["rule"], card["quote"]) == ("CA1", "ignorance/bare-dont-know", "我不知道")


@pytest.fixture
def recorded_twilio():
    """Twilio's recording."""
    return load("twilio")


def test_an_answer_means_committed(running):
    """After the answer to a final a killed service would still know it: the disk is asked, not the memory."""
    service, record = running(), load("genesys")
    answer = post(service, "genesys", record.payloads[1]).json()
    assert answer == {"events": 2, "acked": {"conv-1": 2}, "ignored": [], "hints": []}
    assert stored(service, "conv-1")["seq"] == 2


def test_many_payloads_travel_together(running):
    """An array is taken in order; the answer sums up."""
    service, record = running(), load("contact-lens")
    answer = post(service, "contact-lens", record.payloads).json()
    assert answer["acked"] == {"contact-1": stored(service, "contact-1")["seq"]}
    assert stored(service, "contact-1")["ended_ms"] == 25_600


def test_a_wrong_payload_among_many_does_not_hold_up_the_rest(running):
    """The error names its place; what came after it was taken, and may all be sent again."""
    service, record = running(), load("genesys")
    wrong = {"conversationId": "conv-1", "transcripts": {}}
    answer = post(service, "genesys", [wrong, *record.payloads])
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "[0].transcripts")
    assert len(stored(service, "conv-1")["utterances"]) == 3


def test_json_is_read_whatever_it_is_called(running):
    """Curl sends JSON as a form unless told otherwise; the first letter tells."""
    service, record = running(), load("genesys")
    content = json.dumps(record.payloads[1])
    answer = service.http(
        "POST", "/v1/connectors/genesys?agent_id=a1", content=content, headers={"Content-Type": FORM}
    )
    assert answer.json()["acked"] == {"conv-1": 2}


def test_a_restart_goes_on_with_the_seq(running):
    """The counter and the memory of the call come back from the disk; a repetition is still one."""
    first, record = running(), load("contact-lens")
    for payload in record.payloads[:6]:
        post(first, "contact-lens", payload)
    seq = stored(first, "contact-1")["seq"]
    first.stop()
    second = running()
    again = post(second, "contact-lens", record.payloads[5]).json()
    assert again["ignored"][0]["why"] == "这一句的最终结果已经收到过"
    post(second, "contact-lens", record.payloads[-1])
    after = stored(second, "contact-1")
    # The customer's partial, gone with the first service and sent again, was closed by the end of the call.
    assert (after["seq"], [each["text"] for each in after["utterances"]]) == (
        seq + 3,
        ["您好，这个我不知道。", "那怎"],
    )


def test_a_call_started_by_rest_needs_no_agent(running, wire):
    """Who is coached may be told by `call.started` beforehand."""
    service, record = running(), load("genesys")
    started = wire.started("conv-1", agent_id="a-99")
    service.http("POST", "/v1/calls/conv-1/events", json={"events": [started]})
    assert post(service, "genesys", record.payloads[1], query="").status_code == 200
    assert stored(service, "conv-1")["agent_id"] == "a-99"


def test_of_too_many_calls_the_oldest_that_is_not_in_use_is_forgotten(running):
    """What is remembered stays bounded, and no payload loses what it is being read with."""
    service, record = running(max_calls=2), load("genesys")
    desk = service.tenant.desk

    def heard(call_id):
        payload = json.loads(json.dumps(record.payloads[1]).replace("conv-1", call_id))
        # 503: the service has no room for its call.
        assert post(service, "genesys", payload).status_code in {200, 503}
        return list(desk._sessions)

    async def hold(call_id):
        await desk._sessions[call_id].lock.acquire()

    assert heard("c1") == ["c1"]
    assert heard("c2") == ["c1", "c2"]
    service.within(hold, "c1")
    assert heard("c3") == ["c2", "c3", "c1"]
    service.within(desk._sessions["c1"].lock.release)
    assert heard("c4") == ["c1", "c4"]


def test_the_address_says_whose_supervisors_see_the_call(running):
    """No vendor's transcript names a team."""
    service, record = running(), load("genesys")
    answer = post(service, "genesys", record.payloads[1], query="agent_id=a1&team=t1&agent_name=小林")
    assert answer.status_code == 200, answer.text
    call = stored(service, "conv-1")
    assert (call["team"], call["agent_name"]) == ("t1", "小林")


def test_a_call_of_nobody_is_explained(running):
    """Without an agent the words cannot be placed; the answer says both ways to name him, and nothing is lost."""
    service, record = running(), load("genesys")
    error = post(service, "genesys", record.payloads[1], query="").json()["error"]
    assert (error["code"], error["field"]) == ("unknown_call", "agent_id")
    assert "?agent_id=" in error["message"]
    assert "call.started" in error["message"]
    assert post(service, "genesys", record.payloads[1]).json()["acked"] == {"conv-1": 2}


def test_an_unknown_speaker_is_told_to_integrator_and_agent(running, clients):
    """The answer says what to set, the sidebar that it is blind."""
    service, record = running(), load("genesys")
    sidebar = clients.sidebar(service)
    hints = post(service, "genesys", record.payloads[4]).json()["hints"]
    assert hints == ["不知道“BOTH”是谁：用 roles=BOTH:agent 或 roles=BOTH:customer 指明"]
    assert sidebar.until("blind")["reason"] == "unknown-speaker"


def test_roles_may_be_set_once_for_all(running, monkeypatch):
    """COACH_CONNECTOR_ROLES names the roles of a vendor; the address wins over it."""
    monkeypatch.setenv("COACH_CONNECTOR_ROLES", "genesys/both:customer,aliyun-report/b:agent")
    service, record = running(), load("genesys")
    post(service, "genesys", record.payloads[4])
    post(service, "genesys", record.payloads[3], query="agent_id=a1&roles=EXTERNAL:agent")
    assert [each["speaker"] for each in stored(service, "conv-1")["utterances"]] == ["customer", "agent"]


def test_words_after_the_end_are_told_and_change_nothing(running):
    """A vendor that sends on after its own end is answered, or it would send for ever."""
    service, record = running(), load("contact-lens")
    post(service, "contact-lens", record.payloads)
    late = {
        "Id": "t77",
        "ParticipantRole": "AGENT",
        "Content": "x",
        "BeginOffsetMillis": 1,
        "EndOffsetMillis": 2,
    }
    answer = post(service, "contact-lens", {**record.payloads[1], "Segments": [{"Transcript": late}]})
    assert (answer.status_code, answer.json()["ignored"][0]["why"]) == (200, "通话已结束，不再接收")


def test_the_integrator_may_end_a_call(running):
    """Where each side is a stream of its own, whoever knows that both are over says so; twice does no harm."""
    service, record = running(masking=False), load("tencent")
    for speaker in ("agent", "customer"):
        query = f"call_id=c9&agent_id=a1&speaker={speaker}"
        post(service, "tencent", {**record.payloads[0], "voice_id": speaker}, query=query)
    answers = [service.http("POST", "/v1/connectors/tencent/calls/c9/end") for _ in range(2)]
    assert [answer.json()["events"] for answer in answers] == [3, 0]
    after = stored(service, "c9")
    assert (after["ended_ms"], [each["text"] for each in after["utterances"]]) == (1240, ["实时", "实时"])


def test_an_unknown_call_cannot_be_ended(running):
    """The answer says that there is none."""
    answer = running().http("POST", "/v1/connectors/tencent/calls/none/end")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_call")


def test_a_sentence_too_long_for_one_event_goes_in_several(running):
    """No vendor's sentence is refused for its length."""
    service, record = running(), load("genesys")
    body = json.loads(json.dumps(record.payloads[1]))
    body["eventBody"]["transcripts"][0]["alternatives"][0]["transcript"] = "长" * 4_500
    post(service, "genesys", body)
    found = stored(service, "conv-1")["utterances"]
    assert [(each["utterance_id"], len(each["text"]), each["end_ms"]) for each in found] == [
        ("g1", 2000, 1967),
        ("g1~2", 2000, 2733),
        ("g1~3", 500, 3500),
    ]


def test_payloads_that_come_at_once_get_places_of_their_own(running):
    """Forty deliveries in parallel, each twice: every sentence is there once."""
    service, record = running(), load("genesys")
    deliveries = []
    for number in range(40):
        body = json.loads(json.dumps(record.payloads[1]))
        body["eventBody"]["transcripts"][0]["utteranceId"] = f"g-{number}"
        deliveries += [body, body]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: post(service, "genesys", body), deliveries))
    assert {answer.status_code for answer in answers} == {200}
    found = stored(service, "conv-1")
    assert (len(found["utterances"]), found["seq"]) == (40, 41)


@pytest.mark.parametrize(
    ("path", "content", "status", "code", "field"),
    [
        ("/v1/connectors/acme", "{}", 404, "not_found", "vendor"),
        ("/v1/connectors/genesys?agent=a1", "{}", 422, "invalid_field", "agent"),
        ("/v1/connectors/genesys?speaker=boss", "{}", 422, "invalid_field", "speaker"),
        ("/v1/connectors/genesys?roles=x", "{}", 422, "invalid_field", "roles"),
        ("/v1/connectors/genesys?ends_call=1", "{}", 422, "invalid_field", "ends_call"),
        ("/v1/connectors/genesys", "{", 400, "invalid_json", None),
        ("/v1/connectors/genesys", "[]", 413, "too_large", None),
        ("/v1/connectors/genesys", "[1]", 400, "invalid_json", None),
        ("/v1/connectors/genesys", "[" + "{}," * 1000 + "{}]", 413, "too_large", None),
        ("/v1/connectors/genesys", '"' + "x" * 1_100_000 + '"', 413, "too_large", None),
        ("/v1/connectors/genesys", "{}", 422, "invalid_field", "conversationId"),
        ("/v1/connectors/genesys?agent_id=a/1", '{"conversationId": "c"}', 200, None, None),
        ("/v1/connectors/tencent", '{"voice_id": "v", "result": {"slice_type": 7}}', 422, "invalid_field", "result.slice_type"),
        ("/v1/connectors/tencent", '{"voice_id": "v", "result": []}', 422, "invalid_field", "result"),
    ],
)  # fmt: skip
def test_a_wrong_webhook_is_explained(running, path, content, status, code, field):
    """One shape of error, in Chinese, naming the field of the vendor's payload."""
    answer = running().http("POST", path, content=content)
    error = answer.json().get("error", {"code": None, "field": None})
    assert (answer.status_code, error["code"], error["field"]) == (status, code, field)


@pytest.mark.parametrize("key", [None, "coach_wrong"])
def test_a_webhook_needs_a_key(running, key):
    """Nobody without a key or a signature gets in."""
    answer = running().http("POST", "/v1/connectors/genesys", key=key, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")


def test_a_sidebar_token_opens_no_webhook(running):
    """A reader may not write."""
    service = running()
    answer = service.http("POST", "/v1/connectors/genesys", key=service.token("a1"), json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")


def signed(
    service, payload, *, token=TOKEN, path="/v1/connectors/twilio?agent_id=a-17", signature=None, base=""
):
    """Send a form as Twilio does."""
    url = (base or service.url) + path
    signature = sign_twilio(token, url=url, params=payload.items()) if signature is None else signature
    headers = {"Content-Type": FORM, "X-Twilio-Signature": signature}
    return service.http("POST", path, key=None, content=urlencode(payload), headers=headers)


def test_the_signature_is_the_documented_one():
    """HMAC-SHA1 over the address and the sorted fields, whatever order they came in."""
    params = {"CallSid": "CA1", "From": "+1", "Digits": "1234"}
    assert sign_twilio("k", url="https://x/y?a=b", params=params.items()) == sign_twilio(
        "k", url="https://x/y?a=b", params=reversed(params.items())
    )
    # Computed by openssl: printf 'https://x/yA1B2' | openssl dgst -sha1 -hmac k -binary | base64
    assert sign_twilio("k", url="https://x/y", params=[("B", "2"), ("A", "1")]) == OPENSSL


def test_a_signed_form_needs_no_key(running, monkeypatch, recorded_twilio):
    """Twilio's signature stands for the key; the same signed request again changes nothing."""
    monkeypatch.setenv("COACH_CONNECTOR_TWILIO_TOKEN", TOKEN)
    service = running()
    answers = [signed(service, recorded_twilio.payloads[5]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["events"] for answer in answers] == [2, 0]
    assert len(stored(service, "CA1")["utterances"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "another"},
        {"signature": "bm8="},
        {"signature": ""},
        {"base": "https://elsewhere.example"},
    ],
)
def test_a_wrong_signature_is_refused(running, monkeypatch, recorded_twilio, changes):
    """Another secret, another address, no signature worth the name."""
    monkeypatch.setenv("COACH_CONNECTOR_TWILIO_TOKEN", TOKEN)
    answer = signed(running(), recorded_twilio.payloads[5], **changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")


def test_a_changed_form_is_refused(running, monkeypatch, recorded_twilio):
    """The signature covers every field."""
    monkeypatch.setenv("COACH_CONNECTOR_TWILIO_TOKEN", TOKEN)
    service, payload = running(), recorded_twilio.payloads[5]
    path = "/v1/connectors/twilio?agent_id=a-17"
    good = sign_twilio(TOKEN, url=service.url + path, params=payload.items())
    assert signed(service, {**payload, "CallSid": "CA2"}, signature=good).status_code == 401


def test_a_signature_does_not_cover_json(running, monkeypatch, recorded_twilio):
    """Only the form is signed: with a signature of an empty form nothing else gets in."""
    monkeypatch.setenv("COACH_CONNECTOR_TWILIO_TOKEN", TOKEN)
    service, path = running(), "/v1/connectors/twilio?agent_id=a-17"
    headers = {"X-Twilio-Signature": sign_twilio(TOKEN, url=service.url + path, params=[])}
    answer = service.http("POST", path, key=None, json=recorded_twilio.payloads[5], headers=headers)
    assert answer.status_code == 401


def test_without_a_token_a_signature_proves_nothing(running, recorded_twilio):
    """The answer says what to set."""
    answer = signed(running(), recorded_twilio.payloads[5])
    assert answer.status_code == 401
    assert "COACH_CONNECTOR_TWILIO_TOKEN" in answer.json()["error"]["message"]


def test_a_proxy_is_named_once(running, monkeypatch, recorded_twilio):
    """Behind a proxy the address Twilio calls is another one than the service sees."""
    monkeypatch.setenv("COACH_CONNECTOR_TWILIO_TOKEN", TOKEN)
    monkeypatch.setenv("COACH_CONNECTOR_URL", "https://coach.example.com/")
    answer = signed(running(), recorded_twilio.payloads[5], base="https://coach.example.com")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROLES", "genesys/both"),
        ("ROLES", "acme/x:agent"),
        ("ROLES", "both:agent"),
        ("URL", "coach.example.com"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, name, value):
    """The start stops with the setting's name."""
    monkeypatch.setenv(f"COACH_CONNECTOR_{name}", value)
    with pytest.raises(ConfigError, match=f"COACH_CONNECTOR_{name}: .*收到"):
        load_connector_settings()


def test_every_setting_is_documented():
    """docs/connectors.md has one row a setting."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text("utf-8")
    for name, info in ConnectorSettings.model_fields.items():
        assert f"| `COACH_CONNECTOR_{name.upper()}` | {info.description} |" in page
