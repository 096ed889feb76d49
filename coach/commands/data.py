"""`coach data`: deletes what is kept of calls, beside a service that may be running."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from coach.commands.options import DataDir, Json, TenantName  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from coach.config import Settings
    from coach.service.retention import Deleted

app = typer.Typer(
    no_args_is_help=True,
    help="删除保存的通话数据，服务可以照常运行。\n\n退出码：0 完成；1 通话正在进行，或连不上数据库；2 参数有误，或没有这通电话。",
    rich_markup_mode=None,
)

_NAMES = {
    "calls": "通电话",
    "utterances": "句话",
    "advice": "条建议",
    "moments": "个时刻",
    "feedback": "条反馈",
    "snoozes": "条静音",
    "whispers": "条主管提醒",
    "webhooks": "条待发通知",
    "decisions": "条复核（保留结论，去掉原话）",
}


@app.callback()
def _root() -> None:
    """Hold the commands."""


@app.command(name="delete")
def delete(
    *,
    data_dir: DataDir = None,
    tenant: TenantName = "default",
    call: Annotated[str, typer.Option(help="删除这通电话。")] = "",
    customer: Annotated[
        str, typer.Option(help="删除这位客户（call.started 的 customer_id）的所有通话。")
    ] = "",
    before: Annotated[str, typer.Option(help="删除这个日期之前开始的通话，如 2026-10-01。")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说明会删除什么，不删除。")] = False,
    json: Json = False,
) -> None:
    """删除一通电话、一位客户或某天之前的全部数据；正在进行的通话不受影响。

    示例：coach data delete --before 2026-01-01 --dry-run
    """
    import orjson  # noqa: PLC0415 - `coach check` must not pay for it

    from coach.commands.data_folder import tenant_settings  # noqa: PLC0415
    from coach.errors import ConfigError, MessageError  # noqa: PLC0415
    from coach.service.audit_routes import read_time  # noqa: PLC0415

    given = [
        name for name, value in (("--call", call), ("--customer", customer), ("--before", before)) if value
    ]
    if len(given) != 1:
        came = "、".join(given) or "一个也没有"
        raise ConfigError(f"--call、--customer、--before: 应正好给出其中一个，现在给了：{came}")
    try:
        day = read_time(before, name="--before")
    except MessageError as error:
        raise ConfigError(error.message) from error
    settings = tenant_settings(data_dir, tenant)
    done = asyncio.run(_run(settings, tenant, call=call, customer=customer, before=day, dry_run=dry_run))
    if json:
        print(orjson.dumps({**done.as_dict(), "dry_run": dry_run}).decode())
        return
    counts = [f"{count} {_NAMES[name]}" for name, count in done.erased.as_dict().items() if count]
    print(f"{'将删除' if dry_run else '已删除'}：{'，'.join(counts) or '没有符合条件的通话'}")
    if done.running:
        print(f"正在进行，未动：{'、'.join(done.running)}")
    if done.reviews:
        print(f"这些质检的文件里也有，请另行删除：{'、'.join(done.reviews)}")


async def _run(
    settings: Settings, tenant: str, *, call: str, customer: str, before: float | None, dry_run: bool
) -> Deleted:
    from coach.errors import ConfigError, MessageError, UnreachableError  # noqa: PLC0415
    from coach.service.audit import Audit, at_the_command_line  # noqa: PLC0415
    from coach.service.database import Database, DatabaseAwayError  # noqa: PLC0415
    from coach.service.erasure import Erasure  # noqa: PLC0415
    from coach.service.retention import Retention  # noqa: PLC0415
    from coach.service.signing import load_secrets  # noqa: PLC0415

    database = Database.of(settings, tenant=tenant)
    if database.file is not None and not database.file.is_file():
        raise ConfigError(f"data_dir: {database.file} 不存在；应为 coach serve 的数据目录")
    secret = settings.secret.get_secret_value() if settings.secret else ""
    # The secrets are the installation's, not the tenant's.
    folder = settings.data_dir if tenant == "default" else settings.data_dir.parents[1]
    retention = Retention(
        Erasure(database, clock=time.time),
        audit=Audit(database, clock=time.time),
        secrets=load_secrets(folder, given=secret, make=bool(customer) and not dry_run),
        reviews_dir=settings.data_dir / "reviews",
        days=0,
        clock=time.time,
    )
    actor = at_the_command_line()
    try:
        if dry_run:
            return await retention.preview(call_id=call or None, customer_id=customer or None, before=before)
        if call:
            return await retention.delete_call(call, actor=actor)
        if customer:
            return await retention.delete_customer(customer, actor=actor)
        return await retention.delete_before(before or 0.0, actor=actor)
    except DatabaseAwayError as error:
        raise UnreachableError(f"{database.label}: 无法删除：{error.reason}") from error
    except MessageError as error:
        if error.code == "unknown_call":
            raise ConfigError(f"--call: 收到 {call!r}，没有这通电话") from error
        raise
    finally:
        await database.close()
