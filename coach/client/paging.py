"""One walk over the pages of a list, without sockets: what to ask for next, and when it is over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from coach.client.requests import Ask

PageT = TypeVar("PageT", bound=BaseModel)


class Paging(Generic[PageT]):
    """Asks for page after page, until the list is at its end or `limit` rows have come.

    Args:
        ask: the request, without place and size.
        most: rows of a page, at most.
        limit: rows in all; None: every one.
        place: the name of the place in the query.
    """

    def __init__(self, ask: Ask[PageT], *, most: int, limit: int | None, place: str = "cursor") -> None:
        self._ask = ask
        self._most = most
        self._left = limit
        self._place = place
        self._cursor: str | None = None
        self._over = False

    def next(self) -> Ask[PageT] | None:
        """Return the request for the next page; None when there is nothing more to ask for."""
        if self._over or (self._left is not None and self._left <= 0):
            return None
        query = {"limit": str(self._most if self._left is None else min(self._most, self._left))}
        if self._cursor is not None:
            query[self._place] = self._cursor
        return replace(self._ask, query={**self._ask.query, **query})

    def take(self, rows: int, cursor: str | int | None) -> None:
        """Take in how many rows a page had, and its `next`."""
        if self._left is not None:
            self._left -= rows
        self._cursor = None if cursor is None else str(cursor)
        self._over = cursor is None
