"""Archives read in place: nothing is unpacked to disk, and what would swell beyond measure is refused."""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
import zlib
from functools import lru_cache
from typing import IO, TYPE_CHECKING, BinaryIO, Final

from coach.errors import TranscriptError

if TYPE_CHECKING:
    from pathlib import Path

    from coach.transcripts.model import Limits

ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
GZIP_MAGIC: Final = b"\x1f\x8b"
BROKEN: Final = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)
_UTF8_NAME: Final = 0x800
_ENCRYPTED: Final = 0x1
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class RefusedError(TranscriptError):
    """An archive that is broken, locked or swells too much."""


def members(file: Path, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """Return the files in a zip archive by a name that is safe to show, in the order of the archive.

    Raises:
        RefusedError: it is broken, holds too many files or would unpack to too much.
    """
    try:
        infos = [info for info in _open(file).infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise RefusedError(f"压缩包损坏：{damage(error)}") from error
    if len(infos) > limits.members:
        raise RefusedError(f"压缩包里有 {len(infos)} 个文件，应不超过 {limits.members} 个")
    _check_size(sum(info.file_size for info in infos), file.stat().st_size, limits)
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = safe_name(_real_name(info))
        while name in found:
            name += "~"
        found[name] = info
    return found


def open_member(file: Path, member: str, limits: Limits) -> BinaryIO:
    """Open one file of a zip archive for reading; a .gz in it is unpacked on the way.

    Raises:
        RefusedError: it is locked, broken, or swells too much.
    """
    info = members_of(file, limits)[member]
    if info.flag_bits & _ENCRYPTED:
        raise RefusedError("压缩包有密码，请先解开")
    try:
        stream = _open(file).open(info)
    except BROKEN as error:
        raise RefusedError(f"压缩包里的文件打不开：{damage(error)}") from error
    plain = _guard(stream, None, info.compress_size, limits)
    return _gunzip(plain, info.compress_size, limits) if member.lower().endswith(".gz") else plain


def open_gzip(file: Path, limits: Limits) -> BinaryIO:
    """Open a .gz for reading; reading raises `RefusedError` once it swells too much."""
    return _gunzip(file.open("rb"), file.stat().st_size, limits)


def damage(error: Exception) -> str:
    """Return what is wrong with an archive, in Chinese; the libraries say it in English."""
    if isinstance(error, NotImplementedError):
        return f"用了不支持的压缩方法（{error}）"
    if isinstance(error, EOFError):
        return "文件不完整，没到结尾就断了"
    if isinstance(error, UnicodeDecodeError):
        return "文件名的编码有误"
    if isinstance(error, gzip.BadGzipFile):
        return "gzip 的开头或校验不对"
    if isinstance(error, zipfile.BadZipFile):
        return "zip 的目录或校验不对，可能没下载完"
    return "压缩的内容坏了"


def safe_name(name: str) -> str:
    """Return a member's name without what could climb out of a folder or garble a terminal."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        del parts[0]
    return _UNPRINTABLE.sub("�", "/".join(parts)) or "_"


def members_of(file: Path, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """Return `members`, read once as long as the file stays as it is."""
    status = file.stat()
    return _members(file, status.st_mtime_ns, status.st_size, limits)


@lru_cache(maxsize=2)
def _members(file: Path, _changed: int, _size: int, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    return members(file, limits)


def _open(file: Path) -> zipfile.ZipFile:
    status = file.stat()
    # A forked process must not share the position in the file with its parent.
    return _open_once(file, status.st_mtime_ns, status.st_size, os.getpid())


@lru_cache(maxsize=2)
def _open_once(file: Path, _changed: int, _size: int, _process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(file)


def _real_name(info: zipfile.ZipInfo) -> str:
    """Windows in Chinese writes names in GBK, which the zip format takes for code page 437."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _check_size(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.unpacked:
        raise RefusedError(f"解压后 {_mb(unpacked)}，应不超过 {_mb(limits.unpacked)}；请分成几个文件")
    if unpacked > limits.ratio_from and unpacked > limits.ratio * max(packed, 1):
        raise RefusedError(
            f"{_mb(packed)} 解压成 {_mb(unpacked)}，超过 {limits.ratio} 倍，像压缩炸弹；确实可信就先解开再给"
        )


def _mb(size: int) -> str:
    return f"{size / 1024**2:.1f} MB"


def _gunzip(packed: BinaryIO, size: int, limits: Limits) -> BinaryIO:
    return _guard(gzip.GzipFile(fileobj=packed, mode="rb"), packed, size, limits)


def _guard(stream: gzip.GzipFile | IO[bytes], below: BinaryIO | None, size: int, limits: Limits) -> BinaryIO:
    return io.BufferedReader(_Guarded(stream, below, size, limits), 1 << 16)


class _Guarded(io.RawIOBase):
    """Reads what an archive unpacks and counts it; `below` is closed with it."""

    def __init__(
        self, stream: gzip.GzipFile | IO[bytes], below: BinaryIO | None, size: int, limits: Limits
    ) -> None:
        self._stream = stream
        self._below = below
        self._size = size
        self._limits = limits
        self._count = 0

    def readable(self) -> bool:
        """Reading is all that it is for."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Unpack some more.

        Raises:
            RefusedError: it is broken or has swollen too much.
        """
        try:
            piece = self._stream.read(len(buffer))
        except BROKEN as error:
            raise RefusedError(f"压缩文件损坏：{damage(error)}") from error
        count = len(piece)
        buffer[:count] = piece
        self._count += count
        _check_size(self._count, self._size, self._limits)
        return count

    def close(self) -> None:
        """Close the packed file too."""
        if not self.closed:
            self._stream.close()
            if self._below is not None:
                self._below.close()
        super().close()
