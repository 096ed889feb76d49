"""What people ask of reviews: who they are, what they send, and how what is wrong is told to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from coach.errors import MessageError, TranscriptError
from coach.service.access import check_right
from coach.service.messages import read_model
from coach.service.review_record import ReviewOptions
from coach.transcripts.encoding import check_name
from coach.transcripts.sources import expand

if TYPE_CHECKING:
    from pathlib import Path

    from coach.service.auth import Principal
    from coach.service.roles import Right

_MAX_FOLDER_FILES: Final = 100_000
_DEMO: Final = "demo"
_LISTS: Final = frozenset({"agent_is", "customer_is"})
_FLAGS: Final = frozenset({"anonymous", "start"})
_EXPECTED: Final = {
    "agent_is": "坐席标签的列表，如 SPEAKER_00；first 表示先开口的是坐席",
    "customer_is": "客户标签的列表",
    "format": "空，或 jsonl、json、csv、xlsx、text、vtt、srt 之一",
    "encoding": "空，或编码的名称，如 gb18030",
    "since": "空，或 2026-10-01 这样的日期",
    "anonymous": "true 或 false",
    "start": "true 或 false",
    "lang": "zh 或 en",
    "title": "最多 100 个字符的文字",
    "folder": "可质检文件夹（review_dir）之下的路径，如 2026-10",
    "file": "下载文件的名称，如 report.html",
}

ModelT = TypeVar("ModelT", bound=BaseModel)
_Label = Annotated[str, Field(min_length=1, max_length=100)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionsRequest(_Model):
    """Body of `POST /v1/reviews/{id}/start`; the same fields may be sent with an upload."""

    agent_is: tuple[_Label, ...] = Field((), max_length=100)
    customer_is: tuple[_Label, ...] = Field((), max_length=100)
    format: Literal["", "jsonl", "json", "csv", "xlsx", "text", "vtt", "srt"] = ""
    encoding: str = Field("", max_length=40)
    since: str = Field("", max_length=40)
    anonymous: bool = True
    lang: Literal["zh", "en"] = "zh"

    @field_validator("since")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if value and datetime.fromisoformat(value).tzinfo is not None:
            raise ValueError("a local time has no zone")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, value: str) -> str:
        try:
            return check_name(value) if value else ""
        except TranscriptError as error:
            raise ValueError(str(error)) from error

    @property
    def options(self) -> ReviewOptions:
        """The options as the review keeps them."""
        return ReviewOptions(**{name: getattr(self, name) for name in OptionsRequest.model_fields})


class UploadRequest(OptionsRequest):
    """Fields that may be sent with uploaded files. `start` false: look first, `start` it later."""

    title: str = Field("", max_length=100)
    start: bool = True


class FolderRequest(UploadRequest):
    """Body of `POST /v1/reviews` for calls that lie on the server."""

    folder: str = Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")


class LinkRequest(_Model):
    """Body of `POST /v1/reviews/{id}/links`."""

    file: str = Field(max_length=40)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose reviews somebody may see in which tenant: "" those of everybody; with teams, those of their calls only."""

    owner: str
    tenant: str
    teams: tuple[str, ...] | None = None


def admit(principal: Principal, right: Right, *, demo: bool) -> Visitor:
    """Return what somebody may see: with the right everything, in demo mode its visitors what visitors made.

    Raises:
        MessageError: `not_allowed`.
    """
    teams = principal.sight.teams
    # The supervisor of a demo is one of its visitors.
    if principal.may(right) and principal.agent_id is None and (teams is None or not demo):
        return Visitor("", principal.tenant, teams)
    if not demo:
        check_right(principal, right)
    return Visitor(_DEMO, principal.tenant)


def read_request(model: type[ModelT], value: object) -> ModelT:
    """Check a body, and say what these routes expect.

    Raises:
        MessageError: `invalid_field`.
    """
    try:
        return read_model(model, value)
    except MessageError as error:
        name = next((part for part in error.field.split(".") if part in _EXPECTED), "")
        if not name or "没有这个字段" in error.message:
            raise
        came = error.message.split("，应为")[0]
        raise MessageError(error.code, f"{came}，应为{_EXPECTED[name]}", field=error.field) from error


def read_fields(fields: list[tuple[str, str]]) -> UploadRequest:
    """Check the fields that came with an upload; a list is a field that is repeated.

    Raises:
        MessageError: `invalid_field`.
    """
    value: dict[str, Any] = {}
    for name, text in fields:
        if name in _LISTS:
            value.setdefault(name, [])
            value[name].append(text)
        elif name in value:
            raise MessageError("invalid_field", f"{name}: 收到两次，应为一次", field=name)
        else:
            value[name] = {"true": True, "false": False}.get(text, text) if name in _FLAGS else text
    return read_request(UploadRequest, value)


def files_below(root: Path | None, folder: str) -> tuple[tuple[str, ...], int]:
    """List the files of a folder below `root`, relative to it, and their bytes in all.

    Raises:
        MessageError: `not_allowed`: it lies elsewhere; `invalid_field`: there is none, or nothing in it.
    """
    if root is None:
        raise MessageError(
            "not_allowed", "folder: 服务没有设置可质检的文件夹（review_dir），只能上传文件", field="folder"
        )
    root = root.resolve()
    asked = (root / folder).resolve()
    if not asked.is_relative_to(root):
        raise MessageError(
            "not_allowed", f"folder: 收到 {folder[:80]!r}，应为{_EXPECTED['folder']}", field="folder"
        )
    try:
        files = expand([asked])
    except TranscriptError as error:
        raise MessageError(
            "invalid_field", f"folder: {folder[:80]!r} 不存在，或里面没有文件", field="folder"
        ) from error
    for file in files:
        # A link inside must not lead out either.
        if not file.resolve().is_relative_to(root):
            raise MessageError(
                "not_allowed",
                f"folder: {file.relative_to(root)} 是指向 review_dir 之外的链接，不能质检",
                field="folder",
            )
    if len(files) > _MAX_FOLDER_FILES:
        raise MessageError(
            "too_large", f"folder: 有 {len(files)} 个文件，最多 {_MAX_FOLDER_FILES} 个", field="folder"
        )
    names = tuple(str(file.relative_to(root)) for file in files)
    return names, sum(file.stat().st_size for file in files)
