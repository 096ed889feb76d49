"""The two servers of the browser tests: the real service, and a host page on another origin."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

START_WITHIN_S = 60
# It looks up its keys every five seconds.
KNOWN_WITHIN_S = 60

HOSTILE_CSS = """
* { color: lime !important; font-size: 40px !important; display: inline !important; }
div, section, button, mark { position: fixed !important; transform: rotate(30deg) !important; }
"""

HOST_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="{charset}"><title>softphone</title>
<style>html, body {{ margin: 0; height: 100% }} {css}</style>
<main style="height:100%"></main>
<script src="{service}/static/coach-sidebar.js"></script></html>"""

FRAME_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>desktop</title>
<style>html, body, iframe {{ margin: 0; border: 0; width: 100%; height: 100% }}</style>
<iframe src="{service}/sidebar" allow="clipboard-write"></iframe></html>"""


class HostPages:
    """Serves `/plain`, `/hostile`, `/gbk` and `/frame`; the service's address is a query parameter."""

    def __enter__(self) -> Self:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port, which makes another origin of the same host."""
        return int(self._server.server_address[1])

    @property
    def origin(self) -> str:
        """The origin that the service is told to allow."""
        return f"http://127.0.0.1:{self.port}"


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, service = self.path.partition("?service=")
        charset = "gbk" if path == "/gbk" else "utf-8"
        page = FRAME_PAGE if path == "/frame" else HOST_PAGE
        css = HOSTILE_CSS if path == "/hostile" else ""
        body = page.format(service=service, css=css, charset=charset).encode(charset)
        self.send_response(200 if service else 404)
        self.send_header("Content-Type", f"text/html; charset={charset}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test output readable."""


class LiveService:
    """`coach serve` as a process; it can be killed and started again on the same port and data."""

    def __init__(self, *, data_dir: Path, options: tuple[str, ...] = ()) -> None:
        self._data_dir = data_dir
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.key = ""
        self.log = data_dir / "service.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL of the service."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the process and wait until it says where it listens."""
        command = [sys.executable, "-m", "coach", "serve", "--port", str(self._port)]
        command += ["--data-dir", str(self._data_dir), *self._options]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8", env=environment
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"coach_[\w-]+", line):
                self.key = found[0]
            if found := re.search(r"http://[^/]+:(\d+)", line):
                self._port = int(found[1])
                self._await_health()
                return
        self.stop()
        raise RuntimeError(f"the service did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """End the process without any chance to tidy up."""
        self._end("kill")

    def stop(self) -> None:
        """End the process in order."""
        self._end("terminate")

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Call the REST side with the API key; return the JSON answer."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def new_key(self, name: str, *, role: str) -> str:
        """Make a key as an operator does; returns it once the service knows it."""
        key = re.findall(r"coach_[\w-]+", self._keys("new", name, "--role", role))[0]
        self._await_key(key, known=True)
        return key

    def revoke(self, name: str, key: str) -> None:
        """Revoke a key; returns once the service knows it no more."""
        self._keys("revoke", name)
        self._await_key(key, known=False)

    def _await_key(self, key: str, *, known: bool) -> None:
        deadline = time.monotonic() + KNOWN_WITHIN_S
        request = urllib.request.Request(f"{self.url}/v1/rules", headers={"Authorization": f"Bearer {key}"})
        while True:
            try:
                urllib.request.urlopen(request, timeout=30).close()
                found = True
            except urllib.error.HTTPError as error:
                with error:
                    found = error.code != 401
            if found == known:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"the service knows the key: {found}")
            time.sleep(0.05)

    def _keys(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "coach", "keys", *arguments, "--data-dir", str(self._data_dir)]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", env=environment, check=True, timeout=60
        )
        return done.stdout

    def mint(self, agent_id: str) -> str:
        """Make a sidebar token."""
        return str(self.request("POST", "/v1/tokens", {"agent_id": agent_id})["token"])

    def _end(self, how: str) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        getattr(process, how)()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _await_health(self) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            try:
                self.request("GET", "/healthz")
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return
