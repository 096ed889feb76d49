"""One live call: what is told, kept, taken back, resolved and rationed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.coaching.advice import advice_id, said_share
from coach.coaching.attention import AttentionBudget
from coach.coaching.call import Call
from coach.coaching.checker import Checker
from coach.coaching.events import (
    AdviceGiven,
    AdviceResolved,
    AdviceWithdrawn,
    BlindSpot,
    CallEvent,
    TranscriptChanged,
    Utterance,
)
from tests.coaching.conftest import PHRASES, RULES, WORDS, kinds, said
from tests.conftest import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coach.coaching.events import Advice
    from coach.rulebook.book import Rulebook

    MakeCall = Callable[..., Call]

BARE = advice_id("c1", "u1", "ignorance/bare", 0)


def told(events: list[CallEvent]) -> list[Advice]:
    """Return the cards among the events."""
    return [event.advice for event in events if isinstance(event, AdviceGiven)]


def outcomes(events: list[CallEvent]) -> list[tuple[str, str]]:
    """Return what was resolved."""
    return [(event.advice_id, event.outcome) for event in events if isinstance(event, AdviceResolved)]


def grow(call: Call, *texts: str, utterance_id: str = "u1", at: int = 0) -> list[list[CallEvent]]:
    """Hear growing partial results, the last of them final."""
    return [
        call.hear(said(text, utterance_id=utterance_id, at=at, revision=number, final=number == len(texts)))
        for number, text in enumerate(texts, 1)
    ]


class TestPartialAndFinal:
    """From the first syllable to the final text."""

    def test_final_hit_is_told_with_its_mark(self, make_call: MakeCall) -> None:
        """The transcript comes first, marked; then the card."""
        transcript, given = make_call().hear(said("这个我不知道啊"))
        assert isinstance(transcript, TranscriptChanged)
        assert [(mark.start, mark.end, mark.advice_id) for mark in transcript.marks] == [(2, 6, BARE)]
        assert isinstance(given, AdviceGiven)
        assert (given.advice.id, given.advice.at_ms) == (BARE, 1750)

    def test_settled_hit_is_told_while_the_agent_speaks(self, make_call: MakeCall) -> None:
        """A hit in partial text is told once, as soon as nothing can undo it."""
        events = grow(
            make_call(), "我不", "我不知道", "我不知道这个", "我不知道这个情况", "我不知道这个情况。"
        )
        assert [len(told(each)) for each in events] == [0, 0, 1, 0, 0]

    def test_polite_question_never_tells(self, make_call: MakeCall) -> None:
        """我不知道 growing into 我不知道您现在方便吗 is no fault at any moment."""
        whole = "我不知道您现在方便吗"
        events = grow(make_call(), *(whole[:length] for length in range(1, len(whole) + 1)))
        assert [kinds(each) for each in events] == [["TranscriptChanged"]] * len(whole)

    def test_correction_withdraws_the_card(self, make_call: MakeCall) -> None:
        """When the recogniser takes the words back, so does coach, under the same id."""
        _, _, third = grow(make_call(), "我不知道", "我不知道这个", "我都知道这个")
        assert third[1:] == [AdviceWithdrawn(BARE)]
        assert third[0].marks == ()

    def test_offer_in_the_same_breath_repairs(self, make_call: MakeCall) -> None:
        """A card told before the offer came is resolved, not withdrawn."""
        events = grow(make_call(), "我不知道这个", "我不知道这个，我帮您查一下")
        assert outcomes(events[1]) == [(BARE, "repaired")]

    def test_apology_in_the_same_breath_softens_the_card(self, make_call: MakeCall) -> None:
        """A card told before the apology came is told again, milder, under the same id."""
        first, second = grow(make_call(), "绝对不行这个", "绝对不行这个，抱歉")
        (before,), (after,) = told(first), told(second)
        assert (before.id, before.severity, after.severity) == (after.id, "violation", "warning")

    def test_customer_after_all_withdraws_the_card(self, make_call: MakeCall) -> None:
        """If the words turn out to be the customer's, the card is taken back."""
        call = make_call()
        assert told(call.hear(said("我不知道这个", final=False)))
        events = call.hear(said("我不知道这个", revision=2, speaker="customer"))
        assert events[1:] == [AdviceWithdrawn(BARE)]

    def test_customer_is_not_coached(self, make_call: MakeCall) -> None:
        """The customer may say what he likes."""
        assert kinds(make_call().hear(said("我不知道", speaker="customer"))) == ["TranscriptChanged"]

    def test_older_revision_changes_nothing(self, make_call: MakeCall) -> None:
        """A result that was overtaken is dropped."""
        call = make_call()
        call.hear(said("您好啊", revision=3, final=False))
        assert call.hear(said("我不知道", revision=2)) == []

    def test_nothing_changes_after_the_final(self, make_call: MakeCall) -> None:
        """A final text is final."""
        call = make_call()
        call.hear(said("您好"))
        assert call.hear(said("我不知道", revision=9)) == []
        assert [each.utterance.text for each in call.transcript()] == ["您好"]


class TestIdentity:
    """The same words, however often they are sent, are the same card."""

    def test_id_is_a_function_of_call_utterance_rule_and_occurrence(self) -> None:
        """Each of the four changes the id; nothing else enters it."""
        ids = {
            advice_id(call, utterance, rule, occurrence)
            for call in ("c", "d")
            for utterance in ("u", "v")
            for rule in ("a/b", "a/c")
            for occurrence in (0, 1)
        }
        assert len(ids) == 16
        assert advice_id("c", "u", "a/b", 0) == "4372c621c17c5cd3"

    def test_ids_cannot_run_together(self) -> None:
        """Where one part ends and the next begins is part of the key."""
        assert advice_id("c1", "1", "a/b", 0) != advice_id("c", "11", "a/b", 0)

    def test_two_calls_agree(self, make_call: MakeCall) -> None:
        """A second process that hears the same gives the same ids."""
        assert told(make_call().hear(said("我不知道"))) == told(make_call().hear(said("我不知道")))

    def test_each_violation_of_a_breath_has_its_card(self, make_call: MakeCall) -> None:
        """Violations are never rationed; the second of a rule has an id of its own."""
        cards = told(make_call().hear(said("绝对不行，肯定不可能")))
        assert [card.id for card in cards] == [advice_id("c1", "u1", "refusal/never", n) for n in (0, 1)]


class TestBudget:
    """An agent can only read so much."""

    @pytest.mark.parametrize(("seconds", "count"), [(19, 0), (20, 1)])
    def test_rule_cools_down(self, make_call: MakeCall, seconds: int, count: int) -> None:
        """The same rule is told again only after the cool-down."""
        call = make_call()
        call.hear(said("我不知道"))
        assert len(told(call.hear(said("我不清楚", utterance_id="u2", at=seconds)))) == count

    def test_rule_is_told_once_in_a_breath(self, make_call: MakeCall) -> None:
        """Twice the same fault in one utterance is one card, on the first."""
        cards = told(make_call().hear(said("我不知道，我们也不清楚")))
        assert [card.id for card in cards] == [BARE]

    def test_violation_is_always_told(self, make_call: MakeCall) -> None:
        """No cool-down for what a supervisor must hear of."""
        call = make_call()
        call.hear(said("绝对不行"))
        assert len(told(call.hear(said("绝对不行", utterance_id="u2", at=2)))) == 1

    @pytest.mark.parametrize(("seconds", "count"), [(59, 0), (60, 1)])
    def test_notices_are_limited_per_minute(self, make_call: MakeCall, seconds: int, count: int) -> None:
        """A notice beyond the limit is not told until the minute has passed."""
        call = make_call(AttentionBudget(notices_per_minute=1, cool_down_ms=0))
        call.hear(said("应该可以"))
        assert len(told(call.hear(said("可能会", utterance_id="u2", at=seconds)))) == count

    def test_first_notices_of_a_breath_are_told(self, make_call: MakeCall) -> None:
        """Within one utterance the limit is spent in the order of the text."""
        call = make_call(AttentionBudget(notices_per_minute=1))
        assert [card.hit.rule for card in told(call.hear(said("可能会，应该可以")))] == ["hedging/maybe"]

    def test_warnings_do_not_count_as_notices(self, make_call: MakeCall) -> None:
        """A warning neither spends nor needs the notices' budget."""
        call = make_call(AttentionBudget(notices_per_minute=1))
        assert len(told(call.hear(said("我不知道，应该可以")))) == 2

    @pytest.mark.parametrize(("seconds", "severity"), [(59, "warning"), (60, "notice")])
    def test_second_notice_of_a_category_is_sharpened(
        self, make_call: MakeCall, seconds: int, severity: str
    ) -> None:
        """Hedging again soon after it was told is told as a warning."""
        call = make_call()
        call.hear(said("应该可以"))
        (card,) = told(call.hear(said("可能会", utterance_id="u2", at=seconds)))
        assert (card.severity, card.hit.severity) == (severity, "notice")

    def test_one_breath_is_not_sharpened(self, make_call: MakeCall) -> None:
        """The agent could not have read the first card before the second fault."""
        cards = told(make_call().hear(said("应该可以，可能会")))
        assert [card.severity for card in cards] == ["notice", "notice"]

    def test_warning_is_never_sharpened_into_a_violation(self, make_call: MakeCall) -> None:
        """A supervisor is told of words, not of counts."""
        call = make_call()
        call.hear(said("我不知道"))
        (card,) = told(call.hear(said("我不知道", utterance_id="u2", at=30)))
        assert card.severity == "warning"

    def test_snoozed_rule_is_not_told(self, make_call: MakeCall) -> None:
        """The agent can silence a rule for this call, and that rule only."""
        call = make_call()
        call.snooze("hedging/should")
        events = call.hear(said("应该可以，可能会"))
        assert [card.hit.rule for card in told(events)] == ["hedging/maybe"]

    def test_snoozing_keeps_what_is_shown(self, make_call: MakeCall) -> None:
        """A card that is on the screen does not vanish because its rule is snoozed."""
        call = make_call()
        call.hear(said("我不知道这个", final=False))
        call.snooze("ignorance/bare")
        assert kinds(call.hear(said("我不知道这个事", revision=2))) == ["TranscriptChanged"]

    def test_snoozed_hits_spend_nothing(self, make_call: MakeCall) -> None:
        """What is not shown leaves its place to others."""
        call = make_call(AttentionBudget(notices_per_minute=1))
        call.snooze("hedging/should")
        assert len(told(call.hear(said("应该可以，可能会")))) == 1


class TestOutcome:
    """What the agent made of a card."""

    def test_saying_the_phrase_adopts_it(self, make_call: MakeCall) -> None:
        """A suggestion heard nearly word for word is adopted."""
        call = make_call()
        call.hear(said("我不知道"))
        assert outcomes(call.hear(said("嗯这个我马上为您核对哈", utterance_id="u2", at=5))) == [
            (BARE, "adopted")
        ]
        assert call.resolved() == {BARE: "adopted"}

    def test_saying_it_in_own_words_adopts_it(self, make_call: MakeCall) -> None:
        """A pattern of `said` counts as having said the phrase."""
        call = make_call()
        call.hear(said("我不知道"))
        assert outcomes(call.hear(said("我去问下专人", utterance_id="u2", at=5))) == [(BARE, "adopted")]

    def test_offer_in_the_next_turn_repairs(self, make_call: MakeCall) -> None:
        """An offer in other words than those suggested makes up for the fault."""
        call = make_call()
        call.hear(said("我不知道"))
        assert outcomes(call.hear(said("我给您查查", utterance_id="u2", at=5))) == [(BARE, "repaired")]

    def test_words_before_the_fault_do_not_repair_it(self, make_call: MakeCall) -> None:
        """Of the same utterance only what follows the fault counts."""
        assert outcomes(make_call().hear(said("我帮您查了，我不知道"))) == []

    def test_same_fault_again_is_repeated(self, make_call: MakeCall) -> None:
        """A card that did not help is settled when its rule is told again."""
        call = make_call()
        call.hear(said("我不知道"))
        events = call.hear(said("我不清楚", utterance_id="u2", at=30))
        assert outcomes(events) == [(BARE, "repeated")]

    def test_fault_taken_back_was_not_repeated(self, make_call: MakeCall) -> None:
        """Only the final text can say that it happened again."""
        call = make_call()
        call.hear(said("我不知道"))
        first, second = grow(call, "我不知道这个", "我都知道这个", utterance_id="u2", at=30)
        assert (len(told(first)), outcomes(first), outcomes(second)) == (1, [], [])

    def test_card_is_judged_for_a_few_turns_only(self, make_call: MakeCall) -> None:
        """What is said much later is not the card's merit."""
        call = make_call(AttentionBudget(judge_turns=2))
        call.hear(said("我不知道"))
        for number in (2, 3):
            call.hear(said("好的", utterance_id=f"u{number}", at=number * 5))
        assert outcomes(call.hear(said("我给您查查", utterance_id="u4", at=25))) == []

    def test_customer_turns_are_not_judged(self, make_call: MakeCall) -> None:
        """The customer cannot adopt a card."""
        call = make_call()
        call.hear(said("我不知道"))
        offer = said("我给您查查", utterance_id="u2", at=5, speaker="customer")
        assert outcomes(call.hear(offer)) == []

    def test_open_card_is_active_until_it_is_old(self, make_call: MakeCall) -> None:
        """A snapshot holds the cards that are neither resolved nor past their time."""
        call = make_call()
        call.hear(said("我不知道"))
        assert [card.id for card in call.active_advice()] == [BARE]
        call.tick(60_999)
        assert [card.id for card in call.active_advice()] == [BARE]
        call.tick(61_000)
        assert call.active_advice() == ()

    def test_adopted_phrase_is_offered_last(self, make_call: MakeCall) -> None:
        """The next card begins with another phrase."""
        call = make_call()
        call.hear(said("我不知道"))
        call.hear(said("这个我马上为您核对", utterance_id="u2", at=5))
        (card,) = told(call.hear(said("我不知道", utterance_id="u3", at=40)))
        assert [each.phrase for each in card.suggestions] == ["ignorance/check-now", "ignorance/find-out"]

    @pytest.mark.parametrize(
        ("suggestion", "text", "share"),
        [
            ("我马上查", "我马上查", 1.0),
            ("您稍等，我查", "你稍等我查", 1.0),
            ("我马上查", "别的事", 0.0),
            ("我马上查", "我马上", 2 / 3),
            ("", "我", 0.0),
        ],
    )
    def test_share_of_a_suggestion_that_was_said(self, suggestion: str, text: str, share: float) -> None:
        """Pairs of characters are compared, marks and politeness aside."""
        assert said_share(suggestion, text) == pytest.approx(share)


class TestSuggestions:
    """A text with a hole is never shown."""

    def test_slots_are_filled(self, make_call: MakeCall) -> None:
        """What is known about the call stands in the phrase."""
        (card,) = told(make_call(department="理赔部").hear(said("我不知道")))
        assert card.suggestions[1].text == "我请理赔部给您回复，请您稍等"

    def test_unknown_slot_takes_the_wording_without(self, make_call: MakeCall) -> None:
        """Without a department the phrase speaks of nobody in particular."""
        (card,) = told(make_call(department="").hear(said("我不知道")))
        assert card.suggestions[1].text == "我请专人给您回复，请您稍等"

    def test_phrase_reuses_what_the_agent_said(self, make_call: MakeCall) -> None:
        """The named part of the pattern fills the slot `rest`."""
        (card,) = told(make_call().hear(said("我不知道套餐什么时候到期。")))
        assert card.suggestions[0].text == "套餐什么时候到期，我马上为您核对"

    @given(st.dictionaries(st.sampled_from(["department", "deadline", "org"]), st.text(max_size=8)))
    @settings(max_examples=60, deadline=None)
    def test_no_card_has_a_hole(self, checker: Checker, book: Rulebook, slots: dict[str, str]) -> None:
        """Whatever is known, no suggestion holds a brace that no slot value brought along."""
        call = Call("c1", agent_id="a1", checker=checker, phrasebook=book.phrasebook, slots=slots)
        cards = told(call.hear(said("我不知道套餐的事，应该可以，绝对不行")))
        texts = [each.text for card in cards for each in card.suggestions]
        brought = "".join(slots.values())
        assert len(cards) == 3
        assert all(texts)
        assert not any("{" in text and "{" not in brought for text in texts)


class TestReload:
    """New rules come into force between two utterances."""

    @pytest.fixture
    def newer(self, tmp_path: Path) -> Rulebook:
        """Return a rule book in which 我不知道 is a notice."""
        rules = {**RULES, "ignorance": RULES["ignorance"].replace("warning", "notice", 1)}
        return load(tmp_path, rules=rules, words=WORDS, phrases=PHRASES)

    def test_rules_change_when_the_utterance_ends(self, make_call: MakeCall, newer: Rulebook) -> None:
        """An utterance under way is finished under the rules it began with."""
        call = make_call()
        old = call.digest
        call.hear(said("我不", final=False))
        call.use(Checker(newer), newer.phrasebook)
        assert call.digest == old
        (card,) = told(call.hear(said("我不知道", revision=2)))
        assert (card.severity, call.digest) == ("warning", newer.digest)
        (card,) = told(call.hear(said("我不知道", utterance_id="u2", at=30)))
        assert card.hit.severity == "notice"

    def test_rules_change_at_once_in_silence(self, make_call: MakeCall, newer: Rulebook) -> None:
        """With no utterance under way there is nothing to wait for."""
        call = make_call()
        call.hear(said("您好"))
        call.use(Checker(newer), newer.phrasebook)
        assert call.digest == newer.digest

    def test_abandoned_utterance_does_not_hold_up_new_rules(
        self, make_call: MakeCall, newer: Rulebook
    ) -> None:
        """An utterance that never became final is given up once it has not grown for long."""
        call = make_call()
        call.hear(said("喂", utterance_id="lost", speaker="customer", final=False))
        call.use(Checker(newer), newer.phrasebook)
        call.hear(said("您好", at=16))
        assert call.digest == newer.digest


class TestBlindSpots:
    """coach says when it cannot see, and when it sees again."""

    def test_silence_makes_blind_and_words_end_it(self, make_call: MakeCall) -> None:
        """No transcript for fifteen seconds is told once, and ended by the next words."""
        call = make_call()
        assert call.tick(14_999) == []
        assert call.tick(15_000) == [BlindSpot("no-transcript", active=True, since_ms=0)]
        assert call.tick(20_000) == []
        assert call.hear(said("您好", at=20))[1] == BlindSpot("no-transcript", active=False, since_ms=0)
        assert call.blind == ()

    def test_unknown_speaker_makes_blind(self, make_call: MakeCall) -> None:
        """Words of nobody in particular are not coached, and that is said."""
        call = make_call()
        events = call.hear(said("我不知道", speaker="unknown", at=3))
        assert events[1:] == [BlindSpot("unknown-speaker", active=True, since_ms=3000)]
        assert call.hear(said("您好", utterance_id="u2", at=5))[1:] == [
            BlindSpot("unknown-speaker", active=False, since_ms=3000)
        ]

    def test_refused_frames_make_blind(self, make_call: MakeCall) -> None:
        """A refused frame may have held words."""
        call = make_call()
        assert call.reject_frame(700) == [BlindSpot("rejected-frames", active=True, since_ms=700)]
        assert call.reject_frame(900) == []
        assert call.accept_frames() == [BlindSpot("rejected-frames", active=False, since_ms=700)]
        assert call.accept_frames() == []

    def test_end_of_the_call_ends_blindness(self, make_call: MakeCall) -> None:
        """After the end nothing is missing."""
        call = make_call()
        call.tick(15_000)
        assert call.end(16_000) == [BlindSpot("no-transcript", active=False, since_ms=0)]
        assert call.ended
        assert call.tick(99_000) == []


def test_memory_is_bounded(make_call: MakeCall) -> None:
    """A call of any length keeps so many utterances and cards."""
    call = make_call(AttentionBudget(kept_utterances=10))
    for number in range(50):
        call.hear(said("绝对不行", utterance_id=f"u{number}", at=number * 5))
    assert len(call.transcript()) == 10
    assert len(call.active_advice()) + len(call.resolved()) == 10


def test_transcript_is_in_order_of_beginning(make_call: MakeCall) -> None:
    """An utterance that began earlier stands earlier, whichever was heard first."""
    call = make_call()
    call.hear(said("后", utterance_id="u2", at=5))
    call.hear(said("先", utterance_id="u1", at=1))
    assert [each.utterance.text for each in call.transcript()] == ["先", "后"]


PIECES = [
    "我", "我们", "不知道", "不清楚", "您", "的", "方便", "吗", "套餐", "什么时候", "到期", "应该可以", "应该", "没问题",
    "可能", "会", "大概要", "绝对", "不行", "肯定不可能", "我帮您查", "您说", "抱歉", "部知道", "总部", "嗯", "那个",
    "，", "。", "？",
]  # fmt: skip
SPEECHES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join),
        st.sampled_from(["agent", "agent", "agent", "customer"]),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=7,
)


def revisions(number: int, text: str, speaker: str, start: int, chance: random.Random) -> list[Utterance]:
    """Make an utterance that grows, with a misheard moment in between, towards its final text."""
    cuts = sorted({*chance.choices(range(1, len(text) + 1), k=3)})
    grown = [text[:cut] for cut in cuts]
    if chance.random() < 0.4:
        grown.insert(chance.randrange(len(grown) + 1), "".join(chance.choices(PIECES, k=3)))
    grown.append(text)
    return [
        Utterance(
            "c1",
            f"u{number}",
            revision,
            speaker,
            words,
            revision == len(grown),
            start,
            start + 250 * len(words),
        )
        for revision, words in enumerate(grown, 1)
    ]


@given(SPEECHES, st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_however_it_grew_the_call_ends_as_its_finals_do(
    checker: Checker, book: Rulebook, speeches: list[tuple[str, str, int]], seed: int
) -> None:
    """Partial results, corrections and a talking customer in between change nothing of what stays told."""
    chance = random.Random(seed)
    start = 0
    queues: dict[str, list[Utterance]] = {"agent": [], "customer": []}
    for number, (text, speaker, pause) in enumerate(speeches):
        queues[speaker] += revisions(number, text, speaker, start, chance)
        start += pause * 1000
    live = Call("c1", agent_id="a1", checker=checker, phrasebook=book.phrasebook)
    heard: list[Utterance] = []
    given_once: list[str] = []
    while any(queues.values()):
        utterance = queues[chance.choice([name for name, queue in queues.items() if queue])].pop(0)
        heard.append(utterance)
        for event in live.hear(utterance):
            if isinstance(event, AdviceGiven) and event.advice.id not in given_once:
                given_once.append(event.advice.id)
            elif isinstance(event, AdviceWithdrawn) or (
                isinstance(event, AdviceResolved) and event.advice_id not in live.resolved()
            ):
                given_once.remove(event.advice_id)
    replayed = Call("c1", agent_id="a1", checker=checker, phrasebook=book.phrasebook)
    given_again = [card.id for each in heard if each.final for card in told(replayed.hear(each))]
    assert live.transcript() == replayed.transcript()
    assert live.resolved().keys() == replayed.resolved().keys()
    assert sorted(given_once) == sorted(given_again)


@given(SPEECHES, st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_sending_everything_twice_changes_nothing(
    checker: Checker, book: Rulebook, speeches: list[tuple[str, str, int]], seed: int
) -> None:
    """Events that are resent tell nothing new, withdraw nothing and resolve nothing."""
    chance = random.Random(seed)
    call = Call("c1", agent_id="a1", checker=checker, phrasebook=book.phrasebook)
    for number, (text, speaker, _) in enumerate(speeches):
        for utterance in revisions(number, text, speaker, number * 9000, chance):
            call.hear(utterance)
            again = call.hear(utterance)
            assert all(isinstance(event, TranscriptChanged) for event in again)


class TestCutInTwo:
    """A recogniser may end a result in mid-sentence."""

    def test_fault_over_two_finals_is_told_with_the_second(self, make_call: MakeCall) -> None:
        """A pattern begun at the end of one final and ended in the next is found, marked in the next."""
        call = make_call()
        assert told(call.hear(said("这件事情我不"))) == []
        events = call.hear(said("知道", utterance_id="u2", at=2))
        (card,) = told(events)
        assert (card.hit.rule, card.hit.start, card.hit.end) == ("ignorance/bare", 0, 2)
        assert card.hit.text == "我不知道"

    @pytest.mark.parametrize(
        ("second", "at"),
        [
            pytest.param("知道", 3, id="a-pause-between"),
            pytest.param("知道您方便吗", 2, id="an-exception-in-the-second"),
        ],
    )
    def test_two_sentences_stay_two(self, make_call: MakeCall, second: str, at: int) -> None:
        """After a pause, or when the whole is no fault, nothing is told."""
        call = make_call()
        call.hear(said("这件事情我不"))
        assert told(call.hear(said(second, utterance_id="u2", at=at))) == []

    def test_what_was_told_of_the_first_is_not_told_again(self, make_call: MakeCall) -> None:
        """A fault complete in the first final is no news when the second goes on from it."""
        call = make_call(AttentionBudget(cool_down_ms=0))
        assert len(told(call.hear(said("这事我不知道")))) == 1
        assert told(call.hear(said("啊这个", utterance_id="u2", at=2))) == []

    def test_the_customer_does_not_finish_the_agents_sentence(self, make_call: MakeCall) -> None:
        """Only one speaker's words are joined."""
        call = make_call()
        call.hear(said("这件事情我不"))
        assert told(call.hear(said("知道", utterance_id="u2", at=2, speaker="customer"))) == []
