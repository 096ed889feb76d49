"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RULES = """\
version: 1
rules:
  - id: ignorance/bare-dont-know
    title: 换个说法：先帮客户查
    severity: warning
    status: stable
    match: [我 不 (知道|清楚)]
    except:
      - pattern: 不 知道 您 {0,3} (方便|是否)
        because: 礼貌探询
    suggest: [ignorance/check-now]
    explain: 客户听到的是“没人管”。
    source: 测试
    hits: [这个【我不知道】]
    misses: [我不知道您方便吗]
  - id: ignorance/never-heard
    title: 换个说法：先了解
    severity: notice
    status: trial
    match: [爱莫能助]
    suggest: [ignorance/check-now]
    explain: 客户听到的是拒绝，先了解再答复。
    source: 测试
    hits: [我们【爱莫能助】]
    misses: [我能帮您]
"""
PHRASES = """\
version: 1
phrases:
  - id: ignorance/check-now
    say: 我马上帮您查一下，请您稍等
    when: 暂时不知道
"""


@pytest.fixture
def coach(tmp_path):
    """Run `coach` over a small rule book; returns the finished process."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "phrasebook").mkdir()
    (tmp_path / "rules" / "words.yml").write_text("version: 1\n", "utf-8")
    (tmp_path / "rules" / "ignorance.yml").write_text(RULES, "utf-8")
    (tmp_path / "phrasebook" / "ignorance.yml").write_text(PHRASES, "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}

    def run(*arguments, stdin: str | None = None, **variables):
        return subprocess.run(
            [sys.executable, "-m", "coach", *arguments],
            input=stdin or "",
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            cwd=tmp_path,
            env={
                **environment,
                "PYTHONPATH": str(Path(__file__).parent.parent),
                "COACH_RULES_DIR": str(tmp_path / "rules"),
                "COACH_PHRASEBOOK_DIR": str(tmp_path / "phrasebook"),
                **variables,
            },
        )

    return run


def test_check_shows_where_what_and_why(coach):
    """For people: the marked text, the suggestion and the reason; exit code 0 whether or not there are hits."""
    done = coach("check", "这个我不知道", "您好")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "✗ 这个【我不知道】"
    assert "我马上帮您查一下，请您稍等" in done.stdout
    assert "ignorance/bare-dont-know" in done.stdout
    assert "客户听到的是“没人管”。" in done.stdout
    assert lines[-1] == "✓ 您好"


def test_check_reads_lines_when_no_text_is_given(coach):
    """One text a line from standard input."""
    assert coach("check", stdin="您好\n再见\n").stdout == "✓ 您好\n✓ 再见\n"


def test_check_json_answers_line_by_line(coach):
    """One JSON line for each, with offsets in characters of the original text."""
    done = coach(
        "check", "--json", stdin='{"id": "7", "text": "😀这个我不知道"}\n\n{"id": 8, "text": "好"}\n'
    )
    one, two = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert (one["id"], one["categories"], two) == (
        "7",
        ["ignorance"],
        {"id": 8, "categories": [], "hits": []},
    )
    hit = one["hits"][0]
    assert (hit["start"], hit["end"], hit["text"], hit["by_sound"]) == (3, 7, "我不知道", False)
    assert set(hit) == {
        *("rule", "category", "severity", "start", "end", "text", "by_sound", "suggestions", "why"),
    }


def test_check_json_names_bad_lines_and_goes_on(coach):
    """Each bad line is named on standard error; the others are answered; the exit code is 2."""
    bad = [
        "{",
        "[]",
        '{"id": "1"}',
        '{"text": "a"}',
        '{"id": "1", "text": "a", "speaker": "boss"}',
        '{"id": "1", "txt": "a"}',
    ]
    done = coach("check", "--json", stdin="\n".join([*bad, '{"id": "9", "text": "好"}']))
    assert done.returncode == 2
    assert [line.split("：")[0] for line in done.stderr.splitlines()] == [f"第 {n} 行" for n in range(1, 7)]
    assert json.loads(done.stdout)["id"] == "9"


def test_check_json_hears_what_the_customer_said_before(coach):
    """A rule that depends on the customer's last words gets them from `customer`; anything else is refused."""
    done = coach("check", "--json", stdin='{"id": "1", "text": "好", "customer": 3}')
    assert (done.returncode, "customer: 收到 3，应为文字" in done.stderr) == (2, True)
    assert coach("check", "--json", stdin='{"id": "1", "text": "好", "customer": "急"}').returncode == 0


def test_check_json_says_once_which_field_it_does_not_use(coach):
    """A field of somebody else's is passed over with a word, so that a misspelt one does not go unseen."""
    line = '{"id": "1", "text": "我不知道", "speakr": "customer"}\n'
    done = coach("check", "--json", stdin=line * 2)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    assert done.stderr.count("不用字段 speakr") == 1


def test_check_leaves_customers_alone(coach):
    """Rules hold for the agent."""
    done = coach("check", "--json", stdin='{"id": "1", "text": "我不知道", "speaker": "customer"}')
    assert json.loads(done.stdout)["hits"] == []


def test_rules_on_trial_are_shown_with_all_only(coach):
    """What agents are never shown counts as a hit only with --all."""
    assert coach("check", "我们爱莫能助").stdout.startswith("✓")
    assert coach("check", "--all", "我们爱莫能助").stdout.startswith("✗")


def test_check_does_not_load_the_service(coach):
    """Start-up is short because neither the web framework nor the database is imported."""
    done = coach("check", "您好", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert imported & {"coach.coaching.checker"}
    assert not imported & {
        "fastapi",
        "uvicorn",
        "sqlalchemy",
        "pydantic_settings",
        "watchfiles",
        "websockets",
    }


def test_broken_rules_are_listed_without_a_trace(coach, tmp_path):
    """Every problem with file and line; exit code 1."""
    (tmp_path / "rules" / "ignorance.yml").write_text(
        RULES.replace("severity: notice", "severity: fatal"), "utf-8"
    )
    done = coach("check", "您好")
    assert done.returncode == 1
    assert "rules/ignorance.yml" in done.stderr
    assert "Traceback" not in done.stderr


def test_rules_lint_lists_what_is_asked_for(coach):
    """`--only` names a file or a rule, `--errors` leaves the reminders out."""
    everything = json.loads(coach("rules", "lint", "--json").stdout)
    one = json.loads(coach("rules", "lint", "--json", "--only", "phrasebook").stdout)
    assert one == [finding for finding in everything if "phrasebook" in finding["where"]]
    assert json.loads(coach("rules", "lint", "--json", "--errors").stdout) == [
        finding for finding in everything if finding["level"] == "error"
    ]


def test_rules_list_lint_test_try_schema_and_doc(coach):
    """Each subcommand answers, and those for machines answer in JSON."""
    assert "ignorance/bare-dont-know" in coach("rules", "list").stdout
    listed = json.loads(coach("rules", "list", "--json", "--category", "ignorance").stdout)
    assert [rule["id"] for rule in listed["rules"]] == ["ignorance/bare-dont-know", "ignorance/never-heard"]
    tested = coach("rules", "test", "--json")
    assert (tested.returncode, all(each["passed"] for each in json.loads(tested.stdout))) == (0, True)
    tried = json.loads(coach("rules", "try", "我不知道您方便吗", "--json").stdout)
    assert tried["found"][0]["stopped"] == "礼貌探询"
    assert "我不知道您方便吗" in coach("rules", "try", "我不知道您方便吗").stdout
    assert "phrases" in json.loads(coach("rules", "schema", "phrasebook").stdout)["properties"]
    assert coach("rules", "doc").stdout.startswith("# 话术规则")


def test_rules_lint_fails_on_errors(coach):
    """A stable rule with one example is an error: exit code 1, for people and machines."""
    done = coach("rules", "lint", "--json")
    assert done.returncode == 1
    assert {finding["level"] for finding in json.loads(done.stdout)} >= {"error"}
    assert "个错误" in coach("rules", "lint").stdout


def test_rules_test_fails_on_a_failing_example(coach, tmp_path):
    """The example is shown as it should be and as it is."""
    (tmp_path / "rules" / "ignorance.yml").write_text(
        RULES.replace("misses: [我不知道您方便吗]", "misses: [我不知道]"), "utf-8"
    )
    done = coach("rules", "test")
    assert done.returncode == 1
    assert "实为  【我不知道】" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["serve", "--help"],
        ["check", "--help"],
        ["replay", "--help"],
        ["rules", "--help"],
        ["rules", "try", "--help"],
    ],
)
def test_help_teaches(coach, arguments):
    """Every help page explains in Chinese; those of commands show an example."""
    done = coach(*arguments)
    assert done.returncode == 0
    assert "退出码" in done.stdout or "示例" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["check", "--nothing"], ["replay"], ["serve", "--port", "x"]]
)
def test_a_wrong_command_line_leaves_with_2(coach, arguments):
    """Usage errors have the exit code 2."""
    assert coach(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nothing", "没有命令 'nothing'"),
        ("check --nothing", "没有选项 --nothing"),
        ("serve --hots x", "没有选项 --hots，是不是 --host"),
        ("replay", "缺少 FILE"),
        ("serve --port", "选项 --port 后面应有值"),
        ("serve --port x", '--port: 收到 "x"，应为整数'),
        ("keys new x --days 0", '--days: 收到 "0"，应至少为 1'),
        ("schema nosuch", "KIND: 收到 'nosuch'，应为 'asyncapi' 之一"),
        ("schema asyncapi more", "多出了参数 more"),
    ],
)
def test_a_wrong_command_line_is_told_in_chinese(coach, line, told):
    """What came and what was expected; nothing of it in English."""
    done = coach(*line.split())
    assert done.returncode == 2
    assert done.stderr.startswith(told)
    assert "Error" not in done.stderr


def test_a_wrong_setting_is_named(coach):
    """An unknown value of a setting leaves with 2 and names it."""
    done = coach("serve", "--log-level", "loud", "--port", "0")
    assert done.returncode == 2
    assert "log_level" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_reviews_whole_calls(coach):
    """With --calls each line is a call; a line that cannot be read is named and the exit code is 2."""
    turn = {"speaker": "agent", "start_ms": 0, "end_ms": 900, "text": "这个我不知道"}
    done = coach("check", "--calls", "--json", stdin=json.dumps({"id": "c1", "turns": [turn]}) + "\n{\n")
    answer = json.loads(done.stdout)
    assert (answer["id"], answer["categories"]) == ("c1", ["ignorance"])
    assert (done.returncode, done.stderr.startswith("第 2 行")) == (2, True)


def test_calls_are_read_as_json_only(coach):
    """--calls without --json, or with texts, is a usage error."""
    assert coach("check", "--calls", stdin="").returncode == 2
    assert coach("check", "--calls", "--json", "您好").returncode == 2


def test_keys_are_made_listed_and_revoked(coach, tmp_path):
    """The key is printed once; afterwards only its name is known; a folder that is not there is not made."""
    assert coach("keys", "list").returncode == 2
    (tmp_path / "coach-data").mkdir()
    assert coach("keys", "list").returncode == 0
    assert not (tmp_path / "coach-data" / "secret").exists()
    key = coach("keys", "new", "softphone").stdout.strip()
    assert key.startswith("coach_")
    assert "softphone  default  producer  有效" in coach("keys", "list").stdout
    assert coach("keys", "revoke", "softphone").returncode == 0
    assert coach("keys", "revoke", "softphone").returncode == 2
    assert "已作废" in coach("keys", "list").stdout


def test_a_secret_that_cannot_be_used_is_named(coach, tmp_path):
    """By file; the commands that need none do without."""
    (tmp_path / "coach-data" / "secret").mkdir(parents=True)
    done = coach("keys", "new", "softphone")
    assert (done.returncode, done.stderr.split(": ")[0]) == (2, "coach-data/secret")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("check --rules nope 您好", "rules/: 没有这个目录：nope"),
        ("check --phrasebook nope 您好", "phrasebook/: 没有这个目录：nope"),
        ("rules list --rules nope", "rules/: 没有这个目录：nope"),
        ("rules lint --rules nope", "rules/: 没有这个目录：nope"),
        ("rules list --category nope", "--category: 收到 'nope'，应为 ignorance 之一"),
        ("check --pack nope 您好", "rules/packs/nope/: 没有这个规则包；已有：（没有）"),
    ],
)
def test_rules_that_are_not_there_are_a_wrong_argument(coach, line, told):
    """Exit code 2, and nothing but that."""
    done = coach(*line.split())
    assert (done.returncode, done.stderr) == (2, told + "\n")


@pytest.mark.parametrize(
    "line", ["keys list --data-dir", "serve --data-dir", "data delete --call c --data-dir", "transcripts"]
)
def test_a_path_that_cannot_be_used_is_named(coach, line):
    """With why, in Chinese, whatever the command; a name too long stands for every such error."""
    done = coach(*line.split(), "x" * 300)
    assert done.returncode == 2
    assert "x" * 300 in done.stderr
    assert "名字太长" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_printed(coach):
    """`coach --version`."""
    from coach import __version__

    assert coach("--version").stdout == f"coach {__version__}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "不是 JSON"),
        ("{}", "turns"),
        ('{"turns": [1]}', "turns.0"),
        ('{"turns": [{"speaker": "x"}]}', "turns.0.speaker"),
        ('{"turns": [{"speaker": "agent", "start_ms": 2, "end_ms": 1, "text": ""}]}', "turns.0"),
    ],
)
def test_a_recording_that_cannot_be_read_is_explained(coach, tmp_path, content, message):
    """The message says where and what was expected."""
    (tmp_path / "call.json").write_text(content, "utf-8")
    done = coach("replay", "call.json", "--key", "x")
    assert done.returncode == 2
    assert message in done.stderr


def test_rules_score_counts_what_is_right_false_and_missed(coach, tmp_path):
    """Labelled sentences give precision and recall, and each error its reason."""
    lines = [
        {"id": "1", "text": "这个我不知道", "labels": ["ignorance"]},
        {"id": "2", "text": "没办法帮您", "labels": ["refusal"]},
        {"id": "3", "text": "我不清楚啊", "labels": []},
        {"id": "4", "text": "我不知道您方便吗", "labels": [], "also": []},
    ]
    file = tmp_path / "labelled.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    score = json.loads(coach("rules", "score", str(file), "--json").stdout)
    assert (score["micro"]["right"], score["micro"]["false"], score["micro"]["missed"]) == (1, 1, 1)
    assert score["alarms_per_1000_clean"] == 500.0
    assert [error["id"] for error in score["errors"]] == ["2", "3"]
    assert "每千句 500" in coach("rules", "score", str(file)).stdout


def test_rules_score_names_every_broken_line(coach, tmp_path):
    """Broken lines are told with line and field, all at once, and nothing is scored."""
    file = tmp_path / "broken.jsonl"
    file.write_text('{"id": 1, "text": 3}\nx\n{"text": "好", "labels": ["nosuch"]}\n', "utf-8")
    scored = coach("rules", "score", str(file))
    assert scored.returncode == 2
    assert "broken.jsonl:1:1: text: 收到 3，应为文字" in scored.stderr
    assert "broken.jsonl:2:1: 不是 JSON" in scored.stderr
    assert "broken.jsonl:3:1: labels: 没有类别 'nosuch'" in scored.stderr


def test_rules_compare_shows_new_and_vanished_hits(coach, tmp_path):
    """A rule that only one of two rule sets has makes the difference."""
    old, new = tmp_path / "rules", tmp_path / "new"
    new.mkdir()
    (new / "words.yml").write_text("version: 1\n", "utf-8")
    (new / "ignorance.yml").write_text(RULES.replace("status: trial", "status: stable"), "utf-8")
    call = {
        "id": "c1",
        "turns": [
            {"speaker": "客户", "text": "爱莫能助"},
            {"speaker": "客服", "text": "我们爱莫能助"},
            {"speaker": "客服", "text": "这个我不知道"},
        ],
    }
    calls = tmp_path / "calls.jsonl"
    calls.write_text(json.dumps(call, ensure_ascii=False) + "\n", "utf-8")
    compared = json.loads(coach("rules", "compare", str(old), str(new), str(calls), "--json").stdout)
    assert (compared["old_hits"], compared["new_hits"]) == (1, 2)
    assert [each["where"] for each in compared["appeared"]] == ["c1#1"]
    assert compared["vanished"] == []


def test_pack_is_off_until_it_is_named(coach, tmp_path):
    """Rules of a pack hit only with --pack or COACH_PACKS; an unknown pack is told with those there are."""
    folder = tmp_path / "rules" / "packs" / "insurance"
    folder.mkdir(parents=True)
    pack = RULES.replace("ignorance/bare-dont-know", "insurance/no-risk").replace(
        "ignorance/never-heard", "insurance/x"
    )
    (folder / "insurance.yml").write_text(pack, "utf-8")

    def rules_of(done):
        return {hit["rule"] for hit in json.loads(done.stdout)["hits"]}

    line = '{"id": "1", "text": "这个我不知道"}\n'
    assert rules_of(coach("check", "--json", stdin=line)) == {"ignorance/bare-dont-know"}
    both = {"ignorance/bare-dont-know", "insurance/no-risk"}
    assert rules_of(coach("check", "--json", "--pack", "insurance", stdin=line)) == both
    assert rules_of(coach("check", "--json", stdin=line, COACH_PACKS="insurance")) == both
    unknown = coach("check", "--pack", "nosuch", "好")
    assert unknown.returncode == 2
    assert "没有这个规则包；已有：insurance" in unknown.stderr
