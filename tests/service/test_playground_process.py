"""The process in which rules are tried: it may end at any time, and nothing is lost or mixed up."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from coach.service.workshop import TooBusyError, TooSlowError, Workshop


def ask(workshop: Workshop, book, text: str, *, yaml: str | None = None, limit_s: float = 30.0):
    """Ask for an explanation."""
    return workshop.ask(
        book, "explain", limit_s=limit_s, text=text, customer="", speaker="agent", phase=None, yaml=yaml
    )


@pytest.fixture
def workshop():
    """Return a workshop that is closed after the test."""
    opened = Workshop()
    yield opened
    opened.close()


def test_a_process_that_died_is_started_again(workshop, ruleset):
    """The question that finds it dead is answered all the same."""

    async def main():
        await ask(workshop, ruleset.rulebook, "我不知道")
        workshop._process.kill()
        workshop._process.join()
        return await ask(workshop, ruleset.rulebook, "我不知道")

    assert asyncio.run(main())["turns"][0]["text"] == "我不知道"


def test_a_question_given_up_leaves_no_answer_for_the_next(workshop, ruleset):
    """Each answer belongs to its own question, also after a request was cancelled."""

    async def main():
        await ask(workshop, ruleset.rulebook, "您好")
        given_up = asyncio.create_task(ask(workshop, ruleset.rulebook, "第一句"))
        await asyncio.sleep(0)
        given_up.cancel()
        return await ask(workshop, ruleset.rulebook, "第二句")

    assert asyncio.run(main())["turns"][0]["text"] == "第二句"


def test_what_takes_too_long_is_ended(workshop, ruleset):
    """The process is gone before the answer is given."""

    async def main():
        await ask(workshop, ruleset.rulebook, "您好")
        process = workshop._process
        with pytest.raises(TooSlowError):
            await ask(workshop, ruleset.rulebook, "我不知道" * 4000, limit_s=0.0005)
        return process.is_alive()

    assert asyncio.run(main()) is False


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the time of a process is not counted there")
def test_a_process_that_gets_no_turn_is_not_too_slow(workshop, ruleset):
    """What others do with the processor meanwhile is not the fault of the rule."""

    async def main():
        await ask(workshop, ruleset.rulebook, "您好")
        os.kill(workshop._process.pid, signal.SIGSTOP)
        asked = asyncio.create_task(ask(workshop, ruleset.rulebook, "我不知道", limit_s=0.25))
        # Longer than it may work.
        await asyncio.wait({asked}, timeout=0.5)
        os.kill(workshop._process.pid, signal.SIGCONT)
        return await asked

    assert asyncio.run(main())["turns"][0]["text"] == "我不知道"


def test_too_many_questions_at_once_are_refused(workshop, ruleset):
    """A crowd is told to come again, and those who wait are answered."""

    async def main():
        asked = [ask(workshop, ruleset.rulebook, "您好") for _ in range(20)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(main())
    assert sum(isinstance(each, TooBusyError) for each in answers) == 4
    assert sum(isinstance(each, dict) for each in answers) == 16
