"""Which workers are taken for alive."""

from __future__ import annotations

import subprocess
import sys

import pytest

from coach.service.presence import ALIVE_S, Presence


@pytest.fixture
def clock():
    """A clock of the tests' own: a list of one number."""
    return [1000.0]


@pytest.fixture
def presence(clock):
    """What worker "me" knows of the others."""
    return Presence("me", clock=lambda: clock[0])


def said(worker, kind="claim", **fields):
    """Something that a worker told."""
    return {"from": worker, "tenant": "default", "kind": kind, **fields}


def test_whoever_tells_something_is_alive_for_a_while(presence, clock):
    """Anything counts, and the last of it; of oneself nobody need hear."""
    presence.heard(said("one"))
    presence.heard(said("me"))
    clock[0] += ALIVE_S
    presence.heard(said("two"))
    assert presence.alive() == {"one", "two"}
    clock[0] += 1
    assert presence.alive() == {"two"}


def test_whoever_leaves_is_gone_whatever_it_says_on_its_way(presence):
    """An answer that was under way brings it back to nobody."""
    presence.heard(said("one"))
    presence.heard(said("one", "bye"))
    presence.heard(said("one", "answer"))
    assert presence.alive() == set()


def test_what_was_told_before_counts_from_then(presence, clock):
    """Read back by a worker that has just come up; older words make nobody older."""
    presence.heard(said("one"), ago_s=ALIVE_S - 1)
    presence.heard(said("two"))
    presence.heard(said("two"), ago_s=ALIVE_S - 1)
    clock[0] += 2
    assert presence.alive() == {"two"}


def test_a_process_of_this_machine_that_is_gone_is_dead_at_once(presence):
    """Killed, it says no good-bye; of another machine nobody can tell."""
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    hello = {**Presence("other", clock=lambda: 0.0).hello, "pid": other.pid}
    presence.heard(said("here") | hello)
    presence.heard(said("there") | hello | {"station": "another machine"})
    presence.heard(said("here"))
    assert presence.alive() == {"here", "there"}
    other.kill()
    # Dead, though nobody has asked for its exit code yet.
    other.stdin.close()
    while "here" in presence.alive():
        pass
    assert presence.alive() == {"there"}
    other.wait(10)
