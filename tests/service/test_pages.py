"""The pages as a watchdog or a proxy asks for them."""

from __future__ import annotations

import httpx
import pytest

PAGES = ["/", "/sidebar", "/playground", "/reviews", "/wallboard", "/demo"]
# Told anew with every answer.
VOLATILE = {"date"}


@pytest.fixture
def web(tmp_path):
    """A folder of built pages."""
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in ("sidebar", "playground", "reviews", "wallboard", "demo"):
        (folder / f"{name}.html").write_text("<!doctype html><title>页面</title>", "utf-8")
    (folder / "coach-sidebar.js").write_text("export {}", "utf-8")
    return folder


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_head_as_get_without_a_body(running, web, tmp_path, path, built):
    """Status and headers are the same, the length too; the connection goes on with the next request."""
    service = running(web_dir=web if built else tmp_path / "none", demo=True)
    with httpx.Client(base_url=service.url, trust_env=False, verify=False) as client:
        head, got = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.status_code == (307 if path == "/" else 200 if built else 503)
    told = [
        {name: value for name, value in answer.headers.items() if name not in VOLATILE}
        for answer in (head, got)
    ]
    assert told[0] == told[1]
    assert told[0]["content-length"] == str(len(got.content))


@pytest.mark.parametrize(("built", "status"), [(True, 200), (False, 404)])
def test_built_code_is_there_or_not(running, web, tmp_path, built, status):
    """Without a build there is none, which is no defect of the service."""
    service = running(web_dir=web if built else tmp_path / "none")
    asked = [service.http(method, "/static/coach-sidebar.js", key=None) for method in ("HEAD", "GET")]
    assert [answer.status_code for answer in asked] == [status, status]


def test_a_page_takes_nothing(running):
    """Other methods are refused, and those that are taken are named."""
    answer = running().http("POST", "/sidebar", key=None)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
