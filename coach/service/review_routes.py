"""The HTTP side of reviews, and the socket that tells how far one is (docs/protocol.md, section 6)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path  # noqa: TC003 - FastAPI reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, WebSocket
from fastapi.responses import FileResponse, Response
from starlette.websockets import WebSocketDisconnect

from coach.errors import MessageError
from coach.service.access import known, service_of, tenant_of
from coach.service.audit import actor_of
from coach.service.handshake import NOT_ALLOWED, receive, send
from coach.service.messages import read_object
from coach.service.render import timestamp
from coach.service.responses import JsonResponse
from coach.service.rest import body_of
from coach.service.review_record import DOWNLOADS, ENDED, ReviewRecord
from coach.service.review_requests import (
    FolderRequest,
    LinkRequest,
    OptionsRequest,
    Visitor,
    admit,
    files_below,
    read_fields,
    read_request,
)
from coach.service.uploads import IN, check_types
from coach.service.uploads import receive as receive_files
from coach.transcripts.model import ReadOptions

if TYPE_CHECKING:
    from coach.service.audit import Action
    from coach.service.reviews import Reviews
    from coach.service.service import Service
    from coach.service.tenant import Tenant
    from coach.service.tickets import Tickets

_MAX_BODY: Final = 64 * 1024
_MB: Final = 2**20
_PAGE_BYTES: Final = 8 * _MB
# The report brings its own, narrower policy; this keeps it from our origin whatever it holds.
_REPORT_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-modals"
)
_MULTIPART: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": FolderRequest.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            },
        },
    }
}

router = APIRouter()


async def reading(request: Request) -> Visitor:
    """Return whose reviews somebody may see.

    Raises:
        MessageError: `not_authenticated` or `not_allowed`.
    """
    return admit(await known(request), "read-reviews", demo=service_of(request).settings.demo)


async def reviewing(request: Request) -> Visitor:
    """Return whose reviews somebody may begin and delete.

    Raises:
        MessageError: `not_authenticated` or `not_allowed`.
    """
    return admit(await known(request), "review", demo=service_of(request).settings.demo)


Reading = Annotated[Visitor, Depends(reading)]
Reviewing = Annotated[Visitor, Depends(reviewing)]


@router.post("/v1/reviews", openapi_extra=_MULTIPART)
async def create(request: Request, visitor: Reviewing) -> Response:
    """Take in files, or a folder on the server, for review."""
    tenant = tenant_of(request, visitor)
    async with tenant.reviews.incoming() as incoming:
        if request.headers.get("content-type", "").startswith("application/json"):
            record = await _from_folder(request, tenant, visitor, incoming)
        else:
            record = await _from_upload(request, tenant, visitor, incoming)
    try:
        await _noted(request, tenant, "review-created", record.id, files=len(record.files), bytes=record.size)
    except MessageError:
        # What nobody can be told of is not kept: once to cancel, once to delete.
        while await tenant.reviews.remove(record.id) is not None:
            pass
        raise
    return _told(tenant, record, status=201)


@router.get("/v1/reviews")
async def list_reviews(request: Request, visitor: Reading) -> Response:
    """List the reviews that are kept, youngest first, and what may be sent."""
    tenant = tenant_of(request, visitor)
    settings, reviews = tenant.settings, tenant.reviews
    return JsonResponse(
        {
            "reviews": [reviews.told(record) for record in await tenant.seen_reviews.listed(visitor)],
            "limits": {
                "upload_bytes": settings.review_upload_mb * _MB,
                "upload_files": settings.review_upload_files,
                "kept": settings.review_kept,
                "keep_days": settings.review_keep_days,
                "folder": settings.review_dir is not None and not visitor.owner,
            },
        }
    )


@router.get("/v1/reviews/{review_id}")
async def show(request: Request, review_id: str, visitor: Reading) -> Response:
    """Show one review: its state, how far it is, what was recognised."""
    tenant = tenant_of(request, visitor)
    return _told(tenant, await tenant.seen_reviews.get(review_id, visitor))


@router.post("/v1/reviews/{review_id}/start", openapi_extra=body_of(OptionsRequest))
async def start(request: Request, review_id: str, visitor: Reviewing) -> Response:
    """Begin a review that was only received, or go on with one that was cancelled or failed."""
    tenant = tenant_of(request, visitor)
    await tenant.seen_reviews.get(review_id, visitor)
    body = await _body(request)
    options = read_request(OptionsRequest, read_object(body)).options if body.strip() else None
    await _noted(request, tenant, "review-started", review_id)
    return _told(tenant, await tenant.reviews.start(review_id, options))


@router.delete("/v1/reviews/{review_id}")
async def remove(request: Request, review_id: str, visitor: Reviewing) -> Response:
    """Cancel a review that waits or runs; delete any other with its files."""
    tenant = tenant_of(request, visitor)
    await tenant.seen_reviews.get(review_id, visitor)
    await _noted(request, tenant, "review-deleted", review_id)
    record = await tenant.reviews.remove(review_id)
    return Response(status_code=204) if record is None else _told(tenant, record)


@router.get("/v1/reviews/{review_id}/results")
async def results(
    request: Request,
    review_id: str,
    visitor: Reading,
    cursor: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Return results, a JSON line a call; the header Link leads to the next page."""
    out = await _finished(tenant_of(request, visitor), review_id, visitor)
    page, after = await asyncio.to_thread(_page_of, out / "results.jsonl", cursor, limit)
    headers = {}
    if after is not None:
        path = f"/v1/reviews/{review_id}/results?cursor={after}&limit={limit}"
        headers = {"Link": f'<{path}>; rel="next"'}
    return Response(page, media_type="application/x-ndjson", headers=headers)


@router.post("/v1/reviews/{review_id}/links", openapi_extra=body_of(LinkRequest))
async def link(request: Request, review_id: str, visitor: Reading) -> Response:
    """Give an address that a browser can open without a key, for a minute."""
    tenant = tenant_of(request, visitor)
    out = await _finished(tenant, review_id, visitor)
    asked = read_request(LinkRequest, read_object(await _body(request)))
    _existing(out, asked.file)
    path = f"/v1/reviews/{review_id}/{asked.file}"
    # The address opens without a key: this is where somebody is known.
    await _noted(request, tenant, "review-downloaded", review_id, file=asked.file)
    ticket, until = _tickets(request).issue(path, tenant=tenant.name)
    return JsonResponse({"url": f"{path}?ticket={ticket}", "expires_at": timestamp(until)})


@router.get("/v1/reviews/{review_id}/{file}")
async def download(request: Request, review_id: str, file: str, ticket: str = "") -> Response:
    """Return one of the files that a review wrote."""
    holder = _tickets(request).admits(ticket, request.url.path) if ticket else None
    visitor = await reading(request) if holder is None else Visitor("", holder)
    tenant = tenant_of(request, visitor)
    path = _existing(await _finished(tenant, review_id, visitor), file)
    if holder is None:
        await _noted(request, tenant, "review-downloaded", review_id, file=file)
    if file == "report.html":
        return FileResponse(
            path, media_type=DOWNLOADS[file], headers={"Content-Security-Policy": _REPORT_POLICY}
        )
    return FileResponse(path, media_type=DOWNLOADS[file], filename=f"{review_id}-{file}")


async def watch(socket: WebSocket, review_id: str) -> None:
    """Tell how far a review is, at once and after each change, until it ends."""
    service: Service = socket.app.state.service
    demo = service.settings.demo
    try:
        greeted = await service.lobby.greet(
            socket, role="reviewer", admits=lambda principal: demo or principal.may("read-reviews")
        )
        if greeted is None:
            return
        visitor = admit(greeted.principal, "read-reviews", demo=demo)
        tenant = service.tenant_of(visitor)
        await tenant.seen_reviews.get(review_id, visitor)
        with service.lobby.admitted(socket, greeted.principal):
            await _tell_until_gone(socket, tenant.reviews, review_id)
    except MessageError as error:
        await socket.close(NOT_ALLOWED, error.message)
    except WebSocketDisconnect:
        return


async def _tell_until_gone(socket: WebSocket, reviews: Reviews, review_id: str) -> None:
    teller = asyncio.create_task(_tell(socket, reviews, review_id), name="review-teller")
    listener = asyncio.create_task(_listen(socket), name="review-listener")
    try:
        await asyncio.wait({teller, listener}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (teller, listener):
            task.cancel()
        await asyncio.gather(teller, listener, return_exceptions=True)


async def _tell(socket: WebSocket, reviews: Reviews, review_id: str) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        async with contextlib.aclosing(reviews.watch(review_id)) as states:
            async for record in states:
                await send(socket, {"type": "review", **reviews.told(record)})
        await socket.close()


async def _listen(socket: WebSocket) -> None:
    """Nothing is expected; what comes is passed over."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await receive(socket)


async def _from_upload(request: Request, tenant: Tenant, visitor: Visitor, incoming: Path) -> ReviewRecord:
    settings, folder = tenant.settings, incoming / IN
    upload = await receive_files(
        request,
        folder,
        max_bytes=settings.review_upload_mb * _MB,
        max_files=settings.review_upload_files,
    )
    asked = read_fields(upload.fields)
    options = asked.options
    reading = ReadOptions(format=asked.format, encoding=asked.encoding, agent_is=frozenset(asked.agent_is))
    await asyncio.to_thread(check_types, folder, upload.files, reading)
    return await tenant.reviews.add(
        incoming,
        owner=visitor.owner,
        title=asked.title,
        folder="",
        files=tuple(upload.files),
        size=upload.size,
        options=options,
        start=asked.start,
    )


async def _from_folder(request: Request, tenant: Tenant, visitor: Visitor, incoming: Path) -> ReviewRecord:
    asked = read_request(FolderRequest, read_object(await _body(request)))
    # Visitors of the demo see nothing that lies on the server.
    root = None if visitor.owner else tenant.settings.review_dir
    files, size = await asyncio.to_thread(files_below, root, asked.folder)
    return await tenant.reviews.add(
        incoming,
        owner=visitor.owner,
        title=asked.title or asked.folder,
        folder=asked.folder,
        files=files,
        size=size,
        options=asked.options,
        start=asked.start,
    )


async def _noted(request: Request, tenant: Tenant, action: Action, review_id: str, **details: object) -> None:
    await tenant.audit.write(actor_of(request), action, f"review:{review_id}", **details)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY:
            raise MessageError("too_large", f"请求体超过 {_MAX_BODY} 字节")
    return bytes(body)


def _told(tenant: Tenant, record: ReviewRecord, *, status: int = 200) -> Response:
    return JsonResponse(tenant.reviews.told(record), status_code=status)


def _tickets(request: Request) -> Tickets:
    return service_of(request).tickets


async def _finished(tenant: Tenant, review_id: str, visitor: Visitor) -> Path:
    record = await tenant.seen_reviews.get(review_id, visitor)
    if record.state != "finished":
        ended = "；没有结果" if record.state in ENDED else "；做完才有结果"
        raise MessageError("conflict", f"state: 这次质检是 {record.state}{ended}", field="state")
    return tenant.reviews.out(review_id)


def _existing(out: Path, file: str) -> Path:
    if file not in DOWNLOADS or not (out / file).is_file():
        there = "、".join(name for name in DOWNLOADS if (out / name).is_file())
        raise MessageError("not_found", f"file: 没有 {file[:40]!r}，应为 {there} 之一", field="file")
    return out / file


def _page_of(path: Path, cursor: int, limit: int) -> tuple[bytes, int | None]:
    """Read lines from a byte on; return them with where the next page begins, None after the last."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        if cursor:
            stream.seek(min(cursor, size) - 1)
            if cursor > size or stream.read(1) != b"\n":
                raise MessageError(
                    "invalid_field", f"cursor: 收到 {cursor}，应为上一页 Link 里的值", field="cursor"
                )
        else:
            stream.seek(0)
        lines: list[bytes] = []
        taken = 0
        while len(lines) < limit and taken < _PAGE_BYTES and (line := stream.readline()):
            lines.append(line)
            taken += len(line)
        after = cursor + taken
        return b"".join(lines), after if after < size else None
