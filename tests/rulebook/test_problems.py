"""Every mistake an author can make, with the line and column where it stands and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coach.errors import MissingRulebookError, PhrasebookError, Problem, RulebookError
from coach.rulebook.book import load_rulebook
from coach.rulebook.source import parse_source
from tests.conftest import PHRASES, WORDS, rule_yaml, rules_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coach.rulebook.book import Rulebook

    MakeRulebook = Callable[..., Rulebook]


def rule(**changed: str | None) -> dict[str, str]:
    """Return the files of a book whose one rule is changed."""
    return {"rules": rules_file(rule_yaml(**changed))}


def phrase(**changed: str | None) -> dict[str, str]:
    """Return the files of a book whose one phrase is changed."""
    keys = {"id": "ignorance/check-now", "say": "我马上查", "when": "不知道时"} | changed
    lines = [f"    {name}: {value}" for name, value in keys.items() if value is not None]
    return {"phrases": "version: 1\nphrases:\n  - " + "\n".join(lines).lstrip() + "\n"}


def override(*lines: str) -> dict[str, str]:
    """Return the files of a book with one override."""
    return {"overrides": "version: 1\noverrides:\n  - " + "\n    ".join(lines) + "\n"}


def words(*lines: str) -> dict[str, str]:
    """Return the files of a book with more in words.yml, from line 6 on."""
    return {"words": WORDS + "\n".join(lines) + "\n"}


VERSION = "不认识；这一版 coach 只读 version: 1，请升级 coach 或改写文件"
R, P, W, S = "rules/ignorance.yml", "phrasebook/ignorance.yml", "rules/words.yml", "rules/overrides.yml"
BARE = "rule: ignorance/bare"

# One line per mistake, however long: a table is read down its columns.
# ruff: noqa: E501
CASES: list[Any] = [
    pytest.param(rule(severity="fatal"), f"{R}:5:15: rules.0.severity: 应为 'notice'、'warning' 或 'violation'，写的是 'fatal'", id="severity"),
    pytest.param(rule(status="live"), f"{R}:6:13: rules.0.status: 应为 'draft'、'trial'、'stable' 或 'retired'，写的是 'live'", id="status"),
    pytest.param(rule(speaker="both"), f"{R}:13:14: rules.0.speaker: 应为 'agent'、'customer' 或 'any'，写的是 'both'", id="speaker"),
    pytest.param(rule(phases="[middle]"), f"{R}:13:14: rules.0.phases.0: 应为 'opening'、'identity'、'inquiry'、'handling' 或 'closing'，写的是 'middle'", id="phase"),
    pytest.param(rule(colour="red"), f"{R}:13:13: rules.0.colour: 没有这个键，写的是 'red'", id="unknown-key"),
    pytest.param(rule(title=None), f"{R}:3:5: rules.0.title: 缺少这个键", id="missing-key"),
    pytest.param(rule(title="[甲]"), f"{R}:4:5: rules.0.title: 应为文字", id="list-for-text"),
    pytest.param(rule(title="甲" * 21), f"{R}:4:12: rules.0.title: 最多 20 个字，写的是 '{'甲' * 21}'", id="long-title"),
    pytest.param(rule(explain="短"), f"{R}:9:14: rules.0.explain: 至少 4 个字，写的是 '短'", id="short-explanation"),
    pytest.param(rule(source='""'), f"{R}:10:13: rules.0.source: 不能为空", id="empty-text"),
    pytest.param(rule(id="Bare"), f"{R}:3:9: rules.0.id: 应写成 类别/名称，只用小写字母、数字和连字符，写的是 'Bare'", id="form-of-id"),
    pytest.param(rule(id="hedging/bare"), f"{R}:3:9: rules.0.id: 'hedging/bare' 应以文件名开头：ignorance/bare", id="id-of-another-file"),
    pytest.param({"rules": rules_file(rule_yaml(), rule_yaml())}, f"{R}:13:9: rules.1.id: 'ignorance/bare' 已经写在 rules/ignorance.yml 里了", id="double-id"),
    pytest.param(rule(match="不知道"), f"{R}:7:12: rules.0.match: 应为列表（每行一个 - ），写的是 '不知道'", id="text-for-list"),
    pytest.param(rule(match="[]"), f"{R}:7:5: rules.0.match: 至少要有一项", id="empty-list"),
    pytest.param(rule(match="[3]"), f"{R}:7:13: rules.0.match.0: 应为文字，写的是 3", id="number-for-text"),
    pytest.param(rule(match="[不知道)]"), f"{R}:7:16: rules.0.match.0: 多出来的 ')'，前面没有与它配对的括号\n  不知道)\n  　　　^", id="pattern"),
    pytest.param(rule(match='["不 {0,9} 知道"]'), f"{R}:7:16: rules.0.match.0: 间隔 {{0,9}} 太长，上限最多 8\n  不 {{0,9}} 知道\n  　 ^", id="quoted-pattern"),
    pytest.param(rule(match='["<no> 不"]'), f"{R}:7:14: rules.0.match.0: 没有词类 <no>；已有：know、self、you\n  <no> 不\n  ^", id="unknown-class"),
    pytest.param(rule(match="[/v]"), f"{R}:7:13: rules.0.match.0: 没有必须出现的词，每句话都要细查；至少写一个词或 <词类>\n  /v\n  ^", id="no-anchor"),
    pytest.param(rule(except_="[{pattern: 不}]"), f"{R}:13:14: rules.0.except.0.because: 缺少这个键", id="exception-without-reason"),
    pytest.param(rule(except_="[{pattern: 不], because: 理由}]"), f"{R}:13:25: YAML 写法有误：括号没有收尾，或少了逗号。含有 {{ }} , ? : # 的句式要用引号括起来", id="yaml-in-exception"),
    pytest.param(rule(except_="[{pattern: 不 <no>, because: 理由}]"), f"{R}:13:26: rules.0.except.0.pattern: 没有词类 <no>；已有：know、self、you\n  不 <no>\n  　 ^", id="exception-pattern"),
    pytest.param(rule(sentence="rhetorical"), f"{R}:13:15: rules.0.sentence: 没有句类 'rhetorical'；words.yml 里有：（没有）", id="unknown-sentence"),
    pytest.param(rule(suggest="[ignorance/none]"), f"{R}:8:15: rules.0.suggest.0: phrasebook 里没有 'ignorance/none'", id="unknown-phrase"),
    pytest.param(rule(hits="[我不知道, 【我们不清楚】]"), f"{R}:11:12: ignorance/bare: hits 里的例句要用【】标出命中的部分：我不知道", id="hit-without-span"),
    pytest.param(rule(misses="[【好的】, 好]"), f"{R}:12:14: ignorance/bare: misses 里的例句不该有【】：【好的】", id="miss-with-span"),
    pytest.param(rule(hits="[【我不知道】, 我【不清楚】]"), f"{R}:11:20: ignorance/bare: 例句不符：我不清楚\n    期望 我【不清楚】\n    实际 【我不清楚】\n    分词 我/不/清楚", id="hit-elsewhere"),
    pytest.param(rule(hits="[【我不知道】, 【您好】]"), f"{R}:11:20: ignorance/bare: 例句不符：您好\n    期望 【您好】\n    实际 没有命中\n    分词 （没有锚词，未分词）", id="no-hit"),
    pytest.param(rule(misses="[好的, 我们不了解的]"), f"{R}:12:18: ignorance/bare: 例句不符：我们不了解的\n    期望 不命中\n    实际 【我们不了解】的\n    分词 我们/不/了解/的", id="miss-that-hits"),
    pytest.param(rule(hits="[{text: 我}, 【我不知道】]"), f"{R}:11:12: rules.0.hits.0.todo: 缺少这个键", id="gap-without-reason"),
    pytest.param({"rules": "version: 2\nrules: 3\n"}, f"{R}:1:10: version: 版本 2 {VERSION}\n{R}:2:8: rules: 应为列表（每行一个 - ），写的是 3", id="version"),
    pytest.param({"rules": "version: true\n" + rules_file()[11:]}, f"{R}:1:10: version: 版本 True {VERSION}", id="true-is-no-version"),
    pytest.param({"rules": "version: 1.0\n" + rules_file()[11:]}, f"{R}:1:10: version: 版本 '1.0' {VERSION}", id="decimal-version"),
    pytest.param({"rules": rules_file()[11:]}, f"{R}:1:1: version: 缺少这个键", id="no-version"),
    pytest.param({"rules": ""} | {"files": {R: ""}}, f"{R}:1:1: 文件是空的；第一行应是 version: 1", id="empty-file"),
    pytest.param({"rules": "- 甲\n"}, f"{R}:1:1: 应为键值对", id="list-for-file"),
    pytest.param({"rules": "version: 1\nversion: 1\n"}, f"{R}:2:1: 键 'version' 写了两次", id="double-key"),
    pytest.param({"rules": rules_file(rule_yaml(match="[不]\n    match: [没]"))}, f"{R}:8:5: 键 'match' 写了两次", id="double-key-in-a-rule"),
    pytest.param({"rules": "version: 1\nrules: 甲: 乙\n"}, f"{R}:2:9: YAML 写法有误：这里不该有冒号。含有 {{ }} , ? : # 的句式要用引号括起来", id="yaml"),
    pytest.param({"rules": "? [甲]\n: 乙\n"}, f"{R}:1:3: 键应是一个词，锚点不能包含自己", id="list-as-key"),
    pytest.param({"rules": "version: &v [*v]\n"}, f"{R}:1:10: 键应是一个词，锚点不能包含自己", id="anchor-in-itself"),
    pytest.param({"rules": "version: !!python/name:os.system\n"}, f"{R}:1:10: YAML 写法有误：could not determine a constructor for the tag 'tag:yaml.org,2002:python/name:os.system'。含有 {{ }} , ? : # 的句式要用引号括起来", id="no-python-objects"),
    pytest.param({"files": {R: b"version: 1\nrules: \xb2\xbb\n"}}, f"{R}: 不是 UTF-8 编码（第 18 个字节）；请用 UTF-8 保存", id="gbk-file"),
    pytest.param({"files": {R: b"version: 1\nrules: \x07\n"}}, f"{R}:2:8: 有看不见的控制字符 '\\x07'；请删掉", id="control-character"),
    pytest.param({"files": {R: rules_file().encode().replace(b"severity: warning", b"severity: fatal"), P: PHRASES + "colour: 1\n"}}, f"{P}:6:9: colour: 没有这个键，写的是 1\n{R}:5:15: rules.0.severity: 应为 'notice'、'warning' 或 'violation'，写的是 'fatal'", id="problems-of-all-files"),
    pytest.param(words("  um: [嗯, 对]"), f"{W}:6:8: classes.um.0: '嗯' 是语气词，匹配前会被去掉；请删掉这个词", id="hesitation-in-a-class"),
    pytest.param(words("  two: [对、是]"), f"{W}:6:9: classes.two.0: '对、是' 里有标点；一个词不能跨两个分句", id="mark-in-a-class"),
    pytest.param(words("  none: []"), f"{W}:6:3: classes.none: 至少要有一项", id="empty-class"),
    pytest.param(words("  one: 一"), f"{W}:6:8: classes.one: 应为列表（每行一个 - ），写的是 '一'", id="class-without-list"),
    pytest.param(words("sentences:", "  r:", "    match: [难道)]"), f"{W}:8:15: sentences.r.match.0: 多出来的 ')'，前面没有与它配对的括号\n  难道)\n  　　^", id="sentence-pattern"),
    pytest.param(words("sentences:", "  r:", "    match: [难道]", "    hits: [难]"), f"{W}:9:12: sentences.r.hits.0: 例句应该符合却不符合：难（分词 难）", id="sentence-hit"),
    pytest.param(words("sentences:", "  r:", "    match: [难道]", "    misses: [难道啊]"), f"{W}:9:14: sentences.r.misses.0: 例句不该符合却符合了：难道啊（分词 难道/啊）", id="sentence-miss"),
    pytest.param(words("modifiers:", "  o: {effect: drop, where: after, because: 理由, match: [我 帮]}"), f"{W}:7:15: modifiers.o.effect: 应为 'cancel' 或 'soften'，写的是 'drop'", id="modifier-effect"),
    pytest.param(words("modifiers:", "  o: {effect: cancel, where: after, because: 理由, match: [我 帮], hits: [不帮]}"), f"{W}:7:71: modifiers.o.hits.0: 例句应该符合却不符合：不帮（分词 不/帮）", id="modifier-hit"),
    pytest.param(phrase(say='"{hole}好"', without="好的"), f"{P}:4:10: phrases.0.say: 没有空格 {{hole}}；可用：rest、org、agent_number、customer_name、department、deadline", id="unknown-slot"),
    pytest.param(phrase(say='"{rest}好"'), f"{P}:4:10: phrases.0.say: 有空格的话术要写 without：不知道空格内容时说什么", id="slot-without-without"),
    pytest.param(phrase(say='"{rest}好"', without='"{org}好"'), f"{P}:6:14: phrases.0.without: without 里不能再有空格", id="hole-in-without"),
    pytest.param(phrase(said='["(不"]'), f"{P}:6:13: phrases.0.said.0: 从这里打开的 '(' 没有用 ')' 收尾\n  (不\n  ^", id="said-pattern"),
    pytest.param(phrase(say="查" * 61), f"{P}:4:10: phrases.0.say: 最多 60 个字，写的是 '{'查' * 61}'", id="long-phrase"),
    pytest.param(phrase(when=None), f"{P}:3:5: phrases.0.when: 缺少这个键", id="broken-phrases-are-not-missed-by-rules"),
    pytest.param({"phrases": {"ignorance": PHRASES, "hedging": PHRASES}}, "phrasebook/ignorance.yml:3:9: phrases.0.id: 'ignorance/check-now' 写了两次\nphrasebook/hedging.yml:3:9: phrases.0.id: 'ignorance/check-now' 应以文件名 hedging/ 开头", id="phrase-of-another-file"),
    pytest.param(override(BARE, "because: 理由"), f"{S}:3:5: overrides.0: 什么也没改；至少写 severity、except 或 disable 之一", id="override-of-nothing"),
    pytest.param(override("rule: ignorance/*", "because: 理由", "disable: true"), f"{S}:3:5: overrides.0: 'ignorance/*' 不能用通配符；一条覆盖只改一条规则", id="wildcard"),
    pytest.param(override("rule: ignorance/no", "because: 理由", "disable: true"), f"{S}:3:11: overrides.0.rule: 没有规则 'ignorance/no'", id="override-of-unknown-rule"),
    pytest.param(override(BARE, "disable: true"), f"{S}:3:5: overrides.0.because: 缺少这个键", id="override-without-reason"),
    pytest.param(override(BARE, "because: 理由", "until: 年底", "disable: true"), f"{S}:5:12: overrides.0.until: '年底' 不是日期；应写成 2026-12-31", id="until-is-no-date"),
    pytest.param(override(BARE, "because: 理由", "disable: yes"), f"{S}:5:14: overrides.0.disable: 应为 true 或 false，写的是 'yes'", id="yes-is-a-word"),
    pytest.param(override(BARE, "because: 理由", 'except: [{pattern: "{", because: 理由}]'), f"{S}:5:25: overrides.0.except.0.pattern: 间隔要写明下限和上限，例如 {{0,3}}\n  {{\n  ^", id="override-pattern"),
    pytest.param(rule(severity="violation") | override(BARE, "because: 理由", "disable: true"), f"{S}:5:14: overrides.0.disable: ignorance/bare 是 violation，不能停用", id="violation-stays"),
    pytest.param({"packs": ["bank"], "files": {"rules/packs/shop/blame.yml": rules_file()}}, "rules/packs/bank/: 没有这个规则包；已有：shop", id="unknown-pack"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), CASES)
def test_mistake_is_told_with_its_place(
    make_rulebook: MakeRulebook, files: dict[str, Any], expected: str
) -> None:
    """The book does not load, and says exactly what is wrong and where."""
    with pytest.raises((RulebookError, PhrasebookError)) as caught:
        make_rulebook(**files)
    assert sorted(str(caught.value).split("\n")) == sorted(expected.split("\n"))


def test_all_mistakes_are_told_at_once(make_rulebook: MakeRulebook) -> None:
    """One run shows the author everything, in the order of files and lines."""
    with pytest.raises(RulebookError) as caught:
        make_rulebook(
            rules=rules_file(
                rule_yaml(match='["(不", "<no>"]', suggest="[ignorance/none]"),
                rule_yaml(id="hedging/x", sentence="rhetorical"),
            ),
            phrases=PHRASES.replace("我马上", "好{hole}"),
            overrides="version: 1\noverrides:\n  - {rule: a/b, because: 理由, disable: true}\n",
        )
    places = [(problem.file, problem.line, problem.where) for problem in caught.value.problems]
    assert places == sorted(places)
    assert [where for _, _, where in places] == [
        "phrases.0.say", "phrases.0.say", "rules.0.match.0", "rules.0.match.1", "rules.0.suggest.0",
        "rules.1.id", "rules.1.sentence", "overrides.0.rule",
    ]  # fmt: skip


def test_broken_words_hide_nothing_behind_them(make_rulebook: MakeRulebook) -> None:
    """When words.yml cannot be read, the patterns that use its classes are not blamed."""
    with pytest.raises(RulebookError) as caught:
        make_rulebook(words="version: 1\nclasses: 3\n")
    assert [problem.file for problem in caught.value.problems] == ["rules/words.yml"]


def test_mistakes_in_phrases_alone_are_for_the_phrase_author(make_rulebook: MakeRulebook) -> None:
    """The exception says whose mistake it is."""
    with pytest.raises(PhrasebookError):
        make_rulebook(**phrase(said='["(不"]'))
    with pytest.raises(RulebookError):
        make_rulebook(**phrase(said='["(不"]'), **rule(severity="fatal"))


@pytest.mark.parametrize(("folder", "message"), [("rules", "没有规则文件"), ("nowhere", "没有这个目录")])
def test_missing_rules_are_told(tmp_path: Path, folder: str, message: str) -> None:
    """A folder without rules, or no folder at all, is a mistake and not an empty rule book."""
    (tmp_path / "rules").mkdir()
    with pytest.raises(RulebookError, match=message):
        load_rulebook(rules_dir=tmp_path / folder, phrasebook_dir=tmp_path)


def test_problem_reads_like_a_compilers() -> None:
    """Editors make `file:line:column` clickable; a problem of the whole file has no place."""
    assert str(Problem("rules/a.yml", 4, 5, "rules.0", "错")) == "rules/a.yml:4:5: rules.0: 错"
    assert str(Problem("rules/a.yml", 4, 5, "", "错")) == "rules/a.yml:4:5: 错"
    assert str(Problem("rules/a.yml", 0, 0, "", "错")) == "rules/a.yml: 错"


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 50_000 + "]" * 50_000,
        "\n".join(" " * depth + "a:" for depth in range(300)),
        "- " * 3000 + "a",
    ],
    ids=["brackets", "indents", "dashes"],
)
def test_nesting_beyond_measure_is_a_problem_not_a_crash(text: str) -> None:
    """A file nested thousands of levels deep would overflow the stack of the YAML library."""
    found = parse_source(text, name="rules/deep.yml")
    assert isinstance(found, Problem)
    assert "嵌套超过" in found.message


def test_aliases_that_multiply_are_a_problem() -> None:
    """Ten lines of aliases of aliases stand for a billion items; they are counted, not walked."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]"
        for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    ]
    found = parse_source("\n".join(lines), name="rules/bomb.yml")
    assert isinstance(found, Problem)
    assert "别名" in found.message


@pytest.mark.parametrize("missing", ["rules_dir", "phrasebook_dir"])
def test_a_missing_folder_is_all_that_is_told(tmp_path: Path, missing: str) -> None:
    """What lacks because of it is not blamed: no phrase is missing from a phrasebook that nobody found."""
    folders = {"rules_dir": tmp_path, "phrasebook_dir": tmp_path, missing: tmp_path / "nope"}
    with pytest.raises(MissingRulebookError) as caught:
        load_rulebook(**folders)
    assert [problem.message for problem in caught.value.problems] == [f"没有这个目录：{tmp_path / 'nope'}"]


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    """With what the system says; a name too long stands for every such error."""
    with pytest.raises(MissingRulebookError, match=r"rules/: 无法读取 .*x：File name too long"):
        load_rulebook(rules_dir=tmp_path / ("x" * 300), phrasebook_dir=tmp_path)
