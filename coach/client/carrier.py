"""Carries requests over HTTP, without and with an event loop; knows what they ask only by their types."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
from pydantic import BaseModel

from coach.client import requests
from coach.client.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coach.client.requests import Ask

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_OK: Final = 200
_NO_CONTENT: Final = 204


class Carrier:
    """Carries requests to one service.

    Args:
        url: base address.
        key: API key or token; None: none is sent.
        timeout_s: of each step of a request.
    """

    def __init__(self, url: str, key: str | None, *, timeout_s: float) -> None:
        self.url, self.key = url.rstrip("/"), key
        self._http = httpx.Client(
            base_url=self.url, headers=requests.headers(key), timeout=timeout_s, trust_env=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, ask: Ask[AnswerT]) -> AnswerT:
        """Return the answer.

        Raises:
            ClientError: see `requests.read`, and UnreachableError when there is none.
        """
        response = self._send(ask)
        return requests.read(ask, response.status_code, response.content)

    def ask_if_any(self, ask: Ask[AnswerT]) -> AnswerT | None:
        """Return the answer; None when it is done and there is nothing to tell. Raises as `ask`."""
        response = self._send(ask)
        if response.status_code == _NO_CONTENT:
            return None
        return requests.read(ask, response.status_code, response.content)

    def page(self, path: str) -> tuple[bytes, str | None]:
        """Return what is at a path, and the path of the next page. Raises as `ask`."""
        with _reached(self.url):
            response = self._http.get(path)
        return _page_of(path, response)

    def save(self, path: str, to: Path) -> None:
        """Write what is at a path into a file, whole or not at all. Raises as `ask`, and OSError."""
        hidden = _beside(to)
        try:
            with _reached(self.url), self._http.stream("GET", path) as response:
                if response.status_code != _OK:
                    raise requests.refusal(f"GET {path}", response.status_code, response.read())
                with hidden.open("wb") as target:
                    for part in response.iter_bytes():
                        target.write(part)
            hidden.replace(to)
        finally:
            hidden.unlink(missing_ok=True)

    def _send(self, ask: Ask[Any]) -> httpx.Response:
        with _reached(self.url):
            return self._http.request(ask.method, ask.path, **_options(ask))


class AsyncCarrier:
    """The same on an event loop; `Carrier` describes the methods."""

    def __init__(self, url: str, key: str | None, *, timeout_s: float) -> None:
        self.url, self.key = url.rstrip("/"), key
        self._http = httpx.AsyncClient(
            base_url=self.url, headers=requests.headers(key), timeout=timeout_s, trust_env=False
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, ask: Ask[AnswerT]) -> AnswerT:
        """See `Carrier.ask`."""
        response = await self._send(ask)
        return requests.read(ask, response.status_code, response.content)

    async def ask_if_any(self, ask: Ask[AnswerT]) -> AnswerT | None:
        """See `Carrier.ask_if_any`."""
        response = await self._send(ask)
        if response.status_code == _NO_CONTENT:
            return None
        return requests.read(ask, response.status_code, response.content)

    async def page(self, path: str) -> tuple[bytes, str | None]:
        """See `Carrier.page`."""
        with _reached(self.url):
            response = await self._http.get(path)
        return _page_of(path, response)

    async def save(self, path: str, to: Path) -> None:
        """See `Carrier.save`. Writing a part blocks the loop for as long as the disk takes."""
        hidden = _beside(to)
        try:
            with _reached(self.url):
                async with self._http.stream("GET", path) as response:
                    if response.status_code != _OK:
                        raise requests.refusal(f"GET {path}", response.status_code, await response.aread())
                    with hidden.open("wb") as target:
                        async for part in response.aiter_bytes():
                            target.write(part)
            hidden.replace(to)
        finally:
            hidden.unlink(missing_ok=True)

    async def _send(self, ask: Ask[Any]) -> httpx.Response:
        with _reached(self.url):
            return await self._http.request(ask.method, ask.path, **_options(ask))


@contextlib.contextmanager
def _reached(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise UnreachableError(f"{url}: {error or type(error).__name__}") from error


def _options(ask: Ask[Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"params": ask.query, "headers": ask.headers}
    if not ask.files:
        return options | {"content": ask.body}
    files = [("files", (name, content, "application/octet-stream")) for name, content in ask.files]
    return options | {"files": files, "data": ask.fields}


def _page_of(path: str, response: httpx.Response) -> tuple[bytes, str | None]:
    if response.status_code != _OK:
        raise requests.refusal(f"GET {path}", response.status_code, response.content)
    return response.content, response.links.get("next", {}).get("url")


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.part")
