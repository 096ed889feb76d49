"""The kinds of personal data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Kind = Literal[
    "phone",
    "id-card",
    "bank-card",
    "email",
    "plate",
    "address",
    "name",
    "passport",
    "account",
    "number",
    "order",
]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# An order number says nothing about a person to whoever has no access to the shop's own system, and it is
# what a reviewer needs to look a complaint up.
DEFAULT_KINDS: Final[frozenset[Kind]] = frozenset(KINDS) - {"order"}


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A stretch of personal data. Offsets are characters (code points).

    `number` is a run of digits too long for a quantity, whose kind cannot be told.
    """

    kind: Kind
    start: int
    end: int
