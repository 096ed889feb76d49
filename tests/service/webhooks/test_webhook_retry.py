"""When a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from coach.service.webhooks.retry import RetryPolicy, retry_after_s


def test_eight_tries_go_from_five_seconds_to_twelve_hours():
    """The waits grow evenly between the ends; after the eighth try there is none."""
    policy = RetryPolicy()
    waits = [policy.wait_s(tried, chance=0.5) for tried in range(1, 9)]
    assert [round(wait) for wait in waits[:-1]] == [5, 23, 103, 465, 2105, 9537, 43_200]
    assert waits[-1] is None


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 4.0), (1.0, 6.0)])
def test_the_waits_are_spread_by_a_fifth(chance, expected):
    """What failed together does not come back together."""
    assert RetryPolicy().wait_s(1, chance=chance) == pytest.approx(expected)


def test_no_wait_is_longer_than_the_last():
    """Neither chance nor the receiver stretches it."""
    policy = RetryPolicy(last_s=100.0)
    assert policy.wait_s(7, chance=1.0) == 100.0
    assert policy.wait_s(1, chance=0.5, asked_s=1e9) == 100.0


def test_a_receiver_is_given_the_time_it_asks_for():
    """Retry-After wins over a shorter wait, not over a longer one."""
    policy = RetryPolicy()
    assert policy.wait_s(1, chance=0.5, asked_s=60) == 60
    assert policy.wait_s(7, chance=0.5, asked_s=60) == pytest.approx(43_200)


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_few_tries_are_no_special_case(tries):
    """One try waits for nothing; two and three wait."""
    policy = RetryPolicy(tries=tries)
    waits = [policy.wait_s(tried, chance=0.5) for tried in range(1, tries + 1)]
    assert waits[-1] is None
    assert all(wait is not None and wait >= 4 for wait in waits[:-1])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        (format_datetime(datetime.fromtimestamp(1_000_060, UTC), usegmt=True), 60.0),
        (format_datetime(datetime.fromtimestamp(999_000, UTC), usegmt=True), 0.0),
        (None, 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("9" * 5000, 999_999_999.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, expected):
    """What cannot be read asks for nothing."""
    assert retry_after_s(header, now=1_000_000.0) == expected
