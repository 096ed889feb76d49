"""One small rule book for the coaching tests, and calls that speak in a line or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coach.coaching.call import Call
from coach.coaching.checker import Checker
from coach.coaching.events import Utterance
from tests.conftest import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.coaching.attention import AttentionBudget
    from coach.coaching.events import CallEvent, Speaker
    from coach.rulebook.book import Rulebook

WORDS = """\
version: 1
classes:
  self: [我, 我们, 这边]
  you: [您, 你, 你们]
  know: [知道, 清楚, 了解]
  filler: [那个, 就是说]
modifiers:
  offer:
    effect: cancel
    where: after
    categories: [ignorance]
    because: 紧接着主动提出了办法
    match: ["我 {0,3} (帮|给) <you> {0,2} (查|查查|核实)"]
  quote:
    effect: cancel
    where: before
    within: 4
    because: 在复述客户的话
    match: [<you> (说|刚才说)]
  sorry:
    effect: soften
    where: anywhere
    categories: [refusal]
    because: 同时道了歉
    match: [(抱歉|对不起)]
"""
RULES = {
    "ignorance": """\
version: 1
rules:
  - id: ignorance/bare
    title: 换个说法：先帮客户查
    severity: warning
    status: stable
    match:
      - <self> {0,2} 不 <know>
      - "<self> {0,2} 不 <know> [rest: {2,8}] $"
    except:
      - {pattern: "不 <know> <you> {0,3} (方便|是否)", because: 礼貌探询}
      - {pattern: "不 <know> <you> 的 … ，? {0,2} (方便|请)", because: 后面请客户提供信息}
    suggest: [ignorance/find-out, ignorance/check-now]
    explain: 先接住，再说下一步。
    source: 测试
    hits: [【我不知道】啊, 【我们真的不清楚】, 【我部知道】啊]
    misses: [我不知道您现在方便吗, "我不知道您的单号，方便报一下吗"]
""",
    "hedging": """\
version: 1
rules:
  - id: hedging/should
    title: 给出依据和时间
    severity: notice
    status: stable
    match: [应该 (可以|没问题|是)]
    suggest: [hedging/confirm]
    explain: 客户会当成承诺。
    source: 测试
    hits: [【应该可以】吧, 【应该没问题】]
    misses: [应该的, 不应该]
  - id: hedging/maybe
    title: 给出依据和时间
    severity: notice
    status: stable
    match: ["可能 {0,2} (会|要)", 大概 (会|要)]
    suggest: [hedging/confirm]
    explain: 客户听不出把握。
    source: 测试
    hits: [【可能会】到, 【大概要】三天]
    misses: [不可能, 有可能]
  - id: hedging/new
    title: 试行中的规则
    severity: notice
    status: trial
    match: [差不多 吧]
    suggest: [hedging/confirm]
    explain: 试行，不提示。
    source: 测试
    hits: [【差不多吧】]
    misses: [差不多了]
""",
    "refusal": """\
version: 1
rules:
  - id: refusal/never
    title: 换成能做到的
    severity: violation
    status: stable
    match: [(绝对|肯定) (不行|不可能)]
    suggest: [refusal/can-do]
    explain: 先说能做什么。
    source: 测试
    hits: [【绝对不行】, 【肯定不可能】]
    misses: [肯定行, 不行]
""",
    "calm-down": """\
version: 1
rules:
  - id: calm-down/opening
    title: 开场时的规则
    severity: warning
    status: stable
    phases: [opening]
    match: [别 激动]
    suggest: [hedging/confirm]
    explain: 先致歉再处理。
    source: 测试
    hits: [您【别激动】]
    misses: [激动, 感动]
  - id: calm-down/customer
    title: 客户说的话
    severity: notice
    status: stable
    speaker: customer
    match: [(我|我们) 要 投诉]
    suggest: [hedging/confirm]
    explain: 客户情绪升级。
    source: 测试
    hits: [【我要投诉】你们, 【我们要投诉】]
    misses: [投诉, 要]
""",
}
PHRASES = {
    "ignorance": """\
version: 1
phrases:
  - id: ignorance/find-out
    say: "{rest}，我马上为您核对"
    without: 这个我马上为您核对
    when: 暂时不知道
  - id: ignorance/check-now
    say: 我请{department}给您回复，请您稍等
    without: 我请专人给您回复，请您稍等
    when: 要等别人
    said: ["我 {0,3} (转|问) {0,3} (同事|专人)"]
""",
    "hedging": """\
version: 1
phrases:
  - id: hedging/confirm
    say: 我在{deadline}前给您准信
    without: 我核实好给您准信
    when: 没有把握
""",
    "refusal": """\
version: 1
phrases:
  - id: refusal/can-do
    say: 我能为您做到的是这样
    when: 做不到时
""",
}


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    """Return the rule book of these tests."""
    return load(tmp_path_factory.mktemp("book"), rules=RULES, words=WORDS, phrases=PHRASES)


@pytest.fixture(scope="session")
def checker(book: Rulebook) -> Checker:
    """Return its checker."""
    return Checker(book)


@pytest.fixture
def make_call(checker: Checker, book: Rulebook) -> Callable[..., Call]:
    """Return a factory of calls."""

    def make(budget: AttentionBudget | None = None, **slots: str) -> Call:
        return Call(
            "c1", agent_id="a1", checker=checker, phrasebook=book.phrasebook, slots=slots, budget=budget
        )

    return make


def said(
    text: str,
    *,
    utterance_id: str = "u1",
    at: int = 0,
    revision: int = 1,
    final: bool = True,
    speaker: Speaker = "agent",
) -> Utterance:
    """Make an utterance that begins at `at` seconds and takes a quarter second per character."""
    start = at * 1000
    return Utterance("c1", utterance_id, revision, speaker, text, final, start, start + 250 * len(text))


def kinds(events: list[CallEvent]) -> list[str]:
    """Name the events."""
    return [type(event).__name__ for event in events]
