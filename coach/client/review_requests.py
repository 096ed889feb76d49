"""What a client may ask about reviews of recorded calls, each request described once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from coach.client.paging import Paging
from coach.client.requests import Ask, post, segment
from coach.client.review_answers import Review, ReviewHitPage, ReviewLink, ReviewList

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import IO

    from coach.client.requests import Uploaded

_HITS: Final = 200
RESULTS: Final = 1000


class Reading(TypedDict, total=False):
    """How transcripts are read and the report is written, as with `coach review`.

    `agent_is` and `customer_is` name speakers; `since` is a local date or time; `anonymous` (as it is without) names
    no agent in the report; `lang` is the report's.
    """

    agent_is: Sequence[str]
    customer_is: Sequence[str]
    format: Literal["", "jsonl", "json", "csv", "xlsx", "text", "vtt", "srt"]
    encoding: str
    since: str
    anonymous: bool
    lang: Literal["zh", "en"]


class Submission(Reading, total=False):
    """The same with a title. `start` False: the files are only looked at, and wait to be started."""

    title: str
    start: bool


def submit(files: Sequence[Uploaded], fields: Mapping[str, Any]) -> Ask[Review]:
    """Hand in opened files."""
    return Ask("POST", "/v1/reviews", Review, files=tuple(files), fields=_form(fields))


def submit_folder(folder: str, options: Mapping[str, Any]) -> Ask[Review]:
    """Name a folder on the server."""
    return post("/v1/reviews", {"folder": folder, **_plain(options)}, Review)


def list_reviews() -> Ask[ReviewList]:
    """Ask for every review."""
    return Ask("GET", "/v1/reviews", ReviewList)


def get(review_id: str) -> Ask[Review]:
    """Ask for one review."""
    return Ask("GET", _path(review_id), Review)


def start(review_id: str, options: Mapping[str, Any]) -> Ask[Review]:
    """Start a review; without options with those it has."""
    path = f"{_path(review_id)}/start"
    return post(path, _plain(options), Review) if options else Ask("POST", path, Review)


def remove(review_id: str) -> Ask[Review]:
    """Cancel or delete a review; no content says that it was deleted."""
    return Ask("DELETE", _path(review_id), Review)


def link(review_id: str, file: str) -> Ask[ReviewLink]:
    """Ask for an address that a browser opens."""
    return post(f"{_path(review_id)}/links", {"file": file}, ReviewLink)


def hits(review_id: str, *, limit: int | None, rule: str = "") -> Paging[ReviewHitPage]:
    """Ask for the pages of hits, of one rule or of every one."""
    query = {"rule": rule} if rule else {}
    ask = Ask("GET", f"{_path(review_id)}/hits", ReviewHitPage, query=query)
    return Paging(ask, most=_HITS, limit=limit, place="after")


def results_path(review_id: str) -> str:
    """Return where the first page of results is."""
    return f"{_path(review_id)}/results?limit={RESULTS}"


def file_path(review_id: str, file: str) -> str:
    """Return where a file of a review is."""
    return f"{_path(review_id)}/{segment(file=file)}"


def progress_path(review_id: str) -> str:
    """Return where the socket is that tells how far a review is."""
    return f"{_path(review_id)}/progress"


def opened(files: Iterable[str | Path | tuple[str, bytes]]) -> list[tuple[str, IO[bytes] | bytes]]:
    """Open files to be sent; bytes come with their name.

    Raises:
        OSError: one of them cannot be read; none stays open.
    """
    found: list[tuple[str, IO[bytes] | bytes]] = []
    try:
        for file in files:
            if isinstance(file, tuple):
                found.append(file)
            else:
                path = Path(file)
                found.append((path.name, path.open("rb")))
    except OSError:
        close(found)
        raise
    return found


def close(files: Iterable[tuple[str, IO[bytes] | bytes]]) -> None:
    """Close what was opened."""
    for _, content in files:
        if not isinstance(content, bytes):
            content.close()


def _path(review_id: str) -> str:
    return f"/v1/reviews/{segment(review_id=review_id)}"


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if name.endswith("_is") else value for name, value in options.items()}


def _form(options: Mapping[str, Any]) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for name, value in _plain(options).items():
        found[name] = str(value).lower() if isinstance(value, bool) else value
    return found
