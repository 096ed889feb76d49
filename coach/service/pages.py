"""What a browser loads: the sidebar page, the demo page and the built code under /static."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from coach.errors import MessageError
from coach.service.access import service_of
from coach.service.demo_session import end_session, new_session
from coach.service.handshake import credential_of
from coach.service.responses import JsonResponse

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from starlette.types import Scope

_YEAR_S: Final = 365 * 86_400
# Watchdogs and proxies ask with HEAD; the server leaves the body out.
_READ: Final = ["GET", "HEAD"]
_NEVER_USED: Final = (
    "camera",
    "display-capture",
    "geolocation",
    "hid",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)

_NOT_BUILT: Final = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>coach</title>
<h1>页面尚未构建 · The pages are not built</h1>
<p>服务正在运行。要使用页面，请在源码目录执行 <code>npm --prefix web ci</code> 和
<code>npm --prefix web run build</code>，或安装发布的 wheel。</p>
<p lang="en">The service itself is running. To use the pages, run the two commands above in the source tree,
or install a released wheel.</p></html>"""

router = APIRouter(include_in_schema=False)
demo_router = APIRouter(include_in_schema=False)


class PublicCode(StaticFiles):
    """The built files. They hold no data, so any page may load them."""

    async def check_config(self) -> None:
        """Take a folder that is not there for one without files: the pages may not be built."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Serve one file; names with a hash in them never change."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        hashed = "/assets/" in scope["path"]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "max-age=300"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response


def page_headers(origins: tuple[str, ...], *, tls: bool = False) -> dict[str, str]:
    """Return the security headers; `origins` may frame the pages, `tls`: browsers are to come by HTTPS only."""
    policy = {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "frame-ancestors": " ".join(("'self'", *origins)),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        # The words come from the platform: no page listens or looks by itself.
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _NEVER_USED),
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    if tls:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"
    return headers


@router.api_route("/", methods=_READ)
async def root(request: Request) -> Response:
    """Lead to the page there is."""
    return RedirectResponse("/demo" if service_of(request).settings.demo else "/sidebar")


@router.api_route("/sidebar", methods=_READ)
async def sidebar_page(request: Request) -> Response:
    """Serve the stand-alone sidebar."""
    return _page(service_of(request).settings.web / "sidebar.html")


@router.api_route("/playground", methods=_READ)
async def playground_page(request: Request) -> Response:
    """Serve the page on which supervisors try sentences and rules."""
    return _page(service_of(request).settings.web / "playground.html")


@router.api_route("/reviews", methods=_READ)
async def reviews_page(request: Request) -> Response:
    """Serve the page on which QA reviews recorded calls."""
    return _page(service_of(request).settings.web / "reviews.html")


@router.api_route("/wallboard", methods=_READ)
async def wallboard_page(request: Request) -> Response:
    """Serve the page on which supervisors see their team's calls."""
    return _page(service_of(request).settings.web / "wallboard.html")


@demo_router.api_route("/demo", methods=_READ)
async def demo_page(request: Request) -> Response:
    """Serve the demo softphone."""
    return _page(service_of(request).settings.web / "demo.html")


@demo_router.post("/demo/session")
async def demo_session(request: Request) -> Response:
    """Give a visitor of the demo an agent of his own, with tokens for that agent only.

    Whoever comes with the producer token of a session, also an expired one, gives that up: its calls end.
    """
    service = service_of(request)
    if not service.gate.allows_origin(request.headers.get("origin"), host=request.headers.get("host")):
        raise MessageError("not_allowed", "来源未授权")
    former = credential_of(request.headers)
    if former is not None:
        await end_session(service, former)
    return JsonResponse(new_session(service))


def _page(file: Path) -> Response:
    if not file.is_file():
        return HTMLResponse(_NOT_BUILT, status_code=503)
    return FileResponse(file, media_type="text/html; charset=utf-8")
