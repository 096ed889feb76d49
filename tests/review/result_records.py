"""Generated review results: the same seed gives the same calls, with sentences made for these tests."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from coach.coaching.moment import Moment
from coach.coaching.scorecard import CallScore, ScoreItem
from coach.review.result import Adoption, CallResult, Origin, ResultHit, ResultTurn, TurnMark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# rule, category, title, severity, before, after the marked words, the marked words, what to say instead
FAULTS = (
    (
        "ignorance/dont-know",
        "ignorance",
        "直接说不知道",
        "warning",
        "这个",
        "啊",
        "我不知道",
        "我帮您查一下，两小时内给您答复。",
    ),
    (
        "refusal/no-way",
        "refusal",
        "没办法",
        "warning",
        "真的",
        "，规定就是这样",
        "没办法",
        "我能为您做的是先登记，您看可以吗？",
    ),
    (
        "calm-down/calm",
        "calm-down",
        "让客户冷静",
        "violation",
        "先生您",
        "，别激动",
        "冷静一点",
        "很抱歉给您带来麻烦，您慢慢说。",
    ),
    (
        "hedging/maybe",
        "hedging",
        "含糊的时间",
        "notice",
        "",
        "就能到账吧",
        "大概可能",
        "我核实一下再给您准确答复。",
    ),
    (
        "call-back/again",
        "call-back",
        "让客户再打来",
        "warning",
        "那您",
        "再问问",
        "过两天再打过来",
        "我核实后在明天中午前给您回电。",
    ),
    (
        "rude/shut",
        "rude",
        "顶撞客户",
        "violation",
        "",
        "，行不行",
        "你爱投诉就投诉",
        "很抱歉，我刚才的表达不合适。",
    ),
)
ASKS = ("我的快递怎么还没到", "我想查一下话费", "你们怎么又扣错钱了", "这个套餐什么时候到期", "我要退货")
ANSWERS = (
    "您好，这里是晨光客服",
    "请您稍等，我帮您查一下",
    "已经为您登记好了",
    "请问还有其他可以帮您的吗",
    "感谢您的来电，再见",
)
TEAMS = ("一班", "二班", "三班", "夜班")
DAY_ONE = datetime.fromisoformat("2026-11-01T09:00")


def hit(fault: int = 0, *, turn: int = 1, at_ms: int = 4000) -> ResultHit:
    """Return a hit of one of the faults above."""
    rule, category, title, severity, before, _after, marked, better = FAULTS[fault]
    return ResultHit(
        rule,
        category,
        title,
        severity,
        turn,
        len(before),
        len(before) + len(marked),
        marked,
        at_ms,
        False,
        better,
    )


def faulty_turn(fault: int = 0, *, start_ms: int = 3000) -> ResultTurn:
    """Return a turn with one of the faults above, marked."""
    rule, _category, _title, severity, before, after, marked, _better = FAULTS[fault]
    mark = TurnMark(len(before), len(before) + len(marked), severity, rule)
    return ResultTurn("agent", f"{before}{marked}{after}", start_ms, start_ms + 1500, (mark,))


def result(identity: str = "c1", **changed: object) -> CallResult:
    """Return a call with one fault in its second turn, and what the test changes about it."""
    values: dict[str, object] = {
        "id": identity,
        "source": Origin("calls.jsonl", 1),
        "agent_id": "10086",
        "team": "一班",
        "started_at": DAY_ONE,
        "duration_ms": 60_000,
        "turns": (ResultTurn("customer", ASKS[0], 0, 2000), faulty_turn()),
        "agent_turns": 1,
        "score": CallScore(95.0, True, None, (ScoreItem("wording", "用语", -5.0, 1, (0,)),)),
        "categories": ("ignorance",),
        "hits": (hit(),),
        "moments": (),
        "adoption": Adoption(1, 0, 0, 0),
        "signals": (),
        "not_measurable": (),
        "digest": "abc123",
    }
    return CallResult(**{**values, **changed})  # type: ignore[arg-type]


def results(count: int, *, seed: int = 4, agents: int = 40) -> Iterator[CallResult]:
    """Generate calls over thirty days; every seventh agent is plainly worse, and things get better with time."""
    draw = random.Random(seed)
    for number in range(count):
        yield _call(draw, number, agents)


def _call(draw: random.Random, number: int, agents: int) -> CallResult:
    agent = draw.randrange(agents)
    day = draw.randrange(30)
    start = DAY_ONE + timedelta(days=day, minutes=draw.randrange(600))
    likely = (0.16 if agent % 7 == 0 else 0.05) * (1.3 - day / 50)
    turns: list[ResultTurn] = []
    hits: list[ResultHit] = []
    moments: list[Moment] = []
    at = 0
    for index in range(draw.randrange(6, 26)):
        if index % 2 == 0:
            turns.append(
                ResultTurn("customer", draw.choice(ASKS) + f"，订单{draw.randrange(10_000)}", at, at + 2000)
            )
        elif draw.random() < likely:
            fault = min(int(draw.expovariate(0.7)), len(FAULTS) - 1)
            turns.append(faulty_turn(fault, start_ms=at))
            hits.append(hit(fault, turn=index, at_ms=at + 1500))
        elif draw.random() < 0.05:
            vague = draw.random() < 0.4
            when = "" if vague else "明天下午五点前"
            said = f"我{'尽快' if vague else when}给您回电，编号{draw.randrange(1000)}"
            turns.append(ResultTurn("agent", said, at, at + 2500))
            details = {
                "who": "我",
                "what": "回电",
                "when": when,
                "due_ms": None if vague else 86_400_000,
                "vague": vague,
                "channel": "电话",
                "working_days": False,
                "ask": "补上时间" if vague else "",
            }
            moments.append(Moment("commitment", at + 2500, index, details))
        else:
            turns.append(ResultTurn("agent", draw.choice(ANSWERS), at, at + 2500))
        at += 3000
    signals = []
    for kind, chance in (("customer-complaint", 0.06), ("churn-risk", 0.02), ("escalation-risk", 0.01)):
        if draw.random() < chance:
            signals.append(kind)
            motive = (
                {"motive": draw.choice(["venting", "compensation"])} if kind == "customer-complaint" else {}
            )
            moments.append(Moment(kind, 2000, 0, {"mood": "upset", **motive}))
    if draw.random() < 0.3:
        moments.append(Moment("missing-greeting", 2000, 1, {"missing": ["工号"]}))
    if draw.random() < 0.1:
        moments.append(Moment("long-silence", 9000, 2, {"since_ms": 9000, "limit_ms": 10_000}))
    cost = sum(12.0 if one.severity == "violation" else 5.0 for one in hits)
    fatal = "rude" if any(one.category == "rude" for one in hits) else None
    items = []
    if hits:
        items.append(ScoreItem("wording", "用语", -min(cost, 60.0), len(hits), tuple(range(len(hits)))))
    if fatal:
        items.append(ScoreItem("rude", "顶撞客户", 0.0, 1))
    points = max(0.0, 100.0 - min(cost, 60.0) - 2 * len(moments))
    adopted = sum(draw.random() < 0.3 for _ in hits)
    repeated = sum(draw.random() < 0.2 for _ in hits[adopted:])
    return CallResult(
        id=f"call-{number:06d}",
        source=Origin("calls.jsonl", number + 1),
        agent_id=f"{20_000 + agent}",
        team=TEAMS[agent % len(TEAMS)],
        started_at=start if number % 50 else None,
        duration_ms=at,
        turns=tuple(turns),
        agent_turns=len(turns) // 2,
        score=CallScore(points, fatal is None and points >= 80, fatal, tuple(items)),
        categories=tuple(sorted({one.category for one in hits})),
        hits=tuple(hits),
        moments=tuple(sorted(moments, key=lambda moment: moment.turn)),
        adoption=Adoption(len(hits), adopted, 0, repeated),
        signals=tuple(signals),
        not_measurable=("interruption",) if number % 9 == 0 else (),
        digest="4f2a9c",
    )


def write(path: Path, found: Iterable[CallResult]) -> Path:
    """Write results.jsonl."""
    with path.open("wb") as lines:
        for one in found:
            lines.write(one.as_json() + b"\n")
    return path
