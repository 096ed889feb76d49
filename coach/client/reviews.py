"""Reviews of recorded calls over the service: hand in, follow, read the results, fetch the report (docs/client.md)."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from coach.client import requests, review_requests
from coach.client.errors import ClientError
from coach.client.review_answers import Review, ReviewedCall
from coach.client.stream import Reading, read_stream, read_stream_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
    from typing import Unpack

    from coach.client.carrier import AsyncCarrier, Carrier
    from coach.client.review_answers import ReviewHit, ReviewLink, ReviewList, RuleCount
    from coach.client.review_requests import Submission

File = str | Path | tuple[str, bytes]

_PATIENCE_S: Final = 60.0


class Reviews:
    """The reviews of the service. Needs the role reviewer; a supervisor may read."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def submit(self, files: Iterable[File], **options: Unpack[Submission]) -> Review:
        """Hand in transcripts: paths, or names with bytes. `Submission` describes the options.

        Raises:
            RefusedError: `too_large`; `invalid_field`: a file is no transcript, or a value is wrong.
            OSError: a file cannot be read.
        """
        found = review_requests.opened(files)
        try:
            return self._carrier.ask(review_requests.submit(_some(found), options))
        finally:
            review_requests.close(found)

    def submit_folder(self, folder: str, **options: Unpack[Submission]) -> Review:
        """Review a folder below the service's `review_dir`."""
        return self._carrier.ask(review_requests.submit_folder(folder, options))

    def list(self) -> ReviewList:
        """Return the reviews that are kept, youngest first, and what may be sent."""
        return self._carrier.ask(review_requests.list_reviews())

    def get(self, review_id: str) -> Review:
        """Return one review."""
        return self._carrier.ask(review_requests.get(review_id))

    def start(self, review_id: str, **options: Unpack[review_requests.Reading]) -> Review:
        """Start one that waits, or go on with one that was cancelled or failed; options take the old ones' place."""
        return self._carrier.ask(review_requests.start(review_id, options))

    def remove(self, review_id: str) -> Review | None:
        """Cancel one that waits or runs, and return it; delete any other with its files, and return None."""
        return self._carrier.ask_if_any(review_requests.remove(review_id))

    def follow(self, review_id: str, *, patience_s: float = _PATIENCE_S) -> Generator[Review]:
        """Iterate over its states as it changes, the present one first, until it is over.

        Raises:
            RefusedError: there is no such review, or not for this key.
            UnreachableError: the service was away for longer than `patience_s`.
        """
        states = read_stream(_reading(self._carrier, review_id, patience_s), _read)
        with contextlib.closing(states):
            for review in states:
                yield review
                if review.over:
                    return

    def wait(self, review_id: str, *, patience_s: float = _PATIENCE_S) -> Review:
        """Return it when it is finished, failed or cancelled; raises as `follow` does."""
        for review in self.follow(review_id, patience_s=patience_s):
            if review.over:
                return review
        raise ClientError(
            f"{review_id}: 质检还没有结束"
        )  # pragma: no cover - `follow` ends with one that is over

    def results(self, review_id: str) -> Iterator[ReviewedCall]:
        """Iterate over the results of a finished one, a call each, page by page."""
        path: str | None = review_requests.results_path(review_id)
        while path is not None:
            asked = path
            page, path = self._carrier.page(asked)
            for line in page.splitlines():
                yield requests.read_as(ReviewedCall, line, what=f"GET {asked}")

    def download(self, review_id: str, file: str, to: str | Path) -> Path:
        """Fetch one of its `downloads` into a file, whole or not at all; return its path."""
        path = Path(to)
        self._carrier.save(review_requests.file_path(review_id, file), path)
        return path

    def link(self, review_id: str, file: str = "report.html") -> ReviewLink:
        """Return an address that a browser opens without a key for a minute."""
        return self._carrier.ask(review_requests.link(review_id, file))

    def hits(self, review_id: str, *, rule: str = "", limit: int | None = None) -> Iterator[ReviewHit]:
        """Iterate over the hits to judge, of one rule or of every one, at most `limit`."""
        paging = review_requests.hits(review_id, rule=rule, limit=limit)
        while (ask := paging.next()) is not None:
            page = self._carrier.ask(ask)
            paging.take(len(page.hits), page.next)
            yield from page.hits

    def hit_counts(self, review_id: str) -> tuple[RuleCount, ...]:
        """Return how often each rule fired, the most frequent first."""
        ask = review_requests.hits(review_id, limit=1).next()
        return () if ask is None else self._carrier.ask(ask).rules


class AsyncReviews:
    """The same on an event loop; `Reviews` describes the methods."""

    def __init__(self, carrier: AsyncCarrier) -> None:
        self._carrier = carrier

    async def submit(self, files: Iterable[File], **options: Unpack[Submission]) -> Review:
        """See `Reviews.submit`. Reading the files blocks the loop for as long as the disk takes."""
        found = review_requests.opened(files)
        try:
            return await self._carrier.ask(review_requests.submit(_some(found), options))
        finally:
            review_requests.close(found)

    async def submit_folder(self, folder: str, **options: Unpack[Submission]) -> Review:
        """See `Reviews.submit_folder`."""
        return await self._carrier.ask(review_requests.submit_folder(folder, options))

    async def list(self) -> ReviewList:
        """See `Reviews.list`."""
        return await self._carrier.ask(review_requests.list_reviews())

    async def get(self, review_id: str) -> Review:
        """See `Reviews.get`."""
        return await self._carrier.ask(review_requests.get(review_id))

    async def start(self, review_id: str, **options: Unpack[review_requests.Reading]) -> Review:
        """See `Reviews.start`."""
        return await self._carrier.ask(review_requests.start(review_id, options))

    async def remove(self, review_id: str) -> Review | None:
        """See `Reviews.remove`."""
        return await self._carrier.ask_if_any(review_requests.remove(review_id))

    async def follow(self, review_id: str, *, patience_s: float = _PATIENCE_S) -> AsyncGenerator[Review]:
        """See `Reviews.follow`."""
        states = read_stream_async(_reading(self._carrier, review_id, patience_s), _read)
        async with contextlib.aclosing(states):
            async for review in states:
                yield review
                if review.over:
                    return

    async def wait(self, review_id: str, *, patience_s: float = _PATIENCE_S) -> Review:
        """See `Reviews.wait`."""
        async for review in self.follow(review_id, patience_s=patience_s):
            if review.over:
                return review
        raise ClientError(f"{review_id}: 质检还没有结束")  # pragma: no cover - as above

    async def results(self, review_id: str) -> AsyncIterator[ReviewedCall]:
        """See `Reviews.results`."""
        path: str | None = review_requests.results_path(review_id)
        while path is not None:
            asked = path
            page, path = await self._carrier.page(asked)
            for line in page.splitlines():
                yield requests.read_as(ReviewedCall, line, what=f"GET {asked}")

    async def download(self, review_id: str, file: str, to: str | Path) -> Path:
        """See `Reviews.download`."""
        path = Path(to)
        await self._carrier.save(review_requests.file_path(review_id, file), path)
        return path

    async def link(self, review_id: str, file: str = "report.html") -> ReviewLink:
        """See `Reviews.link`."""
        return await self._carrier.ask(review_requests.link(review_id, file))

    async def hits(
        self, review_id: str, *, rule: str = "", limit: int | None = None
    ) -> AsyncIterator[ReviewHit]:
        """See `Reviews.hits`."""
        paging = review_requests.hits(review_id, rule=rule, limit=limit)
        while (ask := paging.next()) is not None:
            page = await self._carrier.ask(ask)
            paging.take(len(page.hits), page.next)
            for hit in page.hits:
                yield hit

    async def hit_counts(self, review_id: str) -> tuple[RuleCount, ...]:
        """See `Reviews.hit_counts`."""
        ask = review_requests.hits(review_id, limit=1).next()
        return () if ask is None else (await self._carrier.ask(ask)).rules


def _some(files: list[requests.Uploaded]) -> list[requests.Uploaded]:
    if not files:
        raise ClientError("files: 没有文件，应为至少一个")
    return files


def _reading(carrier: Carrier | AsyncCarrier, review_id: str, patience_s: float) -> Reading:
    path = review_requests.progress_path(review_id)
    return Reading(carrier.url, path, credential=carrier.key or "", after=None, patience_s=patience_s)


def _read(message: dict[str, Any]) -> Review:
    return Review.model_validate(message)
