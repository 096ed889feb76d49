#!/usr/bin/env python3
"""Two commands for a fresh machine with Python 3.11 and nothing else.

python3 run.py demo [--port N] [--no-browser]   installs coach into .venv and opens the live demo
python3 run.py test [pytest options]            installs coach with its tests into .venv and runs them
"""

# Standard library only, and no syntax newer than what an old Python needs to reach the version message.

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "coach-installed.txt"
DEFAULT_PORT = 8600
START_WITHIN_S = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(arguments: list[str]) -> int:
    """Run the command; return the exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python is who reads this
        return fail(
            f"coach needs Python 3.11 or newer; this is {sys.version.split()[0]}.",
            "Install a newer one and run it by name: python3.11 run.py demo",
        )
    command, options = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command == "demo":
        return demo(options)
    if command == "test":
        return test(options)
    print(__doc__.strip())
    return 0 if command in ("-h", "--help", "help") else 2


def demo(options: list[str]) -> int:
    """Install, start the service in demo mode, open the page, wait for Ctrl-C."""
    browser = "--no-browser" not in options
    options = [option for option in options if option != "--no-browser"]
    port = chosen_port(options)
    if port is None:
        port = free_port()
        options += ["--port", str(port)]
    problem = install("")
    if problem:
        return problem
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [str(venv_python()), "-m", "coach", "serve", "--demo", *options], cwd=str(ROOT)
    )
    # A container or service manager stops us with SIGTERM; the service must get it too.
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        if not wait_for(url + "/healthz", process):
            if process.poll() is None:
                process.terminate()
                return fail(f"The service did not answer at {url} within {START_WITHIN_S} s.")
            return process.returncode or 1
        print(f"\n  演示 / demo: {url}/demo    (Ctrl-C 停止 / to stop)\n", flush=True)
        if browser:
            webbrowser.open(url + "/demo")
        return process.wait()
    except KeyboardInterrupt:
        # Ctrl-C reached the service as well: let it close its connections and its database.
        return finish(process)


def test(options: list[str]) -> int:
    """Install with the tests and run them."""
    problem = install("test")
    if problem:
        return problem
    if not (os.environ.get("COACH_CHROMIUM") or any(shutil.which(name) for name in BROWSERS)):
        print(
            "No Chromium found: the browser tests will be skipped. It is installed by\n  " + CHROMIUM_LINE,
            flush=True,
        )
    try:
        return subprocess.call([str(venv_python()), "-m", "pytest", *options], cwd=str(ROOT))
    except KeyboardInterrupt:
        return 130


CHROMIUM_LINE = (
    "sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium fonts-noto-cjk"
)


def install(extra: str) -> int:
    """Bring .venv up to date; return 0 when all is well, else the exit status."""
    if not venv_python().exists():
        print(f"Making {VENV} …", flush=True)
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(VENV)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if made.returncode:
            shutil.rmtree(str(VENV), ignore_errors=True)
            if b"ensurepip" in made.stdout:
                return fail(
                    "This Python cannot make virtual environments: its venv module is packaged apart.",
                    "Install it:  sudo apt-get install -y python3-venv",
                )
            return fail(f"Could not make {VENV}:", made.stdout.decode(errors="replace").strip())
    wanted = fingerprint()
    done = STAMP.read_text().split() if STAMP.is_file() else []
    if done and done[0] == wanted and (not extra or extra in done[1:]):
        return 0
    what = f".[{extra}]" if extra else "."
    print("Installing coach into .venv (the first time this takes about a minute) …", flush=True)
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-e", what]
    if subprocess.call(pip, cwd=str(ROOT)):
        return fail(
            "Installing failed; the reason is above.",
            "Without a network, or behind a mirror: set PIP_INDEX_URL and npm_config_registry to ones you can reach.",
        )
    # The build may have renewed web/dist, and an earlier extra stays installed.
    STAMP.write_text(" ".join([fingerprint(), *sorted({extra, *done[1:]} - {""})]))
    return 0


def fingerprint() -> str:
    """Return what changes with the dependencies and the web sources, and when the built pages are missing."""
    total = hashlib.sha256()
    for name in ("pyproject.toml", "hatch_build.py"):
        total.update((ROOT / name).read_bytes())
    spec = importlib.util.spec_from_file_location("coach_web_build", str(ROOT / "web" / "build.py"))
    web = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(web)
    total.update(web.digest().encode())
    total.update(b"built" if web.DIST.is_dir() else b"not built")
    return total.hexdigest()


def venv_python() -> Path:
    """Return the Python of .venv, which may not exist yet."""
    return VENV / "Scripts" / "python.exe" if os.name == "nt" else VENV / "bin" / "python"


def chosen_port(options: list[str]) -> str | None:
    """Return the port the person asked for, or None."""
    for at, option in enumerate(options):
        if option.startswith("--port="):
            return option.split("=", 1)[1]
        if option == "--port" and at + 1 < len(options):
            return options[at + 1]
    return os.environ.get("COACH_PORT")


def free_port() -> int:
    """Return the usual port, or any other when something else listens there."""
    for port in (DEFAULT_PORT, 0):
        with socket.socket() as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    return DEFAULT_PORT


def wait_for(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the service answers; False when it ended or took too long."""
    # A proxy set for the internet must not be asked for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(url, timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
    return False


def finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for the service to end, and insist when it does not."""
    for ask in (lambda: None, process.terminate, process.kill):
        ask()
        try:
            process.wait(timeout=10)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue
        break
    return 0


def fail(*lines: str) -> int:
    """Print the lines as an error; return the exit status for it."""
    print("\n".join(lines), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
