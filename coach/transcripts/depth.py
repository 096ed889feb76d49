"""How deep a JSON text nests, told while it is read and before anything is made of it."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

# A transcript nests five deep; a parser that keeps the path of every level grows with the square.
DEEPEST: Final = 250
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_OTHERS: Final = bytes(set(range(256)) - _STEPS.keys())
_BODY: Final = rb'[^"\\]*(?:\\.[^"\\]*)*'
# A string, or the beginning of one that the next piece goes on with: its quote and half an escape stay.
_STRING: Final = re.compile(rb'"%b"|(")%b(\\?)\Z' % (_BODY, _BODY), re.DOTALL)


class TooDeepError(ValueError):
    """A document nests deeper than any transcript does."""

    def __init__(self) -> None:
        super().__init__(f"嵌套超过 {DEEPEST} 层，应为转写")


class Depth:
    """Counts the open brackets of one text, piece after piece; those in strings are none."""

    def __init__(self) -> None:
        self._open = 0
        self._string = b""

    def feed(self, piece: bytes) -> None:
        """Go on with the next piece, in UTF-8.

        Raises:
            TooDeepError: somewhere in it more than `DEEPEST` brackets are open.
        """
        outside = _STRING.sub(rb"\1\2", self._string + piece)
        quote = outside.find(b'"')
        self._string = outside[quote:] if quote >= 0 else b""
        depths = list(
            accumulate(map(_STEPS.__getitem__, outside.translate(None, _OTHERS)), initial=self._open)
        )
        if max(depths) > DEEPEST:
            raise TooDeepError
        self._open = depths[-1]
