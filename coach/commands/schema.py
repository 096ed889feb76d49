"""`coach schema`: the wire, described for tools."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer


def schema(
    kind: Annotated[Literal["asyncapi"], typer.Argument(help="asyncapi：两个 WebSocket 的全部消息。")],
) -> None:
    """输出接口描述，供代码生成和文档工具使用。

    HTTP 接口的 OpenAPI 由运行中的服务在 /openapi.json 给出；规则文件的 JSON Schema 见 coach rules schema。

    示例：coach schema asyncapi > asyncapi.yml
    """
    from coach.service.asyncapi import asyncapi_yaml  # noqa: PLC0415 - only this command needs it

    sys.stdout.write({"asyncapi": asyncapi_yaml}[kind]())
