"""Files sent as multipart/form-data, written to their place while they arrive; refused as soon as they are too much."""

from __future__ import annotations

import asyncio
import errno
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import unquote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from coach.errors import MessageError, TranscriptError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from coach.transcripts.model import ReadOptions

# Where uploaded files lie in the folder of a review.
IN: Final = "in"
# What is gathered before a thread writes it: switching costs more than copying.
_PIECE: Final = 1024 * 1024
_MAX_FIELD: Final = 4096
_MAX_FIELDS: Final = 100
_MAX_NAME_BYTES: Final = 180
# Free space that the service's own database needs.
_SPARE: Final = 256 * 1024 * 1024
_NAMED: Final = 3


@dataclass(slots=True)
class Upload:
    """What arrived.

    Attributes:
        files: names below the folder, in order.
        size: bytes of all files.
        fields: name and value of what is not a file, in order.
    """

    files: list[str] = field(default_factory=list)
    size: int = 0
    fields: list[tuple[str, str]] = field(default_factory=list)


async def receive(request: Request, folder: Path, *, max_bytes: int, max_files: int) -> Upload:
    """Write the files of a request into a folder.

    Raises:
        MessageError: `too_large`, `invalid_field` or `busy` (the disk is full); says what came.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 256:  # noqa: PLR2004 - RFC 2046 allows 70
        came = request.headers.get("content-type", "没有")
        raise MessageError(
            "invalid_field",
            f"Content-Type: 收到 {came[:80]}，应为 multipart/form-data（文件放在 files 里）或 application/json",
            field="Content-Type",
        )
    announced = request.headers.get("content-length", "")
    if announced.isdigit():
        await asyncio.to_thread(_check_room, folder, int(announced), max_bytes)
    receiver = _Receiver(folder, boundary, max_bytes=max_bytes, max_files=max_files)
    try:
        waiting = bytearray()
        async for part in request.stream():
            waiting += part
            if len(waiting) >= _PIECE:
                await asyncio.to_thread(receiver.feed, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(receiver.feed, bytes(waiting))
        return receiver.finish()
    finally:
        receiver.close()


def check_types(folder: Path, files: list[str], options: ReadOptions) -> None:
    """Refuse files that the readers cannot read at all, by their content.

    Raises:
        MessageError: `invalid_field`, naming them with the reason.
    """
    from coach.transcripts.plan import plan  # noqa: PLC0415 - the readers of all formats, a tenth of a second

    wrong: list[str] = []
    for name in files:
        try:
            pieces = plan([folder / name], options=options, slice_bytes=0)
        except TranscriptError as error:
            wrong.append(f"{name}：{error}")
            continue
        if all(piece.format == "unreadable" for piece in pieces):
            wrong.append(f"{name}：{pieces[0].problem}")
    if wrong:
        more = f" 等 {len(wrong)} 个文件" if len(wrong) > _NAMED else ""
        raise MessageError("invalid_field", f"files: {'；'.join(wrong[:_NAMED])}{more}", field="files")


def _check_room(folder: Path, size: int, max_bytes: int) -> None:
    # The boundaries around the files are not theirs.
    if size > max_bytes + _PIECE:
        raise _too_large(max_bytes)
    if size + _SPARE > shutil.disk_usage(folder).free:
        raise _full()


class _Receiver:
    """Takes pieces of a body; knows the part it is in."""

    def __init__(self, folder: Path, boundary: bytes, *, max_bytes: int, max_files: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._upload = Upload()
        self._taken: set[str] = set()
        self._headers: dict[bytes, bytes] = {}
        self._header = [b"", b""]
        self._file: BinaryIO | None = None
        self._name = ""
        self._value = bytearray()
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._add_to_header(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._add_to_header(1, data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
                "on_part_data": lambda data, start, end: self._take(data[start:end]),
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise MessageError(
                "invalid_field", f"body: 不是完整的 multipart/form-data：{error}", field="body"
            ) from error
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise _full() from error
            raise

    def finish(self) -> Upload:
        if not self._ended:
            raise MessageError("invalid_field", "body: 上传中断，没有收到结尾；请重新上传", field="body")
        if not self._upload.files:
            raise MessageError("invalid_field", "files: 没有文件，应至少有一个", field="files")
        return self._upload

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._headers = {}

    def _add_to_header(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _end_header(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = [b"", b""]

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._value = bytearray()
        name = _file_name(self._headers.get(b"content-disposition", b""), options)
        if name is None:
            if len(self._upload.fields) >= _MAX_FIELDS:
                raise MessageError("too_large", f"字段超过 {_MAX_FIELDS} 个")
            return
        if self._name != "files":
            raise MessageError(
                "invalid_field", f"{self._name[:40]}: 文件应放在 files 里", field=self._name[:40]
            )
        if len(self._upload.files) >= self._max_files:
            raise MessageError(
                "too_large",
                f"files: 文件超过 {self._max_files} 个；请打成一个 .zip 或分几次上传",
                field="files",
            )
        name = self._free(name)
        self._file = (self._folder / name).open("xb")
        self._upload.files.append(name)

    def _take(self, data: bytes) -> None:
        if self._file is None:
            self._value += data
            if len(self._value) > _MAX_FIELD:
                raise MessageError("too_large", f"{self._name[:40]}: 超过 {_MAX_FIELD} 字节")
            return
        self._upload.size += len(data)
        if self._upload.size > self._max_bytes:
            raise _too_large(self._max_bytes)
        self._file.write(data)

    def _end(self) -> None:
        if self._file is None:
            self._upload.fields.append((self._name, self._value.decode("utf-8", "replace")))
        self.close()

    def _finish(self) -> None:
        self._ended = True

    def _free(self, name: str) -> str:
        """Return a name that no earlier file has, also where case does not count."""
        stem, dot, ending = name.partition(".")
        number = 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem} ({number}){dot}{ending}"
        self._taken.add(name.casefold())
        return name


def _file_name(header: bytes, options: dict[bytes, bytes]) -> str | None:
    """Return a name that stays in its folder and can be shown; None when the part is no file."""
    if b"filename*" in options:
        name = unquote(options[b"filename*"].decode("ascii", "replace").rpartition("''")[2])
    elif b"filename" in options:
        # Browsers write quotes and line breaks like this, and no other characters.
        name = options[b"filename"].decode("utf-8", "replace").replace("%22", '"')
    elif b"filename" in header:
        name = ""
    else:
        return None
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(" " if not letter.isprintable() or letter in '<>:"|?*' else letter for letter in name)
    name = name.strip().lstrip(".~").strip() or "transcript"
    while len(name.encode()) > _MAX_NAME_BYTES:
        # The ending stays, for people; the readers look at the content.
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[:-1]}{dot}{ending}" if stem and len(ending) < 10 else name[:-1]  # noqa: PLR2004
    return name


def _too_large(max_bytes: int) -> MessageError:
    return MessageError(
        "too_large",
        f"files: 一次上传最多 {max_bytes // 2**20} MB；请压缩成 .zip/.gz，或分几次上传",
        field="files",
    )


def _full() -> MessageError:
    return MessageError("busy", "服务器磁盘空间不够，没有保存任何文件；请腾出空间后再上传")
