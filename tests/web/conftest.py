"""Browser tests: real Chromium against the real service, with a rule book of its own that does not change."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_panel import OpenPanel
from browser_servers import HostPages, LiveService
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_LINE = (
    "sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium fonts-noto-cjk"
)
LAUNCH_ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)

# Against hanging only: a busy machine takes Playwright's own five seconds for a page, and more for what has no hurry.
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)


def missing(what: str) -> None:
    """Skip what this machine cannot run; on CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Use the system's Chromium; Playwright's own is a separate download."""
    found = os.environ.get("COACH_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing(f"no Chromium; install it with: {INSTALL_LINE}")
    return {"executable_path": found, "args": LAUNCH_ARGS.split()}


@pytest.fixture
def browser_context_args() -> dict[str, Any]:
    """A Chinese desktop with a panel of usual size."""
    return {
        "locale": "zh-CN",
        "viewport": {"width": 380, "height": 720},
        "permissions": ["clipboard-read", "clipboard-write"],
        "reduced_motion": "reduce",
    }


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    """A context whose pages wait as long as the assertions do."""
    context.set_default_timeout(WAIT_MS)
    return context


@pytest.fixture(scope="session")
def web_built() -> Path:
    """Build the pages first: a test against yesterday's code proves nothing."""
    spec = importlib.util.spec_from_file_location("coach_web_build", ROOT / "web" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    web = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(web)
    try:
        web.build()
    except web.WebBuildError as error:
        if not web.DIST.is_dir():
            missing(str(error))
        pytest.fail(f"the built pages are older than their sources\n{error}")
    return Path(web.DIST)


@pytest.fixture(scope="session")
def host_pages() -> Iterator[HostPages]:
    """A softphone's own web server: another origin than the service's."""
    with HostPages() as pages:
        yield pages


@pytest.fixture(scope="session")
def service_options(host_pages: HostPages) -> tuple[str, ...]:
    """Demo mode, the rule book of these tests, and one foreign origin that is allowed."""
    book = HERE / "book"
    folders = ("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook"))
    return ("--demo", *folders, "--origin", host_pages.origin)


@pytest.fixture(scope="session")
def service(
    web_built: Path, service_options: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveService]:
    """The real service as a process of its own."""
    with LiveService(data_dir=tmp_path_factory.mktemp("service"), options=service_options) as live:
        yield live


@pytest.fixture
def open_panel(page: Page, service: LiveService, host_pages: HostPages) -> Iterator[OpenPanel]:
    """Return a factory of panels on a host page, each for an agent of its own."""
    opened = OpenPanel(page, service, host_pages)
    yield opened
    opened.close()
