"""One attempt to deliver one webhook: signed, bounded in time and size, redirects not followed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Final

import httpcore

from coach import __version__
from coach.client.webhooks import sign_webhook
from coach.service.webhooks.address import ForbiddenAddressError, GuardedBackend, check_url
from coach.service.webhooks.retry import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

log = logging.getLogger(__name__)

# So much of what a receiver answers is kept with a failed delivery.
KEPT_CHARACTERS: Final = 200
_READ_BYTES: Final = 4 * KEPT_CHARACTERS
_CONNECT_S: Final = 5.0
_KEEP_ALIVE_S: Final = 30.0
_MAX_CONNECTIONS: Final = 200
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one attempt.

    Attributes:
        status: of the answer; 0 when there was none.
        says: why it failed, at most 200 characters; "" when it was delivered. A receiver may repeat what it was
            sent, so this is kept with the event only and goes with its call.
        why: the same in our words alone, for the log and whatever stays.
        took_ms: how long it took.
        retry_after_s: what the receiver asked to wait; 0 when it did not.
        gone: the receiver wants no webhooks any more.
        hopeless: trying again changes nothing.
    """

    status: int
    says: str = ""
    why: str = ""
    took_ms: int = 0
    retry_after_s: float = 0.0
    gone: bool = False
    hopeless: bool = False

    @property
    def delivered(self) -> bool:
        """Tell whether the receiver took it."""
        return not self.says


class Sender:
    """Sends webhooks over connections of its own; proxies of the environment are not used.

    Args:
        timeout_s: of a whole attempt, in seconds.
        private: addresses inside this network are allowed.
        clock: seconds since 1970.
        resolve: see `GuardedBackend`.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        private: bool,
        clock: Callable[[], float],
        resolve: Callable[[str, int], Awaitable[list[str]]] | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._private = private
        self._clock = clock
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                max_connections=_MAX_CONNECTIONS,
                keepalive_expiry=_KEEP_ALIVE_S,
                network_backend=GuardedBackend(private=private, plain=scheme == "http", resolve=resolve),
            )
            for scheme in ("https", "http")
        }

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()

    async def send(self, url: str, *, webhook_id: str, body: bytes, signing: Sequence[str]) -> Attempt:
        """Try once.

        Args:
            url: of the endpoint.
            webhook_id: of the message.
            body: JSON.
            signing: secrets to sign with.
        """
        began = perf_counter()
        try:
            check_url(url, private=self._private)
            async with asyncio.timeout(self._timeout_s):
                attempt = await self._send(url, webhook_id=webhook_id, body=body, signing=signing)
        except ForbiddenAddressError as error:
            attempt = Attempt(0, _cut(str(error)), "地址不允许投递", hopeless=True)
        except TimeoutError:
            attempt = Attempt(0, f"{self._timeout_s:g} 秒内没有答复", "没有及时答复")
        except httpcore.TimeoutException as error:
            attempt = Attempt(0, _cut(f"超时：{error or type(error).__name__}"), "超时")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            attempt = Attempt(0, _cut(f"连接失败：{error or type(error).__name__}"), "连接失败")
        except Exception as error:
            # Whatever it was, the try counts: else the row would come back for ever.
            log.exception("webhook %s 发送时出错", webhook_id)
            attempt = Attempt(0, f"发送时出错：{type(error).__name__}", "发送时出错")
        return replace(attempt, took_ms=round((perf_counter() - began) * 1000))

    async def _send(self, url: str, *, webhook_id: str, body: bytes, signing: Sequence[str]) -> Attempt:
        now = self._clock()
        headers = {
            "content-type": "application/json",
            "user-agent": f"coach/{__version__}",
            **sign_webhook(webhook_id, int(now), body, signing),
        }
        pool = self._pools[url.partition(":")[0].lower()]
        step = min(self._timeout_s, _CONNECT_S)
        timeout = {
            "connect": step,
            "read": self._timeout_s,
            "write": self._timeout_s,
            "pool": self._timeout_s,
        }
        async with pool.stream(
            "POST", url, headers=[*headers.items()], content=body, extensions={"timeout": timeout}
        ) as response:
            if 200 <= response.status < 300:  # noqa: PLR2004 - what counts as taken
                # What else it answers is nobody's business; a short body lets the connection be used again.
                await _beginning(response)
                return Attempt(response.status)
            said = await _beginning(response)
        wanted = next(
            (value.decode("latin-1") for name, value in response.headers if name.lower() == b"retry-after"),
            None,
        )
        return Attempt(
            response.status,
            _cut(_failure(response.status, said)),
            f"HTTP {response.status}",
            retry_after_s=retry_after_s(wanted, now=now),
            gone=response.status == _GONE,
        )


async def _beginning(response: httpcore.Response) -> str:
    """Read what fits; the rest is not waited for."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_stream():
        parts.append(part[: _READ_BYTES - size])
        size += len(parts[-1])
        if size >= _READ_BYTES:
            break
    return b"".join(parts).decode("utf-8", "replace")


def _failure(status: int, said: str) -> str:
    if 300 <= status < 400:  # noqa: PLR2004
        return f"HTTP {status}：不跟随重定向，请登记最终地址"
    shown = " ".join("".join(each if each.isprintable() else " " for each in said).split())
    return f"HTTP {status}" + (f"：{shown}" if shown else "")


def _cut(text: str) -> str:
    return text if len(text) <= KEPT_CHARACTERS else text[: KEPT_CHARACTERS - 1] + "…"
