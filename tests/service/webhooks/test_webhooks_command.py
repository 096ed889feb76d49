"""`coach webhooks`: the operator's side, over the same database as the running service."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from coach.cli import app
from coach.errors import ConfigError, exit_code


@pytest.fixture
def coach(tmp_path, monkeypatch):
    """Run `coach webhooks …` over a data folder; returns (exit code, output)."""
    folder = tmp_path / "state"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("COACH_WEBHOOK_PRIVATE", "on")

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["webhooks", *arguments, "--data-dir", str(folder)])
        if isinstance(result.exception, Exception):
            raise result.exception
        return result.exit_code, result.output

    return run


def added(coach, url, *options):
    """Register a receiver; returns what is told of it."""
    code, output = coach("add", url, "--json", *options)
    assert code == 0
    return json.loads(output)


def test_a_new_endpoint_is_shown_with_its_secret_once(coach, receiver):
    """The secret is told when it is made; the list does without."""
    made = added(coach, receiver.url, "--events", "call.ended,advice.given")
    assert made["secret"].startswith("whsec_")
    _, listed = coach("list", "--json")
    assert json.loads(listed) == [{name: value for name, value in made.items() if name != "secret"}]
    assert made["events"] == ["advice.given", "call.ended"]
    assert made["secret"] not in coach("list")[1]


def test_a_ping_is_signed(coach, receiver):
    """Whoever sets up a receiver sees at once whether its check passes."""
    made = added(coach, receiver.url)
    code, output = coach("test", made["id"])
    assert code == 0
    assert "已送达，HTTP 200" in output
    assert receiver.got[0].verified(made["secret"]).type == "ping"


def test_a_ping_to_an_address_that_is_not_registered_has_a_secret_of_its_own(coach, receiver):
    """It is shown, so that the receiver can be told."""
    answered = json.loads(coach("test", receiver.url, "--json")[1])
    assert receiver.got[0].verified(answered["secret"]).data == {"url": receiver.url}


def test_a_ping_that_fails_says_why(coach, receiver, answer):
    """Exit code 1 and the receiver's words."""
    receiver.usual = answer(401, body=b"bad signature")
    code, output = coach("test", receiver.url)
    assert code == 1
    assert "未送达：HTTP 401：bad signature" in output


def test_a_new_secret_is_shown(coach, receiver):
    """And the old one signs on."""
    made = added(coach, receiver.url)
    new = coach("rotate", made["id"])[1].strip()
    coach("test", made["id"])
    assert new != made["secret"]
    assert receiver.got[0].verified(new).id == receiver.got[0].verified(made["secret"]).id


def test_an_endpoint_can_be_switched_off_and_on_and_removed(coach, receiver):
    """Each is seen in the list."""
    made = added(coach, receiver.url)
    coach("disable", made["id"])
    assert "停用" in coach("list")[1]
    coach("enable", made["id"])
    assert "启用" in coach("list")[1]
    coach("remove", made["id"])
    assert coach("list")[1] == "还没有 webhook；用 coach webhooks add 登记\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["add", "ftp://x.example/"], "url"),
        (["add", "https://user:pw@x.example/"], "url"),
        (["add", "https://x.example/", "--events", "call.begun"], "call.begun"),
        (["add", "https://x.example/", "--events", ""], "events"),
        (["remove", "we_none"], "we_none"),
        (["rotate", "we_none"], "we_none"),
        (["enable", "we_none"], "we_none"),
        (["test", "we_none"], "we_none"),
        (["test", "https://[::1"], "应为 https://主机"),
        (["test", "https://hooks.example:99999/"], "应为 https://主机"),
        (["test", "https://169.254.169.254/x"], "169.254.169.254"),
        (["test", "https://hooks.example/", "--secret", "bad"], "--secret: 应为 whsec_"),
        (["test", "we_none", "--secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="], "--secret: 只用于"),
        (["retry"], "--all"),
        (["retry", "msg_1", "--all"], "--all"),
        (["retry", "msg_none"], "msg_none"),
    ],
)
def test_what_is_wrong_is_named(coach, arguments, named):
    """No traceback: the argument, and what was expected."""
    with pytest.raises(ConfigError, match=named):
        coach(*arguments)


@pytest.mark.parametrize("address", ["https://[::1", "https://hooks.example:x/", "https://169.254.169.254/x"])
def test_an_address_that_is_none_is_told_before_anything_else(tmp_path, address):
    """No secret that nobody will be told, and not a word of English."""
    result = CliRunner().invoke(app, ["webhooks", "test", address, "--data-dir", str(tmp_path)])
    assert isinstance(result.exception, ConfigError)
    assert (result.output, exit_code(result.exception)) == ("", 2)
    words = str(result.exception).replace(repr(address), "").replace("https://", "").replace("url:", "")
    assert not re.search("[A-Za-z]{3}", words)


def test_a_database_that_is_away_is_no_wrong_argument(coach, monkeypatch):
    """Exit code 1: the same command is right a moment later."""
    monkeypatch.setenv("COACH_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(ConfigError) as refused:
        coach("list")
    assert exit_code(refused.value) == 1


def test_the_same_address_is_not_registered_twice(coach, receiver):
    """Nobody is told everything twice by mistake."""
    made = added(coach, receiver.url)
    with pytest.raises(ConfigError, match=made["id"]):
        coach("add", receiver.url)


def test_a_private_address_is_refused_when_it_is_registered(coach, receiver, monkeypatch):
    """The operator learns it now and not from dead letters."""
    monkeypatch.delenv("COACH_WEBHOOK_PRIVATE")
    with pytest.raises(ConfigError, match="COACH_WEBHOOK_PRIVATE"):
        coach("add", receiver.url.replace("http:", "https:"))


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    """A typing mistake in --data-dir makes no second installation."""
    result = CliRunner().invoke(app, ["webhooks", "list", "--data-dir", str(tmp_path / "none")])
    assert isinstance(result.exception, ConfigError)
    assert not (tmp_path / "none").exists()


def test_a_running_service_takes_up_what_the_command_line_adds(
    coach, running, receiver, clients, wire, answer
):
    """Without a restart, and the dead letters of it can be tried again from there too."""
    service = running(webhook_private=True, webhook_tries=1)
    added(coach, receiver.url, "--events", "call.ended")

    receiver.usual = answer(500)
    producer = clients.producer(service)
    producer.send(wire.started(), wire.ended(seq=2))
    producer.acked("c1", 2)
    receiver.wait(1)
    dead = []
    while not dead:
        dead = json.loads(coach("dead", "--json")[1])
    assert (dead[0]["type"], dead[0]["call_id"], dead[0]["status"]) == ("call.ended", "c1", 500)
    assert dead[0]["id"] in coach("dead")[1]
    receiver.usual = answer(200)
    assert coach("retry", "--all")[1] == "1 条等待重新投递\n"
    assert receiver.wait(2)[1].message["id"] == dead[0]["id"]


def test_the_doctor_names_what_could_not_be_told(coach, running, receiver, clients, wire):
    """A disabled endpoint with its reason, and the dead letters with what to do."""
    service = running(webhook_private=True)
    receiver.usual.status = 410
    added(coach, receiver.url, "--events", "call.ended")
    producer = clients.producer(service)
    producer.send(wire.started(), wire.ended(seq=2))
    producer.acked("c1", 2)
    while not json.loads(coach("dead", "--json")[1]):
        pass
    while "停用原因" not in coach("list")[1]:
        pass
    settings = service.service.settings
    places = {
        "--data-dir": settings.data_dir,
        "--rules": settings.rules,
        "--phrasebook": settings.phrasebook,
    }
    options = [str(each) for place in places.items() for each in place]
    result = CliRunner().invoke(app, ["doctor", "--json", "--port", "0", *options])
    says = [each for each in json.loads(result.stdout)["findings"] if each["name"] == "webhooks"]
    assert [each["state"] for each in says] == ["warning", "warning"]
    assert "410" in says[0]["says"]
    assert "coach webhooks retry --all" in says[1]["mend"]
