"""What a batch adds up to, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from itertools import permutations

import pytest

from coach.coaching.moment import Moment
from coach.coaching.scorecard import CallScore
from coach.review.names import AgentNames
from coach.review.picks import Picks, lot
from coach.review.rate import Rate
from coach.review.result import Adoption, CallResult, ResultTurn
from coach.review.story import halves, story
from coach.review.tables import Tables
from coach.review.view import outside, scores, teams, trend
from coach.review.wording import wording
from tests.review.result_records import faulty_turn, hit, result, results


def tables_of(*found: CallResult, **options: object) -> Tables:
    """Add up some calls."""
    tables = Tables(**options)  # type: ignore[arg-type]
    for one in found:
        tables.add(one)
    return tables


def promise(**details: object) -> Moment:
    """Return a commitment in the second turn."""
    return Moment(
        "commitment",
        4000,
        1,
        {"who": "我", "what": "回电", "when": "", "due_ms": None, "vague": True, **details},
    )


def test_two_hits_in_one_turn_are_one_faulty_turn() -> None:
    """The rate counts turns, so that it can never pass 100."""
    tables = tables_of(result(hits=(hit(0), hit(1)), agent_turns=4), result("c2", hits=(), agent_turns=6))
    assert tables.total.hits == 2
    assert tables.total.rate == Rate(1, 10)


def test_mean_pass_rate_and_fatal() -> None:
    """Points are averaged over calls, a fatal call is counted apart."""
    tables = tables_of(
        result("a", score=CallScore(90.0, True, None, ())),
        result("b", score=CallScore(60.0, False, "rude", ())),
        result("c", score=CallScore(75.0, False, None, ())),
    )
    assert tables.total.mean == 75.0
    assert tables.total.pass_rate == Rate(1, 3)
    assert tables.total.fatal == 1
    assert tables.quantile(0.5) == 75.0


def test_wilson_interval_of_a_known_case() -> None:
    """10 of 100 lie between 5.5 and 17.4 (the textbook's numbers)."""
    rate = Rate(10, 100)
    assert (round(rate.low, 2), round(rate.high, 2)) == (5.52, 17.44)


@pytest.mark.parametrize(("found", "total"), [(0, 0), (0, 50), (50, 50), (1, 1)])
def test_intervals_stay_inside_0_and_100(found: int, total: int) -> None:
    """The ends of the scale are no special case."""
    rate = Rate(found, total)
    assert 0 <= rate.low <= rate.percent <= rate.high <= 100


def test_small_samples_are_not_compared() -> None:
    """Below a hundred turns nothing differs from anything."""
    assert not Rate(50, 99).differs(Rate(0, 10_000))
    assert Rate(50, 100).differs(Rate(0, 10_000))


def test_groups_by_day_team_and_agent() -> None:
    """A call counts for its day, its team and its agent; one without a date says so."""
    tables = tables_of(
        result("a"),
        result("b", started_at=datetime.fromisoformat("2026-11-02T08:00"), team="二班", agent_id="10087"),
        result("c", started_at=None),
    )
    assert {date(2026, 11, 1): 1, date(2026, 11, 2): 1} == {
        day: one.calls for day, one in tables.days.items()
    }
    assert tables.undated == 1
    assert {team: one.calls for team, one in tables.teams.items()} == {"一班": 2, "二班": 1}
    assert {agent: one.calls for agent, one in tables.agents.items()} == {"坐席 A01": 2, "坐席 A02": 1}


def test_rules_count_hits_and_calls_apart() -> None:
    """Two hits in a call are two hits and one call."""
    tables = tables_of(result("a", hits=(hit(0), hit(0))), result("b"))
    [rule] = tables.by_count()
    assert (rule.hits, rule.calls) == (3, 2)


def test_example_carries_its_context() -> None:
    """An example has the turn before, the marked words and what to say instead."""
    [rule] = tables_of(result()).by_count()
    [example] = rule.examples
    assert example.before == "我的快递怎么还没到"
    assert example.before_speaker == "customer"
    assert example.text[example.start : example.end] == "我不知道"
    assert example.suggestion == "我帮您查一下，两小时内给您答复。"


def test_a_hit_in_the_first_turn_has_nothing_before_it() -> None:
    """The first turn is not preceded by the last one."""
    [rule] = tables_of(result(turns=(faulty_turn(),), hits=(hit(turn=0),))).by_count()
    assert [(one.before, one.before_speaker) for one in rule.examples] == [("", None)]


def test_the_same_sentence_is_one_example() -> None:
    """A thousand agents who say the same give one example, not three alike."""
    [rule] = tables_of(*(result(str(number)) for number in range(10))).by_count()
    assert len(rule.examples) == 1


def test_picks_do_not_depend_on_order() -> None:
    """Whatever the order, the same few are kept."""
    kept = set()
    for order in permutations(["一", "二", "三", "四", "五"]):
        picks: Picks[str] = Picks(2)
        for text in order:
            picks.offer(lot(text), lambda text=text: text)
        kept.add(tuple(picks))
    assert len(kept) == 1


def test_worst_calls_begin_with_the_fatal_ones() -> None:
    """A fatal call comes before a call with fewer points."""
    tables = tables_of(
        result("low", score=CallScore(10.0, False, None, ())),
        result("fatal", score=CallScore(50.0, False, "rude", ())),
        result("mild", score=CallScore(95.0, True, None, ())),
        calls=2,
    )
    assert [picked.result.id for picked in tables.worst] == ["fatal", "low"]


def test_best_calls_have_said_something() -> None:
    """A call of two words with full points is no model."""
    full = CallScore(100.0, True, None, ())
    tables = tables_of(
        result("short", hits=(), score=full, agent_turns=2),
        result("good", hits=(), score=full, agent_turns=8),
    )
    assert [picked.result.id for picked in tables.best] == ["good"]


def test_commitments_with_and_without_a_time() -> None:
    """What was promised, by when, and how many are vague."""
    tables = tables_of(
        result("a", moments=(promise(),)),
        result("b", moments=(promise(vague=False, when="两小时内", due_ms=7_200_000),)),
    )
    assert (tables.total.commitments, tables.total.vague) == (2, 1)
    assert [one.call_id for one in tables.vague] == ["a"]
    assert [datetime.fromisoformat("2026-11-01T11:00")] == [one.due for one in tables.due]


def test_an_endless_promise_has_no_due_time() -> None:
    """A time beyond any calendar is left out instead of failing the report."""
    tables = tables_of(result(moments=(promise(vague=False, due_ms=10**18),)))
    assert len(tables.due) == 0
    assert tables.total.commitments == 1


def test_customers_who_leave_are_counted_once() -> None:
    """Leaving and escalating in one call is one call; safety is told with its call."""
    tables = tables_of(
        result("a", signals=("churn-risk", "escalation-risk")),
        result("b", moments=(Moment("customer-complaint", 0, 0, {"motive": "retaliation", "safety": True}),)),
    )
    assert tables.leaving == 1
    assert tables.unsafe == ["b"]
    assert dict(tables.motives) == {"retaliation": 1}


def test_adoption_adds_up() -> None:
    """Advised, adopted, repaired and repeated are sums over calls."""
    total = tables_of(result(adoption=Adoption(3, 1, 1, 0)), result("b", adoption=Adoption(2, 1, 0, 1))).total
    assert (total.advised, total.adopted, total.repaired, total.repeated) == (5, 2, 1, 1)


def test_rejects_are_counted_by_kind_of_problem() -> None:
    """What came differs from record to record; the kinds of problems stay few."""
    tables = Tables()
    tables.reject("turns.3.speaker", "收到 '甲'，应为客服或客户")
    tables.reject("turns.3.speaker", "收到 '乙'，应为客服或客户")
    assert dict(tables.reject_problems) == {"turns.3.speaker：收到 …，应为客服或客户": 2}


def test_pseudonyms_follow_the_order_of_first_calls() -> None:
    """The same agent has the same code; no agent has none."""
    names = AgentNames()
    assert [names.of(one) for one in ("9", "4", "9", "")] == ["坐席 A01", "坐席 A02", "坐席 A01", ""]


@pytest.mark.parametrize("said", ["工号10086为您服务", "工号一零零八六为您服务", "工号幺零零八六为您服务"])
def test_the_agents_id_is_blotted_out_of_sentences(said: str) -> None:
    """Written or spoken, and at the same length, so that marks stay where they are."""
    assert AgentNames().hide(said, "10086") == "工号＊＊＊＊＊为您服务"
    assert AgentNames(anonymous=False).hide(said, "10086") == said


def test_short_ids_are_left_in_sentences() -> None:
    """Agent 12 does not blot out prices."""
    assert AgentNames().hide("一共12元", "12") == "一共12元"


def test_scores_of_100_are_in_the_last_bin() -> None:
    """The top of the scale belongs to the last bar, what is below zero to the first."""
    tables = tables_of(
        result("a", score=CallScore(100.0, True, None, ())),
        result("b", score=CallScore(-5.0, False, None, ())),
    )
    counts = [row[1].value for row in scores(tables, wording("zh-CN")).table.rows]
    assert counts == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_long_spans_are_told_by_week() -> None:
    """Half a year of days is drawn as weeks that begin on Monday."""
    tables = tables_of(
        result("a"),
        result("b", started_at=datetime.fromisoformat("2026-05-06T00:00")),
        result("c", started_at=datetime.fromisoformat("2026-05-07T00:00")),
    )
    weekly, figures = trend(tables, wording("zh-CN"))
    assert weekly
    assert [(row[0].text, row[1].value) for row in figures[0].table.rows] == [
        ("2026-05-04", 2),
        ("2026-10-26", 1),
    ]


def test_a_single_day_has_no_trend() -> None:
    """One point is no line."""
    assert trend(tables_of(result()), wording("zh-CN")) == (False, [])


def test_small_teams_come_last() -> None:
    """A team with one bad turn of two does not lead the list."""
    tables = tables_of(
        result("a", team="大组", agent_turns=200),
        result("b", team="小组", agent_turns=2),
    )
    assert [name for name, _ in teams(tables)] == ["大组", "小组"]


def test_only_real_differences_single_agents_out() -> None:
    """Of forty agents those six are named who were made worse on purpose."""
    tables = tables_of(*results(4000))
    mean = tables.total.rate.percent
    worse = {name for name, group in outside(tables) if group.rate.percent > mean}
    expected = {tables.names.of(f"{20_000 + number}") for number in range(0, 40, 7)}
    assert worse == expected


def test_improvement_is_told_only_when_it_is_real() -> None:
    """Generated calls get better with time, a handful of calls proves nothing."""
    assert halves(tables_of(*results(3000))) is not None
    assert halves(tables_of(*results(10))) is None


def test_story_of_a_known_batch() -> None:
    """Three sentences with the numbers of the batch."""
    tables = tables_of(
        result("a", agent_turns=10),
        result(
            "b",
            agent_turns=10,
            hits=(),
            categories=(),
            started_at=datetime.fromisoformat("2026-11-03T00:00"),
            signals=("churn-risk",),
        ),
        result("c", agent_turns=5, moments=(promise(),), score=CallScore(50.0, False, "rude", ())),
    )
    assert story(tables, wording("zh-CN")) == [
        "本批 3 通电话（2026-11-01 至 2026-11-03，1 位坐席、1 个班组），平均 80.0 分，66.7\u00a0% 及格，1 通一票否决。",
        "最常见的是“不知道、不清楚”（66.7\u00a0% 的通话里出现）；坐席每说 100 句，有 8.0 句需要换个说法。",
        "1 通里客户想离开或要升级投诉；坐席作了 1 个承诺，1 个没说清时间。",
    ]


def test_story_without_calls() -> None:
    """Nothing to analyse is said in so many words."""
    assert story(Tables(), wording("zh-CN")) == ["本批没有可分析的通话。"]


def test_moment_beyond_the_last_turn_does_no_harm() -> None:
    """A moment at the end of a call may point past its turns."""
    tables = tables_of(
        result(
            moments=(Moment("commitment", 0, 9, {"vague": True}),),
            turns=(ResultTurn("agent", "好", 0, 0),),
            hits=(),
        )
    )
    assert tables.total.vague == 1


def test_what_was_promised_does_not_name_the_agent() -> None:
    """The agent's own number is blotted out of every part of a promise and of what to say instead."""
    details = {"what": "工号10086回电", "who": "10086", "when": "", "vague": True, "ask": "10086"}
    tables = tables_of(
        result(
            moments=(Moment("commitment", 0, 1, details),),
            hits=(replace(hit(), suggestion="工号10086马上为您查"),),
        )
    )
    [kept] = tables.vague
    [rule] = tables.by_count()
    assert "10086" not in f"{kept}{list(rule.examples)}"


def test_equal_counts_stand_in_one_order() -> None:
    """What is counted once a call is told in the same order by every process, whatever its hashes."""
    kinds = ("interruption", "long-silence", "fast-speech", "hold-without-notice", "missing-closing")
    tables = tables_of(result(not_measurable=kinds, signals=("urgency", "churn-risk", "escalation-risk")))
    assert list(tables.not_measurable) == sorted(kinds)
    assert list(tables.signals) == ["churn-risk", "escalation-risk", "urgency"]
