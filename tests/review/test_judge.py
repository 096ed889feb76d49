"""One call judged: what the result says of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from coach.coaching.events import Utterance
from coach.coaching.privacy import Privacy
from coach.coaching.review_call import RecordedTurn
from coach.review.result import TurnMark
from coach.transcripts.model import Place, TranscriptCall
from tests.review.center import CLEAN, FAULTY

if TYPE_CHECKING:
    from coach.coaching.events import Speaker
    from coach.review.result import CallResult
    from tests.review.center import Center


def judged(center: Center, *turns: tuple[Speaker, str], masked: bool = True) -> CallResult:
    """Judge a call of these turns, four seconds each."""
    call = TranscriptCall(
        "c1",
        tuple(
            RecordedTurn(speaker, text, index * 4000, index * 4000 + 3500)
            for index, (speaker, text) in enumerate(turns)
        ),
        Place("calls.jsonl", 7),
        agent_id="8012",
        started_at=datetime.fromisoformat("2026-11-20T09:30:00"),
    )
    return center.setup(masked=masked).judge().judge(call).result


def test_a_fault_is_a_hit_with_its_suggestion(center: Center) -> None:
    """A hit names rule, turn, place in the turn, time and what to say instead."""
    hit = judged(center, ("agent", CLEAN), ("customer", "几点到"), ("agent", FAULTY)).hits[0]
    assert (hit.rule, hit.turn, hit.start, hit.end, hit.text) == ("ignorance/bare", 2, 2, 6, "我不知道")
    assert (hit.at_ms, hit.suggestion) == (11_500, "我马上帮您查一下，请您稍等")


def test_a_fault_is_marked_in_its_turn(center: Center) -> None:
    """The turn carries the mark for the report."""
    result = judged(center, ("agent", CLEAN), ("agent", FAULTY))
    assert [turn.marks for turn in result.turns] == [(), (TurnMark(2, 6, "warning", "ignorance/bare"),)]


def test_the_score_names_its_hits(center: Center) -> None:
    """Five points for the one fault, and the index of the hit."""
    result = judged(center, ("agent", CLEAN), ("agent", FAULTY))
    assert (result.score.points, result.score.passed) == (95.0, True)
    assert result.score.items[0].hits == (0,)


def test_where_and_when_a_call_was_are_kept(center: Center) -> None:
    """File, line, agent, start and length come from the transcript."""
    result = judged(center, ("agent", CLEAN), ("customer", "好的"))
    assert (result.source.file, result.source.line, result.agent_id) == ("calls.jsonl", 7, "8012")
    assert (result.duration_ms, result.agent_turns, len(result.turns)) == (7_500, 1, 2)


def test_the_same_fault_again_is_no_adoption(center: Center) -> None:
    """Adoption counts the cards and what became of them."""
    adoption = judged(center, ("agent", FAULTY), ("customer", "啊"), ("agent", FAULTY)).adoption
    assert (adoption.advised, adoption.adopted, adoption.repeated) == (2, 0, 1)


def test_saying_the_suggestion_is_an_adoption(center: Center) -> None:
    """The agent finds the better words himself."""
    adoption = judged(
        center, ("agent", FAULTY), ("customer", "啊"), ("agent", "我马上帮您查一下，请您稍等")
    ).adoption
    assert (adoption.advised, adoption.adopted) == (1, 1)


def test_personal_data_is_masked(center: Center) -> None:
    """A phone number does not reach the results; the text keeps its length."""
    text = "我的电话是13812345678"
    turn = judged(center, ("customer", text)).turns[0]
    assert "12345678" not in turn.text
    assert len(turn.text) == len(text)


def test_a_number_in_two_turns_is_masked(center: Center) -> None:
    """A recogniser cuts a number in two; both halves are masked."""
    turns = judged(center, ("customer", "我的电话是138123"), ("agent", "您说"), ("customer", "45678")).turns
    assert turns[2].text != "45678"


def test_a_number_in_many_turns_is_masked(center: Center) -> None:
    """A card read out in four turns shows what live shows: its ends and nothing between."""
    groups = ("卡号6222", "0210", "0112", "3455")
    spoken = [turn for group in groups for turn in (("customer", group), ("agent", "嗯"))]
    turns = judged(center, *spoken).turns
    privacy = Privacy()
    heard = [Utterance("c", str(index), 1, who, said, True, 0, 0) for index, (who, said) in enumerate(spoken)]
    assert [turn.text for turn in turns] == [privacy.utterance(each).text for each in heard]
    assert [turns[index].text for index in (2, 4)] == ["****", "****"]


def test_unmasked_keeps_the_words(center: Center) -> None:
    """Who asks for it gets what was said."""
    text = "我的电话是13812345678"
    assert judged(center, ("customer", text), masked=False).turns[0].text == text


def test_offsets_hold_in_masked_text(center: Center) -> None:
    """A hit after a masked number stands where it stood."""
    result = judged(center, ("agent", "您的电话13812345678我不知道啊"))
    hit = result.hits[0]
    assert result.turns[0].text[hit.start : hit.end] == "我不知道"
