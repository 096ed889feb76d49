"""The rules as shipped: their own examples, lint, the ten don'ts, and the sample calls."""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from coach.coaching.checker import Checker
from coach.errors import RulebookError
from coach.rulebook.book import load_rulebook
from coach.rulebook.examples import ExampleResult, mark, run_examples
from coach.rulebook.lint import lint
from coach.rulebook.proof import SHIPPED, prove
from coach.rulebook.schema import schema
from coach.rulebook.source import Source, read_source
from coach.shipped import phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook

ROOT = Path(__file__).parents[2]
PACKS = sorted(path.name for path in (rules_dir() / "packs").glob("*/") if any(path.glob("*.yml")))
# Files of rules/ that hold something else; each kind has a schema of its name.
OTHERS = {"words", "overrides", "must-says", "second-opinion"}
# In the sample calls, over all categories. Floors, not targets; `pytest --log-cli-level=INFO` shows each category.
MIN_RECALL = 0.8
MIN_PRECISION = 0.75
# Turns in which an agent who did nothing wrong was bothered.
MAX_ALARMS = 3
log = logging.getLogger(__name__)


def load() -> Rulebook:
    """Load everything that is shipped, packs included; examples are run one by one below."""
    return load_rulebook(
        rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), packs=PACKS, check_examples=False
    )


def results() -> list[ExampleResult]:
    """Run every example of every rule."""
    matcher = BOOK.matcher(statuses=("draft", "trial", "stable"))
    return [result for rule in BOOK.rules for result in run_examples(rule, matcher)]


try:
    BOOK = load()
except RulebookError as error:
    pytest.fail(f"the shipped rules do not load:\n{error}", pytrace=False)


@pytest.fixture(scope="module")
def checker() -> Checker:
    """Return a checker of what an agent sees without any pack."""
    return Checker(
        load_rulebook(rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False)
    )


@pytest.mark.parametrize(
    "result", results(), ids=lambda result: f"{result.rule.id}:{mark(result.text, result.wanted)}"
)
def test_example(result: ExampleResult) -> None:
    """The rule hits exactly what its author marked."""
    assert mark(result.text, result.got) == mark(result.text, result.wanted)


def test_lint_has_no_error() -> None:
    """No stable rule is thinly exampled, and no suggestion is itself a fault."""
    assert [str(finding) for finding in lint(BOOK) if finding.level == "error"] == []


def test_no_phrase_is_a_fault(checker: Checker) -> None:
    """What coach proposes to say passes its own rules, with every slot filled."""
    slots = {
        "rest": "这个套餐什么时候到期", "org": "晨光银行", "agent_number": "8602", "customer_name": "王女士",
        "department": "理赔部门", "deadline": "今天下午五点",
    }  # fmt: skip
    faults = {
        phrase.id: [hit.rule for hit in checker.check(text)]
        for phrase in BOOK.phrasebook.phrases.values()
        for text in (phrase.fill(slots), phrase.without or None)
        if text is not None and checker.check(text)
    }
    assert faults == {}


def test_every_rule_has_something_to_say() -> None:
    """A rule that agents see always leads to at least one phrase, whatever is known of the call."""
    silent = [rule.id for rule in BOOK.rules if not BOOK.phrasebook.choose(rule.suggest, {})]
    assert silent == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        *(
            (path.stem if path.stem in OTHERS else "rules", path)
            for path in sorted(rules_dir().rglob("*.yml"))
            if path.parent.name != "scorecards"
        ),
        *(("phrasebook", path) for path in sorted(phrasebook_dir().glob("*.yml"))),
    ],
    ids=lambda part: part if isinstance(part, str) else part.stem,
)  # fmt: skip
def test_file_fits_the_schema(kind: str, path: Path) -> None:
    """An editor that uses the exported schema marks nothing in the shipped files."""
    source = read_source(path, name=path.name)
    assert isinstance(source, Source)
    jsonschema.validate(source.content, schema(kind))


# The ten don'ts of telephone manners, as an agent would say them, each with a polite look-alike.
DONTS = [
    ("ignorance", "这个我不知道", "不知道您现在说话方便吗"),
    ("ignorance", "我也不太清楚啊", "我不太清楚，不过我马上帮您问一下"),
    ("refusal", "不行，办不了", "您看这样行不行"),
    ("refusal", "不，这个没办法", "不好意思，让您久等了"),
    ("buck-passing", "那不是我的工作", "这是我的工作，应该的"),
    ("buck-passing", "这不归我管", "这件事由售后部门负责，我帮您转过去"),
    ("disparaging", "您说得对，那个部门很差劲", "您说那个部门很差劲，我记录下来了"),
    ("blame", "那不是我的错", "这不是您的错"),
    ("buck-passing", "这事你要找我们经理去谈", "我帮您请示一下我们经理"),
    ("interrogating", "你到底什么时候需要啊", "请问您什么时候需要呢"),
    ("calm-down", "你冷静点", "这款产品有七天冷静期"),
    ("calm-down", "您先冷静一下好吧", "请您别着急，我马上帮您处理"),
    ("impatience", "我忙着呢", "您先忙，我晚点再打给您"),
    ("impatience", "我现在没空", "现在线路比较忙，请您稍等"),
    ("call-back", "你再给我打电话好了", "我稍后给您回电话"),
    ("call-back", "你过会儿再打过来吧", "欢迎您再次来电"),
]


@pytest.mark.parametrize(("category", "text"), [(category, text) for category, text, _ in DONTS])
def test_dont_is_found(checker: Checker, category: str, text: str) -> None:
    """What agents are taught never to say is found, in the category it is taught under."""
    assert category in {hit.category for hit in checker.check(text)}


@pytest.mark.parametrize("text", [polite for _, _, polite in DONTS])
def test_polite_look_alike_is_left_alone(checker: Checker, text: str) -> None:
    """Good service that shares its words with a don't raises nothing."""
    assert [(hit.rule, hit.text) for hit in checker.check(text)] == []


def test_sample_calls(checker: Checker) -> None:
    """In the sample calls the expected categories are found, and faultless turns are left alone."""
    right: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    alarms: list[str] = []
    errors: list[str] = []
    for call_id, expected in json.loads((ROOT / "tests/data/calls/expected.json").read_text("utf-8")).items():
        call = json.loads((ROOT / f"web/public/calls/{call_id}.json").read_text("utf-8"))
        for index, turn in enumerate(call["turns"]):
            if turn["speaker"] != "agent":
                continue
            wanted = set(expected.get(str(index), []))
            got = {hit.category for hit in checker.check(turn["text"])}
            right.update(wanted & got)
            missed.update(wanted - got)
            beside.update(got - wanted)
            if wanted != got:
                errors.append(f"{call_id} {index}: {turn['text']} 漏 {wanted - got} 多 {got - wanted}")
            if got and not wanted:
                alarms.append(errors[-1])
    for name in sorted(right | missed | beside):
        precision = right[name] / ((right[name] + beside[name]) or 1)
        recall = right[name] / ((right[name] + missed[name]) or 1)
        log.info("%-16s precision %.2f recall %.2f", name, precision, recall)
    report = "\n".join(errors)
    assert right.total() / (right.total() + missed.total()) >= MIN_RECALL, report
    assert right.total() / (right.total() + beside.total()) >= MIN_PRECISION, report
    assert len(alarms) <= MAX_ALARMS, "\n".join(alarms)


@pytest.fixture(scope="module")
def without_packs() -> Rulebook:
    """What a service loads that was told nothing."""
    return load_rulebook(rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False)


def test_the_shipped_rules_count_as_proven(without_packs: Rulebook) -> None:
    """The tests above ran their examples, so a first start need not; after a change write the new digest there."""
    assert without_packs.digest == SHIPPED, "put this digest into coach/rulebook/proof.py"


def test_a_fresh_start_with_shipped_rules_runs_no_examples(
    without_packs: Rulebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is run and nothing is written; changed rules are run and remembered."""
    monkeypatch.setattr("coach.rulebook.proof.check_examples", lambda _: pytest.fail("examples were run"))
    prove(without_packs, remembered=tmp_path / "proven")
    assert not (tmp_path / "proven").exists()
    run: list[object] = []
    monkeypatch.setattr("coach.rulebook.proof.check_examples", run.append)
    changed = replace(without_packs, digest="0" * 12)
    prove(changed, remembered=tmp_path / "proven")
    prove(changed, remembered=tmp_path / "proven")
    assert run == [changed]
