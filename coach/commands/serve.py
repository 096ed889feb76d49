"""`coach serve`: run the live service."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from coach.commands.options import DataDir  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from coach.service.service import Service


def serve(
    *,
    demo: Annotated[
        bool | None, typer.Option("--demo", help="同时提供演示页面，无需密钥；只限本机。")
    ] = None,
    host: Annotated[str | None, typer.Option(help="监听地址，默认 127.0.0.1。")] = None,
    port: Annotated[int | None, typer.Option(help="端口，默认 8600；0 表示由系统选择。")] = None,
    workers: Annotated[
        int | None, typer.Option(help="共用端口的进程数，默认 1；多于 1 需要 COACH_REDIS_URL。")
    ] = None,
    data_dir: DataDir = None,
    rules: Annotated[Path | None, typer.Option(help="规则目录，默认随包规则。")] = None,
    phrasebook: Annotated[Path | None, typer.Option(help="话术目录，默认随包话术。")] = None,
    pack: Annotated[list[str] | None, typer.Option(help="启用规则包，如 insurance；可重复。")] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="允许连接的网页来源，如 https://crm.example；可重复。")
    ] = None,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="不遮住个人信息；显示、保存和日志都是原文，启动时会警告。")
    ] = False,
    log_level: Annotated[str | None, typer.Option(help="debug、info、warning 或 error。")] = None,
) -> None:
    """启动实时服务。

    首次启动会生成一个 API 密钥，只显示这一次。设置也可写在 coach.toml 或 COACH_* 环境变量中，
    命令行优先。全部设置见 docs/operations.md。

    退出码：0 正常停止；1 连不上数据库，或规则有误；2 参数或设置有误。

    示例：

      coach serve --demo                打开终端里显示的网址即可试用

      coach serve --host 0.0.0.0 --origin https://crm.example --data-dir /var/lib/coach
    """
    from coach.config import load_settings  # noqa: PLC0415 - a second of imports only `serve` needs
    from coach.service.logs import configure_logging  # noqa: PLC0415
    from coach.service.server import run  # noqa: PLC0415
    from coach.service.service import Service  # noqa: PLC0415

    settings = load_settings(
        demo=demo,
        host=host,
        port=port,
        workers=workers,
        data_dir=data_dir,
        rules_dir=rules,
        phrasebook_dir=phrasebook,
        packs=tuple(pack) if pack else None,
        origins=tuple(origin) if origin else None,
        masking=False if unmasked else None,
        log_level=log_level,
    )
    configure_logging(settings.log_level, form=settings.log_format)
    if settings.workers > 1:
        from coach.service.workers import run_workers  # noqa: PLC0415

        raise typer.Exit(run_workers(settings, on_ready=_announce))
    service = Service(settings)
    run(service, on_listening=lambda url: _announce(service, url))


def _announce(service: Service, url: str) -> None:
    if service.first_key is not None:
        print(f"API 密钥（角色 admin，只显示这一次，请保存）：{service.first_key}", flush=True)
    if not url:
        return
    page = "/demo" if service.settings.demo else "/sidebar"
    print(f"coach 已就绪：{url}{page}", flush=True)
