"""`coach mask`, and masking in `coach check`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

NUMBER = "13812345678"


def coach(*arguments, raw=b"", masking=None):
    """Run the command as a user would; input is bytes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}
    environment["PYTHONIOENCODING"] = "utf-8"
    if masking is not None:
        environment["COACH_MASKING"] = masking
    return subprocess.run(
        [sys.executable, "-m", "coach", *arguments],
        input=raw,
        capture_output=True,
        timeout=60,
        check=False,
        env=environment,
    )


def test_texts_are_shown_masked():
    """One line for each text."""
    done = coach("mask", f"打{NUMBER}", "我叫王小明")
    assert done.stdout.decode().splitlines() == ["打138****5678", "我叫王**"]


def test_lines_are_masked_one_by_one():
    """Standard input, as long as it comes; Windows line ends too."""
    done = coach("mask", raw=f"打{NUMBER}\r\n好的\n".encode())
    assert done.stdout.decode().splitlines() == ["打138****5678", "好的"]


def test_json_tells_kinds_and_places():
    """Offsets in characters, astral ones too."""
    done = coach("mask", "--json", raw=f"😀打{NUMBER}\n".encode())
    assert json.loads(done.stdout) == {
        "masked": "😀打138****5678",
        "spans": [{"kind": "phone", "start": 2, "end": 13}],
    }


def test_partial_hides_what_may_grow():
    """--partial shows what a sidebar sees while somebody is speaking."""
    done = coach("mask", "--partial", "手机号1381")
    assert done.stdout.decode().strip() == "手机号138*"


def test_a_line_in_another_encoding_is_told():
    """GBK input: the line and what was expected, the other lines go on, exit code 2."""
    done = coach("mask", raw="号码\n".encode("gbk") + b"ok\n")
    assert (done.returncode, done.stdout.decode().splitlines()) == (2, ["ok"])
    assert "第 1 行" in done.stderr.decode()
    assert "UTF-8" in done.stderr.decode()


def test_check_shows_masked_words():
    """Neither the marked text nor a JSON hit holds the number."""
    shown = coach("check", f"我不知道{NUMBER}是谁").stdout.decode()
    assert "138****5678" in shown
    assert NUMBER not in shown


@pytest.mark.parametrize(("flags", "masking"), [(("--unmasked",), None), ((), "off")])
def test_unmasked_has_to_be_said(flags, masking):
    """By flag or environment, and standard error says that it is so."""
    done = coach("check", *flags, f"我不知道{NUMBER}是谁", masking=masking)
    assert NUMBER in done.stdout.decode()
    assert "未脱敏" in done.stderr.decode()


def test_a_wrong_setting_is_explained():
    """COACH_MASKING=maybe: what came, what was expected, exit code 2."""
    done = coach("check", "好的", masking="maybe")
    assert done.returncode == 2
    assert done.stderr.decode().strip() == "COACH_MASKING: 收到 'maybe'，应为 on 或 off"
