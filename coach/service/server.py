"""Runs a service: opens the port, serves until a signal comes, lets go in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.config import WS_PROTOCOLS

from coach.errors import ConfigError
from coach.service.app import create_app
from coach.service.messages import MAX_FRAME_BYTES
from coach.service.metrics import registry_of
from coach.service.metrics_merge import numbers_of
from coach.service.patience import PatientProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.config import Settings
    from coach.service.service import Service

# Frames up to here are read and answered with `too_large`; beyond it the socket is closed (1009).
_READ_LIMIT: Final = 8 * MAX_FRAME_BYTES
_SHUTDOWN_S: Final = 10
# For the disk; a disk that refuses must not keep the process alive.
_DRAIN_S: Final = 5.0
_SWITCH_S: Final = 0.0005


def run(
    service: Service,
    *,
    on_listening: Callable[[str], None],
    listener: socket.socket | None = None,
    life: int | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. `on_listening` is given the base URL once the port is open.

    Args:
        listener: a port that is open already.
        life: a descriptor that can be read once the parent is gone; then it is time to go too.

    Raises:
        ConfigError: the address cannot be used, or the database cannot be opened.
    """
    # The database's threads hold the interpreter for 5 ms at a time by default; a card must not wait for that.
    sys.setswitchinterval(_SWITCH_S)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        stop = asyncio.Event()
        if life is not None:
            runner.get_loop().add_reader(life, stop.set)
        runner.run(serve(service, on_listening=on_listening, stop=stop, listener=listener))


async def serve(
    service: Service,
    *,
    on_listening: Callable[[str], None],
    stop: asyncio.Event | None = None,
    listener: socket.socket | None = None,
) -> None:
    """Serve inside a running event loop until a signal or `stop`; see `run`."""
    _check_tls(service.settings)
    if listener is None:
        listener = listen(service.settings.host, service.settings.port)
    host, port = listener.getsockname()[:2]
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(service.running())
        if service.siblings is not None:
            numbers = service.siblings.answering(lambda: numbers_of(registry_of(service)))
            await stack.enter_async_context(numbers)
        server = _Server(service)
        scheme = "https" if service.settings.tls_cert else "http"
        on_listening(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        stopper = asyncio.create_task(_stop_when(server, stop))
        try:
            await server.serve(sockets=[listener])
        finally:
            stopper.cancel()


def uvicorn_config(service: Service) -> uvicorn.Config:
    """Return how uvicorn is to run the service's application."""
    settings = service.settings
    return uvicorn.Config(
        create_app(service),
        http=PatientProtocol,
        # Whoever may name the client's address must be named first.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        # Other WebSocket implementations of uvicorn cost 20 to 50 % more a message (benchmarks.push).
        ws="websockets-sansio" if "websockets-sansio" in WS_PROTOCOLS else "auto",
        ws_max_size=_READ_LIMIT,
        # Messages are small; compressing costs a third more CPU and 40 KB a connection.
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )


class _Server(uvicorn.Server):
    """Lets go in order: takes no new sockets, writes and acks what came, tells the cards, then closes with 1012."""

    def __init__(self, service: Service) -> None:
        super().__init__(uvicorn_config(service))
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain before the sockets are closed."""
        for server in self.servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await self._service.drain()
        await super().shutdown(sockets)


async def _stop_when(server: uvicorn.Server, stop: asyncio.Event | None) -> None:
    if stop is not None:
        await stop.wait()
        server.should_exit = True


def _check_tls(settings: Settings) -> None:
    """Say what is wrong with the certificate before anything is started."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    for name, file in (("tls_cert", settings.tls_cert), ("tls_key", settings.tls_key)):
        if not file.is_file():
            raise ConfigError(f"{name}: 没有文件 {file}")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except (ssl.SSLError, OSError) as error:
        # OpenSSL's own words tell a key that does not fit from a file that is no certificate.
        raise ConfigError(
            f"tls_cert: {settings.tls_cert} 和 {settings.tls_key} 不能用作 PEM 证书和私钥：{error}"
        ) from error


def listen(host: str, port: int) -> socket.socket:
    """Open a port.

    Raises:
        ConfigError: the address cannot be used.
    """
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise ConfigError(f"host/port: 无法监听 {host}:{port}：{error.strerror or error}") from error
    # Inherited by every connection. Without it a small answer may wait 40 ms for the peer's acknowledgement, and
    # an event loop sets it by itself only on sockets that it opened.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return None
    factory: Any = uvloop.new_event_loop
    return factory  # type: ignore[no-any-return]
