"""The playground's routes against a real service and its real workshop process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coach.service.auth import Principal
from coach.service.playground import may_try

RULE = """\
version: 1
rules:
  - id: ignorance/bare-dont-know
    title: 换个说法：先帮客户查
    severity: warning
    status: stable
    match: [我 不 (知道|清楚|晓得)]
    suggest: [ignorance/check-now]
    explain: 客户听到的是“没人管”。
    source: 测试
    hits: [这个【我不知道】]
    misses: [我知道了]
"""
# 2 to the power of 44 ways to read a text that ends otherwise.
ENDLESS = RULE.replace("我 不 (知道|清楚|晓得)", f"'{'(好|行)? ' * 22}{'(好|行) ' * 22}再见'")


@pytest.fixture(scope="module")
def service(request, ruleset, tmp_path_factory):
    """One service for all tests that store no calls: its workshop takes seconds to start."""
    tools = request.config.pluginmanager.get_plugin(str(Path(__file__).with_name("conftest.py")))
    folder = tools.write_book(tmp_path_factory.mktemp("playground"))
    settings = tools.Settings(
        port=0,
        data_dir=folder / "state",
        rules_dir=folder / "rules",
        phrasebook_dir=folder / "phrasebook",
        web_dir=folder / "web",
        reload_rules=False,
    )
    started = tools.Running(settings, ruleset=ruleset).start()
    yield started
    started.stop()


def test_a_sentence_is_explained(service):
    """Normalised text, words, the pattern, the mark and the card come back."""
    answer = service.http("POST", "/v1/playground/explain", json={"text": "這個我不知道"}).json()
    turn = answer["turns"][0]
    found = turn["found"][0]
    assert turn["normalized"] == "这个我不知道"
    assert turn["tokens"] == ["这个", "我", "不", "知道"]
    assert [piece["text"] for piece in turn["segments"]] == ["這個", "我不知道"]
    assert (found["pattern"], found["shown"]) == ("我 不 (知道|清楚)", True)
    assert found["suggestions"] == ["我马上帮您查一下，请您稍等"]


def test_a_draft_takes_the_place_of_its_rule(service):
    """With the exception taken out of the draft, the polite question is a hit."""
    ask = {"text": "我不知道您方便吗"}
    before = service.http("POST", "/v1/playground/explain", json=ask).json()
    after = service.http("POST", "/v1/playground/explain", json={**ask, "yaml": RULE}).json()
    found = before["turns"][0]["found"][0]
    assert (found["stopped_by"], found["exceptions"][0]["because"]) == ("exception", "礼貌探询")
    assert [each["shown"] for each in after["turns"][0]["found"]] == [True]
    assert after["draft"] == {"rules": ["ignorance/bare-dont-know"], "usable": True}


def test_a_broken_draft_is_told_with_its_place(service):
    """Line, column and the loader's own words; the sentence is judged by the rules in force."""
    broken = RULE.replace("severity: warning", "severity: loud")
    judged = service.http("POST", "/v1/playground/draft", json={"yaml": broken}).json()
    explained = service.http(
        "POST", "/v1/playground/explain", json={"text": "我不知道", "yaml": broken}
    ).json()
    assert [(each["line"], each["column"]) for each in judged["problems"]] == [(5, 15)]
    assert "应为 'notice'、'warning' 或 'violation'，写的是 'loud'" in judged["problems"][0]["message"]
    assert explained["draft"]["usable"] is False
    assert len(explained["turns"][0]["found"]) == 1


def test_effect_on_stored_calls(running, clients, wire):
    """New hits come with the call, the turn and what was said before."""
    service = running()
    producer = clients.producer(service)
    producer.send(
        wire.started(),
        wire.said("到底谁管", seq=2, speaker="customer"),
        wire.said("这个我不晓得", seq=3),
        wire.ended(seq=4),
    )
    producer.acked("c1", 4)
    answer = service.http("POST", "/v1/playground/effect", json={"yaml": RULE}).json()
    assert (answer["source"], answer["calls"], answer["turns"]) == ("stored", 1, 2)
    assert (answer["appeared"]["count"], answer["vanished"]["count"]) == (1, 0)
    assert answer["appeared"]["rows"] == [
        {
            "call_id": "c1", "turn": 1, "speaker": "agent", "rule": "ignorance/bare-dont-know",
            "around": ["这个", ""], "text": "我不晓得", "before": {"speaker": "customer", "text": "到底谁管"},
        }
    ]  # fmt: skip


def test_effect_on_sample_calls_when_none_are_stored(service):
    """A new server shows the effect on the sample calls."""
    folder = service.service.settings.web / "calls"
    folder.mkdir(parents=True)
    turn = {"speaker": "agent", "text": "我不晓得", "start_ms": 0, "end_ms": 900}
    (folder / "index.json").write_text(json.dumps([{"id": "one"}]), "utf-8")
    (folder / "one.json").write_text(json.dumps({"title": "样例一", "turns": [turn]}), "utf-8")
    answer = service.http("POST", "/v1/playground/effect", json={"yaml": RULE}).json()
    assert (answer["source"], answer["appeared"]["rows"][0]["call_id"]) == ("sample", "样例一")


def test_a_pattern_that_would_never_end_is_refused(service):
    """What could be read in too many ways is named as a problem of its line, and nothing is searched with it."""
    answer = service.http("POST", "/v1/playground/draft", json={"yaml": ENDLESS}).json()
    assert "种读法" in answer["problems"][0]["message"]
    assert service.http("POST", "/v1/playground/explain", json={"text": "我不知道"}).status_code == 200


def test_a_rule_is_shown_as_written_and_put_back(service):
    """The editor gets the rule's own lines; the whole file comes back with the draft in its place."""
    shown = service.http("GET", "/v1/playground/rules/ignorance/bare-dont-know").json()
    edited = shown["yaml"].replace("我不知道您方便吗", "不知道您方便吗")
    whole = service.http("POST", "/v1/playground/file", json={"yaml": edited}).json()
    assert shown["yaml"].startswith("version: 1\nrules:\n  - id: ignorance/bare-dont-know\n")
    assert whole == {"file": "rules/ignorance.yml", "yaml": edited}


def test_rules_and_template_are_listed(service):
    """The template loads as it is, with its examples green."""
    listed = service.http("GET", "/v1/playground/rules").json()
    assert [rule["id"] for rule in listed["rules"]] == ["hedging/should-be", "ignorance/bare-dont-know"]
    template = listed["template"].replace("<you>", "您")
    judged = service.http("POST", "/v1/playground/draft", json={"yaml": template}).json()
    assert judged["problems"] == []
    assert [each["passed"] for each in judged["examples"]] == [True, True, True]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "rules"),
        ("GET", "rules/ignorance/bare-dont-know"),
        ("POST", "explain"),
        ("POST", "draft"),
        ("POST", "effect"),
        ("POST", "file"),
    ],
)
def test_only_supervisors_may_try(service, method, path):
    """Nobody without a key, and no agent by his own token: stored calls of everybody would be shown."""
    nobody = service.http(method, f"/v1/playground/{path}", key=None)
    agent = service.http(method, f"/v1/playground/{path}", key=service.token("a1"))
    assert (nobody.status_code, agent.status_code) == (401, 403)


def test_demo_visitors_may_try(running):
    """In demo mode the page works out of the box."""
    service = running(demo=True)
    token = service.http("POST", "/demo/session", key=None).json()["sidebar_token"]
    assert service.http("GET", "/v1/playground/rules", key=token).status_code == 200


def test_demo_visitors_see_calls_of_the_demo_only(running, clients, wire):
    """A demo on a folder with real calls shows none of them."""
    service = running(demo=True)
    producer = clients.producer(service)
    producer.send(wire.started(), wire.said("这个我不晓得", seq=2))
    producer.acked("c1", 2)
    answer = service.http(
        "POST", "/v1/playground/effect", json={"yaml": RULE}, key=service.token("demo-1")
    ).json()
    assert answer["source"] == "sample"


@pytest.mark.parametrize(
    ("principal", "demo", "may"),
    [
        (Principal("admin"), False, True),
        (Principal("supervisor"), False, True),
        (Principal("agent", "a1"), False, False),
        (Principal("producer"), False, False),
        (Principal("agent", "a1"), True, True),
    ],
)
def test_who_may_try(principal, demo, may):
    """Supervisors and the like; in demo mode everybody."""
    assert may_try(principal, demo=demo) is may


@pytest.mark.parametrize(
    ("path", "body", "code", "said"),
    [
        ("explain", {"text": "字" * 20_001}, "too_large", "应为最多 20000 个字符的文字"),
        ("explain", {"text": "好", "speaker": "robot"}, "invalid_field", '应为"agent" 或 "customer"'),
        ("explain", {"text": "好", "phase": "lunch"}, "invalid_field", "opening"),
        ("explain", {}, "invalid_field", "缺少这个字段"),
        ("draft", {"yaml": "字" * 100_001}, "invalid_field", "最多 100000 个字符的 YAML"),
        ("draft", {"yml": ""}, "invalid_field", "没有这个字段"),
        ("effect", {"yaml": "", "calls": 1000}, "invalid_field", "收到 1000，应为1 到 200 的整数"),
        ("explain", {"text": "x" * 600_000}, "too_large", "请求体超过"),
        ("file", {"yaml": "version: 1"}, "invalid_field", "第 1 行第 1 列"),
    ],
)
def test_a_wrong_request_is_explained(service, path, body, code, said):
    """Code, what came and what was expected."""
    error = service.http("POST", f"/v1/playground/{path}", json=body).json()["error"]
    assert error["code"] == code
    assert said in error["message"]


def test_nothing_is_written(service):
    """The rule files are the same after everything was tried."""
    book = service.service.settings.rules.parent
    files = {path: path.read_bytes() for path in book.rglob("*.yml")}
    for path in ("draft", "effect", "file"):
        assert service.http("POST", f"/v1/playground/{path}", json={"yaml": RULE}).status_code == 200
    assert {path: path.read_bytes() for path in book.rglob("*.yml")} == files
