"""A rate with the number it rests on, so that a small sample is never mistaken for a finding."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

# Below this many agent turns the interval is wider than the differences between agents (choice).
ENOUGH = 100
# 95 % for what is shown; 99.8 %, as in control charts, before one of many agents is called different.
_Z = 1.96
_Z_SURE = 3.09


@dataclass(frozen=True, slots=True)
class Rate:
    """`found` of `total`; percentages are per 100.

    Attributes:
        low, high: Wilson's 95 % interval, per 100; 0 and 100 when nothing was counted.
    """

    found: int
    total: int

    @property
    def percent(self) -> float:
        """Found per 100; 0 when nothing was counted."""
        return 100 * self.found / self.total if self.total else 0.0

    @property
    def enough(self) -> bool:
        """Tell whether the sample is large enough to be shown as a rate."""
        return self.total >= ENOUGH

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.interval()[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.interval()[1]

    def interval(self, *, sure: bool = False) -> tuple[float, float]:
        """Return Wilson's interval per 100: 95 %, or 99.8 % when one has to be sure."""
        if not self.total:
            return 0.0, 100.0
        z = _Z_SURE if sure else _Z
        share = self.found / self.total
        scale = 1 + z * z / self.total
        middle = share + z * z / (2 * self.total)
        spread = z * sqrt(share * (1 - share) / self.total + z * z / (4 * self.total * self.total))
        return max(0.0, 100 * (middle - spread) / scale), min(100.0, 100 * (middle + spread) / scale)

    def differs(self, other: Rate) -> bool:
        """Tell whether two rates differ by more than chance (two proportions, about 95 %)."""
        if not (self.enough and other.enough):
            return False
        pooled = (self.found + other.found) / (self.total + other.total)
        error = sqrt(pooled * (1 - pooled) * (1 / self.total + 1 / other.total))
        return error > 0 and abs(self.percent - other.percent) / 100 > _Z * error
