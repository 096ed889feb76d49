"""Moments live and from a recording are the same, and odd times never do harm."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from coach.coaching.events import Utterance
from coach.coaching.moments import Moments
from tests.coaching.talk import CLOSING, GREETING, finder, moments_of, spoken

SCRIPT = f"""
{GREETING}
客户：你们怎么又扣我钱了，气死我了！
坐席：你先报一下手机号。
客户：一三八零零零零，你们到底管不管
坐席：规定就是这样，我也没办法。 +13
客户：那我要投诉，我还要打12315
坐席：请稍等，我查一下。
坐席：查到了，我们会尽快处理的。 +14
客户：好吧，再不解决我就销户
坐席：明天上午十点前给您回电话。
{CLOSING}
"""
_TEXTS = [line.partition("：")[2] for line in SCRIPT.strip().splitlines()]


def hear_live(utterances, *, step=700):
    """Hear a call as it happens: partials while somebody speaks, a tick every `step` ms."""
    moments = Moments(finder())
    found, now = [], 0
    for utterance in utterances:
        while now < utterance.start_ms:
            found += moments.tick(now)
            now += step
        half = replace(utterance, text=utterance.text[:3], final=False, end_ms=utterance.start_ms)
        found += moments.hear(half)
        while now < utterance.end_ms:
            found += moments.tick(now)
            now += step
        found += moments.hear(utterance)
    return found + moments.end()


def test_live_and_batch_agree():
    """Partials and ticks change when a moment is told, not whether or what."""
    utterances = spoken(SCRIPT)
    live = hear_live(utterances)
    assert live == moments_of(utterances)
    assert {moment.kind for moment in live} >= {
        "customer-complaint",
        "long-silence",
        "commitment",
        "churn-risk",
    }


@given(
    step=st.integers(min_value=50, max_value=20_000),
    gaps=st.lists(st.integers(0, 40), min_size=11, max_size=11),
)
@settings(max_examples=40, deadline=None)
def test_live_and_batch_agree_for_any_pace(step, gaps):
    """The same for any ticks and any pauses."""
    lines = [
        f"{line.split(' ')[0].strip()} +{gap}"
        for line, gap in zip(SCRIPT.strip().splitlines(), gaps, strict=True)
    ]
    utterances = spoken(lines)
    live = sorted(map(repr, hear_live(utterances, step=step)))
    assert live == sorted(map(repr, moments_of(utterances)))


def test_silence_is_told_while_it_lasts():
    """With a platform that sends partials, the agent hears of a silence before it ends."""
    moments = Moments(finder())
    utterance = spoken([GREETING])[0]
    moments.hear(replace(utterance, text="您好", final=False))
    moments.hear(utterance)
    assert moments.tick(utterance.end_ms + 9_000) == []
    [silence] = [each for each in moments.tick(utterance.end_ms + 12_000) if each.kind == "long-silence"]
    assert silence.at_ms == utterance.end_ms + 10_000
    assert moments.tick(utterance.end_ms + 20_000) == []


def test_silence_waits_for_words_where_only_finals_come():
    """Without partials a long sentence looks like silence, so nothing is told before its final."""
    moments = Moments(finder())
    utterance = spoken([GREETING])[0]
    moments.hear(utterance)
    assert moments.tick(utterance.end_ms + 60_000) == []


def test_a_final_heard_twice_counts_once():
    """A resent final changes nothing."""
    utterances = spoken(SCRIPT)
    twice = [utterance for each in utterances for utterance in (each, each)]
    assert moments_of(twice) == moments_of(utterances)


def test_without_times_what_needs_them_is_not_measurable():
    """A transcript without times gets its words judged and its rhythm not."""
    moments = Moments(finder())
    found = [moment for utterance in spoken(SCRIPT, timed=False) for moment in moments.hear(utterance)]
    kinds = {moment.kind for moment in found + moments.end()}
    assert moments.not_measurable == ("interruption", "long-silence", "hold-without-notice", "fast-speech")
    assert kinds.isdisjoint(moments.not_measurable)
    assert {"customer-complaint", "commitment", "escalation-risk"} <= kinds


def test_equal_times_are_not_believed():
    """Two people cannot have spoken for exactly the same time: no interruption is made of it."""
    same = [replace(utterance, start_ms=1_000, end_ms=9_000) for utterance in spoken(SCRIPT)]
    assert "interruption" not in {moment.kind for moment in moments_of(same)}


def test_with_times_everything_is_measurable():
    """Nothing is called not measurable when there are times."""
    moments = Moments(finder())
    for utterance in spoken(SCRIPT):
        moments.hear(utterance)
    assert moments.not_measurable == ()


@given(
    turns=st.lists(
        st.tuples(
            st.sampled_from(["agent", "customer", "unknown"]),
            st.one_of(st.sampled_from(_TEXTS), st.text(max_size=30), st.just("")),
            st.integers(-5_000, 200_000),
            st.integers(-5_000, 200_000),
            st.booleans(),
        ),
        max_size=14,
    )
)
@settings(max_examples=60, deadline=None)
def test_odd_calls_never_raise(turns):
    """Empty texts, times backwards, negative or missing: a moment's times and turns are always sound."""
    moments = Moments(finder())
    found = []
    for index, (speaker, text, start, end, final) in enumerate(turns):
        utterance = Utterance("c", f"u{index}", 1, speaker, text, final=final, start_ms=start, end_ms=end)
        found += moments.hear(utterance) + moments.tick(max(start, end))
    found += moments.end()
    assert all(moment.at_ms >= 0 and 0 <= moment.turn < len(turns) for moment in found)
