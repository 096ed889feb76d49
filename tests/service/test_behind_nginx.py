"""deploy/nginx/nginx.conf in a real nginx, with TLS, in front of a real service."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
]
NAME = "coach.example.com"


class Proxy:
    """nginx before one service."""

    def __init__(self, folder: Path, *, upstream: str) -> None:
        self.port, plain = free_port(), free_port()
        self.certificate = folder / "tls.crt"
        key = folder / "tls.key"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-keyout", str(key), "-out", str(self.certificate), "-subj", f"/CN={NAME}"),
                *("-addext", f"subjectAltName=DNS:{NAME}"),
            ],
            check=True,
            capture_output=True,
        )
        text = CONFIGURATION.read_text("utf-8")
        for old, new in (
            ("server coach:8600", f"server {upstream}"),
            ("/etc/nginx/tls/tls.crt", str(self.certificate)),
            ("/etc/nginx/tls/tls.key", str(key)),
            ("/tmp/nginx", str(folder / "nginx")),
            ("8443", str(self.port)),
            ("8080", str(plain)),
            ("worker_rlimit_nofile 65536;", ""),
            ("worker_connections 32768;", "worker_connections 512;"),
            ("worker_processes auto;", "worker_processes 1;"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        if not Path("/proc/net/if_inet6").exists():
            text = "\n".join(line for line in text.splitlines() if "listen [::]" not in line)
        self.file = folder / "nginx.conf"
        self.file.write_text(text, "utf-8")
        self.plain = plain
        self._command = [str(NGINX), "-e", "stderr", "-p", str(folder), "-c", str(self.file)]
        self.process: subprocess.Popen | None = None

    def check(self) -> subprocess.CompletedProcess:
        """Let nginx read its configuration."""
        return subprocess.run([*self._command, "-t"], capture_output=True, encoding="utf-8", check=False)

    def start(self) -> None:
        """Start and wait until the port is open."""
        self.process = subprocess.Popen([*self._command, "-g", "daemon off;"])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self.process.poll() is None, "nginx ended"
                time.sleep(0.02)
            else:
                return
        raise AssertionError("nginx did not start")

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def connected(self) -> socket.socket:
        """Return a connection to the port of TLS."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    @property
    def tls(self) -> ssl.SSLContext:
        """A context that believes this one certificate."""
        return ssl.create_default_context(cafile=self.certificate)

    def http(self, method, path, **options) -> httpx.Response:
        """Send a request by TLS, to the name in the certificate."""
        headers = {"Host": f"{NAME}:{self.port}", **options.pop("headers", {})}
        with httpx.Client(verify=self.tls, trust_env=False, timeout=10) as client:
            return client.request(
                method,
                f"https://127.0.0.1:{self.port}{path}",
                headers=headers,
                extensions={"sni_hostname": NAME},
                **options,
            )


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def proxied(running, tmp_path):
    """A service that believes its proxy, and the proxy."""
    service = running(trusted_proxies=("127.0.0.1",), hosts=(NAME, "127.0.0.1"), metrics="key")
    folder = tmp_path / "proxy"
    folder.mkdir(mode=0o755)
    proxy = Proxy(folder, upstream=service.url.removeprefix("http://"))
    done = proxy.check()
    assert done.returncode == 0, done.stderr
    proxy.start()
    yield service, proxy
    proxy.stop()


def test_a_card_comes_through(proxied, clients, wire):
    """Both sockets pass by TLS, from a page of the same name, and the card is not held up in a buffer."""
    service, proxy = proxied

    def open_socket(path, hello):
        opened = clients.socket(
            f"wss://{NAME}:{proxy.port}{path}",
            sock=proxy.connected(),
            ssl=proxy.tls,
            origin=f"https://{NAME}:{proxy.port}",
        )
        opened.send(hello)
        assert opened.next()["type"] == "ready"
        return opened

    sidebar = open_socket("/v1/agents/a1/stream", {"type": "hello", "token": service.token("a1")})
    producer = open_socket("/v1/ingest", {"type": "hello", "token": service.key})
    producer.send(wire.started(), wire.said("这个我不知道", seq=2))
    assert sidebar.until("advice")["quote"] == "我不知道"
    producer.acked("c1", 2)


def test_a_client_cannot_name_another_address(proxied):
    """What it says in X-Forwarded-For is overwritten: the audit log has the address it came from."""
    service, proxy = proxied
    answer = proxy.http(
        "GET",
        "/v1/calls",
        headers={
            "Authorization": "Bearer wrong",
            "X-Forwarded-For": "203.0.113.9",
            "Forwarded": "for=203.0.113.9",
        },
    )
    assert answer.status_code == 401
    audit = proxy.http("GET", "/v1/audit", headers={"Authorization": f"Bearer {service.key}"}).json()
    refused = [each for each in audit["entries"] if each["action"] == "login-refused"]
    assert [each["address"] for each in refused] == ["127.0.0.1"]


def test_what_the_proxy_adds_and_keeps_back(proxied):
    """HSTS on every answer, no metrics, plain HTTP sent to HTTPS, and no other name served."""
    service, proxy = proxied
    answer = proxy.http("GET", "/healthz")
    assert answer.json()["status"] == "ok"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    key = {"Authorization": f"Bearer {service.key}"}
    assert proxy.http("GET", "/metrics", headers=key).status_code == 404
    plain = httpx.get(f"http://127.0.0.1:{proxy.plain}/sidebar", headers={"Host": NAME}, trust_env=False)
    assert plain.status_code == 308
    assert plain.headers["location"] == f"https://{NAME}/sidebar"
    with pytest.raises(ssl.SSLError), proxy.connected() as raw:
        proxy.tls.wrap_socket(raw, server_hostname="other.example.com")
