"""When a delivery is tried again. Pure: the random number and the clock are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

_JITTER: Final = 0.2
_MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits that grow evenly from the first to the last.

    Attributes:
        tries: how often a delivery is tried, the first time included.
        first_s: seconds to wait after the first try.
        last_s: seconds to wait before the last one, and the longest anybody is waited for.
    """

    tries: int = 8
    first_s: float = 5.0
    last_s: float = 12 * 3600.0

    def wait_s(self, tried: int, *, chance: float, asked_s: float = 0.0) -> float | None:
        """Return how long to wait in seconds; None when it was tried often enough.

        Args:
            tried: how often it was tried.
            chance: from 0 to 1; spreads what failed together, by a fifth to either side.
            asked_s: what the receiver asked for (`Retry-After`); it is not tried earlier.
        """
        if tried >= self.tries:
            return None
        # With three tries or more there is a first wait and a last one to go between.
        steps = max(1, self.tries - 2)
        growth: float = (self.last_s / self.first_s) ** min(1.0, (tried - 1) / steps)
        wait = self.first_s * growth * (1 - _JITTER + 2 * _JITTER * chance)
        return min(self.last_s, max(wait, asked_s))


def retry_after_s(value: str | None, *, now: float) -> float:
    """Read a `Retry-After` header: seconds or a date; 0 without one, or when it cannot be read.

    Args:
        value: the header.
        now: seconds since 1970.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:_MAX_DIGITS])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return 0.0
