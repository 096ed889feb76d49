"""Where webhooks may go: no address inside this network, unless the operator said so.

Checked on the address that is connected to, not on the name: a name may point elsewhere the next moment.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpcore

from coach.errors import CoachError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

Address = IPv4Address | IPv6Address

MAX_URL: Final = 2048
_NAT64: Final = ip_network("64:ff9b::/96")
# Closed whatever is set, besides what is link-local.
_NEVER: Final = tuple(
    map(
        ip_network,
        (
            # Cloud machines ask these for their own passwords: Aliyun, Azure, Oracle, AWS, Google, Scaleway.
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::/32",
            "fd20:ce::254",
            "fd00:42::42",
            # Other spellings of IPv4 addresses, which no receiver has: compatible, translated, a site's own NAT64.
            "::/96",
            "::ffff:0:0:0/96",
            "64:ff9b:1::/48",
        ),
    )
)
# Not of the public internet, though some versions of Python's `is_global` say so.
_INSIDE: Final = tuple(
    map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16", "fec0::/10"))
)
_LOOPBACK: Final = ip_address("::1")


class ForbiddenAddressError(CoachError):
    """A webhook would go where it must not."""


def check_url(url: str, *, private: bool) -> None:
    """Check what can be seen of a URL before anything is looked up.

    Args:
        url: as it was given.
        private: addresses inside this network are allowed, and plain http to them.

    Raises:
        ForbiddenAddressError: it is no http(s) URL, holds a password or a fragment, or names an address that is
            not allowed.
    """
    wrong = ForbiddenAddressError(
        f"url: 收到 {url[:200]!r}，应为 https://主机[:端口]/路径，最多 {MAX_URL} 个字符"
    )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise wrong from error
    plain = any(character.isspace() or not character.isprintable() for character in url)
    if parts.scheme not in {"https", "http"} or not host or plain or len(url) > MAX_URL:
        raise wrong
    if not url.isascii():
        # What is sent is ASCII; a spelling of our own choosing would be another address than the registered one.
        raise ForbiddenAddressError(
            f"url: 收到 {url[:200]!r}，含非 ASCII 字符；域名应写成 punycode（xn--…），路径和参数应作百分号编码（%E4…）"
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ForbiddenAddressError("url: 不能带用户名、密码或 # 片段；身份由签名证明")
    if parts.scheme == "http" and not private:
        raise ForbiddenAddressError(f"url: 收到 {url!r}，应为 https；内网测试可设 COACH_WEBHOOK_PRIVATE=on")
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return
    try:
        check_address(address, private=private, plain=parts.scheme == "http")
    except ForbiddenAddressError as error:
        raise ForbiddenAddressError(f"url: {error}") from error


def check_address(address: Address, *, private: bool, plain: bool) -> None:
    """Check an address that is about to be connected to.

    Args:
        address: resolved.
        private: addresses inside this network are allowed.
        plain: the connection is not encrypted, so that it must not leave this network.

    Raises:
        ForbiddenAddressError: it is not allowed.
    """
    inner = _inner(address)
    closed = inner != _LOOPBACK and any(inner in network for network in _NEVER)
    if inner.is_link_local or inner.is_multicast or inner.is_unspecified or closed:
        raise ForbiddenAddressError(
            f"{address} 是链路本地、组播、云主机元数据或转换用的地址，任何设置下都不投递"
        )
    public = inner.is_global and not any(inner in network for network in _INSIDE)
    if not public and not private:
        raise ForbiddenAddressError(
            f"{address} 是内网或本机地址，不投递；确需投递到内网时设 COACH_WEBHOOK_PRIVATE=on"
        )
    if public and plain:
        raise ForbiddenAddressError(f"{address} 不在内网，必须用 https")


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore, to allowed addresses only.

    Args:
        private: addresses inside this network are allowed.
        plain: for connections without TLS.
        resolve: (host, port) -> addresses; None asks the system.
    """

    def __init__(
        self,
        *,
        private: bool,
        plain: bool,
        resolve: Callable[[str, int], Awaitable[list[str]]] | None = None,
    ) -> None:
        self._private = private
        self._plain = plain
        self._resolve = resolve or _resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host` that answers.

        Raises:
            ForbiddenAddressError: any address of the host is not allowed.
            httpcore.ConnectError, httpcore.ConnectTimeout: none answers.
        """
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host}: 域名解析超时") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host}: 域名无法解析") from error
        # One that is not allowed among them is an attack, or a mistake that hides until the others are down.
        for each in found:
            check_address(ip_address(each.partition("%")[0]), private=self._private, plain=self._plain)
        failed: Exception = httpcore.ConnectError(f"{host}: 域名没有地址")
        for each in found:
            try:
                return await self._network.connect_tcp(
                    each,
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore."""
        await asyncio.sleep(seconds)


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
