"""`coach keys`: the API keys of a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from coach.service.auth import KeyRing

app = typer.Typer(
    no_args_is_help=True,
    help="管理 API 密钥。增删后重启服务生效。\n\n退出码：0 完成；2 名称或数据目录有误。",
    rich_markup_mode=None,
)

DataDir = Annotated[Path | None, typer.Option(help="数据目录，默认 ./coach-data。")]
Name = Annotated[str, typer.Argument(help="密钥的名称，如 softphone。")]


@app.command(name="list")
def list_keys(*, data_dir: DataDir = None) -> None:
    """列出密钥的名称；密钥本身不保存。

    示例：coach keys list
    """
    for name in _ring(data_dir).names:
        print(name)


@app.command(name="new")
def new_key(name: Name, *, data_dir: DataDir = None) -> None:
    """新建一个密钥，只显示这一次。

    示例：coach keys new softphone
    """
    print(_ring(data_dir).create_key(name))


@app.command(name="remove")
def remove_key(name: Name, *, data_dir: DataDir = None) -> None:
    """删除一个密钥。

    示例：coach keys remove first
    """
    _ring(data_dir).remove_key(name)


def _ring(data_dir: Path | None) -> KeyRing:
    from coach.config import load_settings  # noqa: PLC0415 - `coach check` must not pay for it
    from coach.errors import ConfigError  # noqa: PLC0415
    from coach.service.auth import KeyRing  # noqa: PLC0415

    folder = load_settings(data_dir=data_dir).data_dir
    if not folder.is_dir():
        raise ConfigError(f"data_dir: {folder} 不存在；先运行一次 coach serve，或用 --data-dir 指定")
    return KeyRing(folder)
