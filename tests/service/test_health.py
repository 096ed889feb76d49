"""How rules fare, against decisions made by hand."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from test_decisions import decide
from test_reviews import AGENT, LINES, card, finished  # noqa: F401 - a fixture

KNOW, SHOULD = "ignorance/bare-dont-know", "hedging/should-be"


def coach(*arguments):
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "coach", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "PYTHONIOENCODING": "utf-8"},
    )


@pytest.fixture
def judged(running, clients, wire):
    """A service with four live hits of one rule, five reviewed of the other, and what people said of them."""
    service = running()
    producer = clients.producer(service)
    producer.send(wire.started())
    producer.acked("c1", 1)
    sidebar = clients.sidebar(service)
    sidebar.until("snapshot")
    cards = []
    for index in range(4):
        call = f"k{index}"
        producer.send(wire.started(call, agent_id="a1"), wire.said("我不知道", seq=2, call_id=call))
        producer.acked(call, 2)
        cards.append(sidebar.until("advice", call_id=call))
        place = {"call": call, "utterance": "u2", "rule": KNOW, "start": 0, "end": 4}
        if index < 3:
            decide(service, place, "wrong" if index else "right")
    sidebar.send(
        {"type": "feedback", "advice_id": cards[0]["id"], "verdict": "false-alarm"},
        {"type": "feedback", "advice_id": cards[1]["id"], "verdict": "useful"},
        {"type": "snooze", "call_id": "k3", "rule": KNOW},
    )
    sidebar.until("noted", rule=KNOW)
    told = finished(service, {"十月.jsonl": LINES, "对话.txt": AGENT})
    hits = service.http("GET", f"/v1/reviews/{told['id']}/hits?rule={SHOULD}").json()["hits"]
    made = [
        decide(
            service,
            {
                "review": told["id"],
                "call": hit["call_id"],
                **{name: hit[name] for name in ("turn", "rule", "start", "end")},
            },
            "right",
        ).json()
        for hit in hits
    ]
    for decision in made[:2]:
        service.http("POST", f"/v1/decisions/{decision['id']}/appeal", json={"text": "冤枉"})
    service.http(
        "POST",
        f"/v1/decisions/{made[0]['id']}/settle",
        json={"verdict": "wrong", "reason": "是", "reviewer": "王"},
    )
    return service


def test_the_numbers_are_those_of_the_decisions(judged):
    """Fired, decided, muted, marked, appealed; precision with Wilson's interval; the worst rule on top."""
    worst, better = judged.http("GET", "/v1/rules/health").json()["rules"]
    assert {name: worst[name] for name in worst if name not in {"title", "severity"}} == {
        "rule": KNOW,
        "status": "stable",
        "live": 4,
        "reviewed": 1,
        "fired": 5,
        "never_fired": False,
        "confirmed": 1,
        "false": 2,
        "precision": 0.3333,
        "precision_low": 0.0615,
        "precision_high": 0.7923,
        "muted": 1,
        "false_alarms": 1,
        "useful": 1,
        "appealed": 0,
        "open_appeals": 0,
    }
    # 4 of 5: Wilson's interval as in the textbooks.
    assert (better["rule"], better["confirmed"], better["false"]) == (SHOULD, 4, 1)
    assert (better["precision_low"], better["precision_high"]) == (0.3755, 0.9638)
    assert (better["appealed"], better["open_appeals"], better["fired"]) == (2, 1, 5)


def test_the_command_reads_a_data_folder(judged, book, tmp_path):
    """The same numbers as over the API, without asking the service."""
    folders = ("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook"))
    answer = coach("rules", "health", "--data-dir", str(tmp_path / "state"), "--json", *folders)
    assert json.loads(answer.stdout) == judged.http("GET", "/v1/rules/health").json()
    table = coach("rules", "health", "--data-dir", str(tmp_path / "state"), *folders).stdout.splitlines()
    assert table[0].split()[:4] == ["规则", "命中", "判对", "判错"]
    assert table[1].split()[:5] == [KNOW, "5", "1", "2", "33%（6%–79%）"]
    assert table[-1].startswith("共 2 条，命中过 2 条，从未命中 0 条；复核 8 处，待处理申诉 1 处")


def test_the_command_asks_a_service(judged):
    """With --url and --key; a wrong key is told, without a trace."""
    answer = coach("rules", "health", "--url", judged.url, "--key", judged.key, "--json")
    assert json.loads(answer.stdout) == judged.http("GET", "/v1/rules/health").json()
    refused = coach("rules", "health", "--url", judged.url, "--key", "wrong")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "HTTP 401：缺少或无效的密钥" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_rule_that_never_fired_is_named(running, book, tmp_path):
    """A fresh service: nothing fired, both rules never."""
    service = running()
    rules = service.http("GET", "/v1/rules/health").json()["rules"]
    assert [(each["rule"], each["never_fired"], each["precision"]) for each in rules] == [
        (SHOULD, True, None),
        (KNOW, True, None),
    ]
    folders = ("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook"))
    told = coach("rules", "health", "--data-dir", str(tmp_path / "state"), *folders).stdout
    assert f"从未命中：{SHOULD}、{KNOW}" in told


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--data-dir", "missing"), 2, "data_dir"),
        (("--url", "ftp://a", "--key", "k"), 2, "--url: 收到 'ftp://a'"),
        (("--url", "http://127.0.0.1:9"), 2, "--key"),
        (("--url", "http://127.0.0.1:9", "--key", "k"), 1, "连不上"),
    ],
)
def test_a_wrong_flag_is_explained(arguments, code, said):
    """One sentence for people, no trace."""
    answer = coach("rules", "health", *arguments)
    assert (answer.returncode, said in answer.stderr, "Traceback" in answer.stderr) == (code, True, False)
