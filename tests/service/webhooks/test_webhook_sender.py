"""One attempt: what is sent, what counts as delivered, and where it never goes."""

from __future__ import annotations

import asyncio
import threading
import time
from ipaddress import ip_address

import pytest

from coach.client.webhooks import new_secret
from coach.service.webhooks.address import ForbiddenAddressError, check_address, check_url
from coach.service.webhooks.sender import Sender

SECRET = new_secret()
BODY = b'{"type":"ping","id":"msg_1","timestamp":"2026-01-01T00:00:00.000Z","tenant":"default","data":{}}'


def send(url, *, private=True, timeout_s=10.0, resolve=None, signing=(SECRET,)):
    """Make one attempt."""

    async def attempt():
        sender = Sender(timeout_s=timeout_s, private=private, clock=time.time, resolve=resolve)
        try:
            return await sender.send(url, webhook_id="msg_1", body=BODY, signing=list(signing))
        finally:
            await sender.close()

    return asyncio.run(attempt())


def test_a_webhook_arrives_as_it_was_signed(receiver):
    """The receiver's check passes on the bytes that came."""
    attempt = send(receiver.url)
    assert (attempt.delivered, attempt.status) == (True, 200)
    assert receiver.got[0].verified(SECRET).type == "ping"
    assert receiver.got[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_counts_as_delivered(receiver, answer, status):
    """A receiver need not say more."""
    receiver.usual = answer(status)
    assert send(receiver.url).delivered


def test_a_failure_keeps_little_of_what_was_answered(receiver, answer):
    """Two hundred characters, without anything that could disturb a terminal."""
    receiver.usual = answer(500, body=("坏\x1b[31m\n" + "x" * 100_000).encode())
    attempt = send(receiver.url)
    assert (attempt.status, attempt.delivered) == (500, False)
    assert attempt.says.startswith("HTTP 500：坏 [31m xxx")
    assert len(attempt.says) == 200


def test_an_answer_without_an_end_is_not_read_to_its_end():
    """A receiver cannot keep the sender busy with a body that goes on for ever."""

    async def endless(reader, writer):
        await reader.read(4096)
        writer.write(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await writer.drain()
        except (ConnectionError, OSError):
            writer.close()

    async def attempt():
        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sender = Sender(timeout_s=10, private=True, clock=time.time)
        made = await sender.send(f"http://127.0.0.1:{port}/", webhook_id="m", body=BODY, signing=[SECRET])
        await sender.close()
        server.close()
        return made

    made = asyncio.run(attempt())
    assert made.status == 500
    assert made.took_ms < 5_000


def test_whatever_goes_wrong_is_a_failed_attempt(caplog):
    """A defect costs a try like any failure, and leaves its trace in the log."""

    async def broken(host, port):
        raise TypeError("nobody expected this")

    attempt = send("https://hooks.example/", resolve=broken)
    assert (attempt.delivered, attempt.status, attempt.hopeless) == (False, 0, False)
    assert attempt.says == "发送时出错：TypeError"
    assert "nobody expected this" in caplog.text


def test_an_address_registered_before_it_was_refused_is_not_tried_again():
    """A URL with letters that cannot be sent is hopeless, never an error of the service."""
    attempt = send("https://hooks.example/钩子")
    assert attempt.hopeless
    assert "punycode" in attempt.says


def test_a_redirect_is_not_followed(receivers, answer):
    """Neither the event nor its signature reaches an address that nobody registered."""
    first, second = receivers(), receivers()
    first.usual = answer(307, {"location": second.url})
    attempt = send(first.url)
    assert (attempt.status, attempt.delivered, second.got) == (307, False, [])
    assert "重定向" in attempt.says


def test_a_slow_receiver_is_left_after_the_time_limit(receiver, answer):
    """The limit is for the whole attempt."""
    release = threading.Event()
    receiver.usual = answer(after=release)
    attempt = send(receiver.url, timeout_s=0.3)
    release.set()
    assert (attempt.status, attempt.says) == (0, "0.3 秒内没有答复")


def test_a_closed_port_is_a_failure(receiver):
    """Nobody there is told in the operator's words, without a trace."""
    receiver.stop()
    attempt = send(receiver.url)
    assert attempt.status == 0
    assert attempt.says.startswith("连接失败")


def test_a_receiver_may_ask_for_time_or_say_that_it_is_gone(receiver, answer):
    """Retry-After and 410 are understood."""
    receiver.answers.extend([answer(503, {"retry-after": "90"}), answer(410)])
    assert send(receiver.url).retry_after_s == 90
    assert send(receiver.url).gone


def test_a_proxy_of_the_environment_is_not_asked(receiver, monkeypatch):
    """Proxies are for people's tools; behind one, nobody could check the address."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(receiver.url).delivered


def test_a_private_address_is_refused(receiver):
    """Nothing is sent to this machine unless the operator allowed it."""
    attempt = send(receiver.url, private=False)
    assert (attempt.delivered, attempt.hopeless, receiver.got) == (False, True, [])


def test_a_name_that_points_inside_is_refused_when_it_is_connected_to(receiver):
    """The name looks harmless; what counts is the address it has at that moment."""

    async def rebound(host, port):
        assert host == "hooks.example"
        return ["127.0.0.1"]

    attempt = send(f"https://hooks.example:{receiver.port}/", private=False, resolve=rebound)
    assert attempt.hopeless
    assert "127.0.0.1" in attempt.says
    assert receiver.got == []


def test_one_forbidden_address_among_others_is_enough():
    """A name is not tried until it points inside."""

    async def mixed(host, port):
        return ["203.0.113.7", "10.0.0.1"]

    assert send("https://hooks.example/", private=False, resolve=mixed).hopeless


def test_plain_http_does_not_leave_the_network():
    """Private addresses allowed, a public one still wants TLS."""

    async def public(host, port):
        return ["8.8.8.8"]

    attempt = send("http://hooks.example/", resolve=public)
    assert attempt.hopeless
    assert "https" in attempt.says


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "::10.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "fec0::1",
        "5f00::1",
        "192.0.0.192",
        "192.0.0.1",
        "168.63.129.16",
        "fd20:ce::254",
        "fd00:42::42",
    ],
)
def test_addresses_inside_are_known_in_every_spelling(address):
    """Loopback, private, shared, link-local, metadata, multicast, and IPv6 that wraps one of them."""
    with pytest.raises(ForbiddenAddressError):
        check_address(ip_address(address), private=False, plain=False)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
        "64:ff9b:1::a9fe:a9fe",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:42::42",
        "0.0.0.0",
        "ff02::1",
    ],
)
def test_no_setting_opens_the_metadata_service(address):
    """What gives a cloud machine's passwords away is no receiver."""
    with pytest.raises(ForbiddenAddressError):
        check_address(ip_address(address), private=True, plain=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fd12:3456::1", "fec0::1"])
def test_the_setting_opens_what_is_inside(address):
    """This machine and private networks, over plain http too."""
    check_address(ip_address(address), private=True, plain=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_allowed(address):
    """The guard does not get in the way of what it is for."""
    check_address(ip_address(address), private=False, plain=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@hooks.example/",
        "https://hooks.example/#here",
        "https://hooks.example:99999/",
        "https://[::1/",
        "https://hooks.example/a b",
        "https://hooks.example/钩子",
        "https://hooks.example/?from=座席",
        "https://例子.example/",
        "https://hooks。example/",
        "https://hooks.example/\n",
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://hooks.example/",
        "https://hooks.example/" + "x" * 3000,
    ],
)
def test_what_is_no_address_for_webhooks_is_refused_at_once(url):
    """Schemes, passwords, fragments and literal addresses are seen without looking anything up."""
    with pytest.raises(ForbiddenAddressError):
        check_url(url, private=False)
