"""The garbage collector rests while much is made that stays."""

from __future__ import annotations

import gc

import pytest

from coach.garbage import no_collection


def test_nothing_is_collected_meanwhile() -> None:
    """Off inside, on again after."""
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_turns_it_on_again() -> None:
    """A rule book that cannot be loaded leaves the process as it was."""
    with pytest.raises(ValueError, match="broken"), no_collection():
        raise ValueError("broken")
    assert gc.isenabled()


def test_what_was_off_stays_off() -> None:
    """One inside the other: the outer one decides."""
    with no_collection():
        with no_collection():
            pass
        assert not gc.isenabled()
