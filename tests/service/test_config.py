"""Settings: where they come from, what they refuse, and that they are documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coach.config import is_loopback, load_settings, settings_table
from coach.errors import ConfigError

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder and no COACH_ variables."""
    import os

    for name in [name for name in os.environ if name.startswith("COACH_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_are_safe():
    """Loopback, no demo, no foreign origins."""
    settings = load_settings()
    assert (settings.host, settings.port, settings.demo, settings.origins) == ("127.0.0.1", 8600, False, ())


def test_a_flag_wins_over_the_environment_and_that_over_the_file(folder, monkeypatch):
    """Three sources, one order; None means that a flag was not given."""
    (folder / "coach.toml").write_text('port = 1\nhost = "10.0.0.1"\nlog_level = "error"\n')
    monkeypatch.setenv("COACH_PORT", "2")
    monkeypatch.setenv("COACH_HOST", "10.0.0.2")
    settings = load_settings(port=3, host=None)
    assert (settings.port, settings.host, settings.log_level) == (3, "10.0.0.2", "error")


@pytest.mark.parametrize(
    ("name", "told"), [("none.toml", "没有这个文件"), ("", None), (".", "是文件夹，不是文件")]
)
def test_a_named_file_must_be_there(folder, monkeypatch, name, told):
    """What came, where that is, and what was expected; an empty variable names none."""
    (folder / "coach.toml").write_text("port = 1\n")
    monkeypatch.setenv("COACH_CONFIG", name)
    if told is None:
        assert load_settings().port == 1
        return
    with pytest.raises(ConfigError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"COACH_CONFIG: 收到 '{name}'，{told}（{folder}")


def test_a_named_file_that_is_not_there_ends_a_command_with_2(monkeypatch):
    """Told on standard error, without a trace; nothing was started."""
    monkeypatch.setenv("COACH_CONFIG", "none.toml")
    ran = subprocess.run(
        [sys.executable, "-m", "coach", "serve", "--port", "0"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "COACH_CONFIG: 收到 'none.toml'" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not Path("coach-data").exists()


def test_lists_are_comma_separated_in_the_environment_and_arrays_in_the_file(folder, monkeypatch):
    """Both ways give the same."""
    monkeypatch.setenv("COACH_ORIGINS", "https://a.example, https://b.example:8443")
    (folder / "coach.toml").write_text('hosts = ["coach.example"]\n')
    settings = load_settings()
    assert settings.origins == ("https://a.example", "https://b.example:8443")
    assert settings.hosts == ("coach.example",)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"port": 70_000}, "port"),
        ({"log_level": "loud"}, "log_level"),
        ({"origins": ("https://a.example/path",)}, "origins"),
        ({"origins": ("*",)}, "origins"),
        ({"origins": ("https://*.example",)}, "origins"),
        ({"prot": 1}, "prot"),
        ({"demo": True, "host": "0.0.0.0"}, "host"),
    ],
)
def test_a_wrong_setting_is_named(flags, named):
    """Unknown names, wrong types, wildcards, and a demo open to the network."""
    with pytest.raises(ConfigError, match=named):
        load_settings(**flags)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("COACH_WORKERS", "0", 'workers（COACH_WORKERS）: 收到 "0"，应至少为 1'),
        ("COACH_PORT", "99999", 'port（COACH_PORT）: 收到 "99999"，应至多为 65535'),
        ("COACH_PORT", "tcp://10.0.0.1:8600", 'port（COACH_PORT）: 收到 "tcp://10.0.0.1:8600"，应为整数'),
        ("COACH_STORE", "foo", "store（COACH_STORE）: 收到 \"foo\"，应为 'words' 或 'nothing'"),
        ("COACH_DEMO", "vielleicht", 'demo（COACH_DEMO）: 收到 "vielleicht"，应为 true 或 false'),
        ("COACH_WEBHOOK_DISABLE_H", "0", 'webhook_disable_h（COACH_WEBHOOK_DISABLE_H）: 收到 "0"，应大于 0'),
    ],
)
def test_a_wrong_variable_is_told_with_what_came_and_what_was_expected(monkeypatch, variable, value, told):
    """In Chinese, as everything else."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert str(error.value) == told


def test_what_concerns_two_settings_begins_with_their_names():
    """Neither pydantic's `Value error` nor a name that is no setting's."""
    with pytest.raises(ConfigError) as error:
        load_settings(workers=2)
    assert str(error.value).startswith("workers: 2 个进程之间需要 Redis")


def test_a_secret_is_not_shown(monkeypatch, folder):
    """Neither a password in an address nor a secret of the wrong type."""
    monkeypatch.setenv("COACH_DATABASE_URL", "geheim://u:hidden@h/d")
    (folder / "coach.toml").write_text("secret = 424242\n")
    with pytest.raises(ConfigError) as error:
        load_settings()
    said = str(error.value)
    assert "database_url（COACH_DATABASE_URL）: 不是 PostgreSQL 的地址" in said
    assert "coach.toml:1: secret: 收到了别的，应为字符串" in said
    assert "hidden" not in said
    assert "424242" not in said


def test_an_unknown_name_in_the_file_is_told_with_its_line_and_the_nearest_one(folder):
    """A misspelt name is nearly one there is."""
    (folder / "coach.toml").write_text("# coach\nworkerz = 2\n")
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert str(error.value) == "coach.toml:2: workerz: 没有这个设置，是不是 workers？"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = 1\nport = \n", "coach.toml:2:8: 不是 TOML"),
        (b'host = "\xff"\n', "coach.toml: 第 8 字节起不是 UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_the_place(folder, content, told):
    """Line and column, or the byte."""
    (folder / "coach.toml").write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert str(error.value).startswith(told)


def test_a_file_that_is_no_toml_is_named(folder):
    """The message names the file."""
    (folder / "coach.toml").write_text("port =")
    with pytest.raises(ConfigError, match=r"coach\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("coach.example", False),
    ],
)
def test_loopback_is_recognised(host, expected):
    """By address, not by hope."""
    assert is_loopback(host) is expected


def test_every_setting_is_documented():
    """docs/operations.md has one row a setting, with its default and its sentence, and no others."""
    rows = [line for line in OPERATIONS.read_text("utf-8").splitlines() if line.startswith("| `")]
    expected = [f"| `{each.name}` | `{each.default}` | {each.sentence} |" for each in settings_table()]
    assert [row for row in rows if row.count("|") == 4 and row in expected] == expected
    documented = {row.split("`")[1] for row in rows[: len(expected)]}
    assert documented == {each.name for each in settings_table()}
