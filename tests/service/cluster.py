"""`coach serve --workers N` in real processes, and which of them holds which socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

TIMEOUT_S = 60


class Cluster:
    """A parent with its workers, over one data folder and one Redis."""

    def __init__(self, book, data_dir, *, redis_url, workers=2, port=0, key="", **settings) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}
        environment |= {f"COACH_{name.upper()}": str(value) for name, value in settings.items()}
        self.log = Path(data_dir).with_suffix(f".{time.monotonic_ns()}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "coach", "serve", "--workers", str(workers), "--port", str(port)),
                    *("--data-dir", str(data_dir), "--rules", str(book / "rules")),
                    *("--phrasebook", str(book / "phrasebook")),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={
                    **environment,
                    "COACH_REDIS_URL": redis_url,
                    "PYTHONUNBUFFERED": "1",
                    "PYTHONIOENCODING": "utf-8",
                },
            )
        self.key = key
        self.url = ""
        for line in self.process.stdout:
            if "coach_" in line:
                self.key = line.rsplit("：", 1)[1].strip()
            if "http://" in line:
                self.url = line[line.index("http://") :].strip().removesuffix("/sidebar")
                break
        assert self.url, self.log.read_text("utf-8")
        self.until(lambda: len(self.workers) == workers)

    @property
    def workers(self) -> list[int]:
        """The processes that serve now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(each) for each in children.split()]

    def holder(self, socket) -> int:
        """Return the process that serves a client's socket; OSError when it was closed."""

        def find():
            port = socket.raw.socket.getsockname()[1]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
                fields = line.split()
                if int(fields[2].rpartition(":")[2], 16) == port and fields[9] != "0":
                    for pid in self.workers:
                        if f"socket:[{fields[9]}]" in _links(pid):
                            return pid
            return None

        return self.until(find)

    def http(self, method, path, **options) -> httpx.Response:
        """Send a request over a connection of its own."""
        headers = {"Authorization": f"Bearer {self.key}"}
        # Without a context for TLS, which would cost more than everything the request does.
        options |= {"trust_env": False, "verify": False}
        return httpx.request(method, self.url + path, headers=headers, timeout=TIMEOUT_S, **options)

    def token(self, agent_id) -> str:
        """Mint a token of a sidebar."""
        return self.http("POST", "/v1/tokens", json={"agent_id": agent_id}).json()["token"]

    def until(self, found):
        """Wait for something that has to come."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            value = found()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"it did not come\n{self.log.read_text('utf-8')}")

    def stop(self, how=signal.SIGTERM) -> int:
        """End the parent and wait; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        return code


def _links(pid) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(str(link.readlink()))
        except OSError:
            continue
    return found
