"""`coach webhooks`: who is told of what happens in calls, and what could not be told."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from coach.commands.options import DataDir, Json, TenantName  # noqa: TC001 - typer reads the annotations
from coach.errors import ConfigError, MessageError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import ModuleType

    from coach.service.audit import Signed
    from coach.service.webhooks.endpoints import State
    from coach.service.webhooks.webhooks import Webhooks

ResultT = TypeVar("ResultT")

app = typer.Typer(
    no_args_is_help=True,
    help="管理 webhook：通话中的事件以签名的 HTTP 请求告知其他系统。服务运行时也可执行，立即生效。\n\n"
    "退出码：0 完成；1 测试未送达，或连不上数据库；2 参数、编号或数据目录有误。",
    rich_markup_mode=None,
)

Identity = Annotated[str, typer.Argument(metavar="ID", help="webhook 的编号，见 coach webhooks list。")]


@app.command(name="add")
def add(
    url: Annotated[str, typer.Argument(help="接收地址，https://…")],
    *,
    events: Annotated[
        str, typer.Option(help="要哪些事件，逗号分隔；* 表示全部。见 docs/webhooks.md。")
    ] = "*",
    data_dir: DataDir = None,
    tenant: TenantName = "default",
    json: Json = False,
) -> None:
    """登记一个接收地址，显示它的编号和签名密钥。

    示例：

      coach webhooks add https://crm.example/hooks/coach --events call.score,commitment
    """
    made = _run(
        data_dir, tenant, lambda hooks: hooks.endpoints.add(url, events.split(","), signed=_signed(hooks))
    )
    if json:
        _print_json(_wire().render_endpoint(made, secret=True))
        return
    print(f"编号：{made.id}")
    print(f"密钥：{made.secret}")
    print(f"事件：{'、'.join(made.events)}")
    print(f"接收方用密钥核对签名（docs/webhooks.md）。试一下：coach webhooks test {made.id}")


@app.command(name="list")
def list_all(*, data_dir: DataDir = None, tenant: TenantName = "default", json: Json = False) -> None:
    """列出全部接收地址和它们的状态；密钥不显示。

    示例：coach webhooks list
    """
    found = _run(data_dir, tenant, lambda hooks: hooks.endpoints.list())
    if json:
        _print_json([_wire().render_endpoint(each) for each in found])
        return
    for each in found:
        print(f"{each.id}  {_STATES[each.state]}  {each.url}")
        print(f"    事件：{'、'.join(each.events)}")
        if each.reason:
            print(f"    停用原因：{each.reason}")
        elif each.failing_since is not None:
            print(f"    {_time(each.failing_since)} 起一直投递失败")
    if not found:
        print("还没有 webhook；用 coach webhooks add 登记")


@app.command(name="remove")
def remove(identity: Identity, *, data_dir: DataDir = None, tenant: TenantName = "default") -> None:
    """删除一个接收地址，连同等待投递的和未送达的事件。

    示例：coach webhooks remove we_0123456789abcdef
    """
    _run(data_dir, tenant, lambda hooks: hooks.endpoints.remove(identity, signed=_signed(hooks)))


@app.command(name="enable")
def enable(identity: Identity, *, data_dir: DataDir = None, tenant: TenantName = "default") -> None:
    """重新启用一个停用的接收地址；停用期间的事件没有记下，未送达的用 retry 重发。

    示例：coach webhooks enable we_0123456789abcdef
    """
    _set_state(identity, "active", data_dir=data_dir, tenant=tenant)


@app.command(name="disable")
def disable(identity: Identity, *, data_dir: DataDir = None, tenant: TenantName = "default") -> None:
    """停用一个接收地址；之后的事件不再为它记下。

    示例：coach webhooks disable we_0123456789abcdef
    """
    _set_state(identity, "disabled", data_dir=data_dir, tenant=tenant)


@app.command(name="rotate")
def rotate(identity: Identity, *, data_dir: DataDir = None, tenant: TenantName = "default") -> None:
    """换一个签名密钥并显示；旧密钥 24 小时内同时签名，接收方可从容更换。

    示例：coach webhooks rotate we_0123456789abcdef
    """
    print(
        _run(data_dir, tenant, lambda hooks: hooks.endpoints.rotate(identity, signed=_signed(hooks))).secret
    )


@app.command(name="test")
def send_ping(
    target: Annotated[str, typer.Argument(metavar="URL|ID", help="地址，或已登记的编号。")],
    *,
    secret: Annotated[str | None, typer.Option(help="对未登记的地址用这个密钥签名，默认新造一个。")] = None,
    data_dir: DataDir = None,
    tenant: TenantName = "default",
    json: Json = False,
) -> None:
    """发送一个带签名的 ping，显示对方的答复。

    示例：

      coach webhooks test we_0123456789abcdef

      coach webhooks test https://crm.example/hooks/coach --secret whsec_…
    """
    import time  # noqa: PLC0415 - see _run

    from coach.client.webhooks import WebhookError, new_secret, sign_webhook  # noqa: PLC0415

    registered = "://" not in target
    if secret is not None:
        if registered:
            raise ConfigError("--secret: 只用于未登记的地址；已登记的用它自己的密钥签名")
        try:
            sign_webhook("", 0, b"", [secret])
        except WebhookError as error:
            raise ConfigError(f"--{error}") from error
    made = None if registered or secret else new_secret()

    async def send(hooks: Webhooks) -> tuple[str, Any]:
        if not registered:
            hooks.endpoints.check(target)
            return target, await hooks.ping(target, signing=[secret or made or ""])
        endpoint = await hooks.endpoints.get(target)
        return endpoint.url, await hooks.ping(endpoint.url, signing=endpoint.signing(time.time()))

    url, attempt = _run(data_dir, tenant, send)
    if json:
        _print_json({**_wire().render_attempt(url, attempt), **({"secret": made} if made else {})})
    else:
        if made:
            print(f"签名用的密钥：{made}")
        outcome = f"已送达，HTTP {attempt.status}" if attempt.delivered else f"未送达：{attempt.says}"
        print(f"{url}：{outcome}（{attempt.took_ms} 毫秒）")
    raise typer.Exit(0 if attempt.delivered else 1)


@app.command(name="dead")
def dead(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多显示多少条。")] = 100,
    data_dir: DataDir = None,
    tenant: TenantName = "default",
    json: Json = False,
) -> None:
    """列出重试用尽、没有送达的事件，旧的在前。

    示例：coach webhooks dead --json
    """
    found = _run(data_dir, tenant, lambda hooks: hooks.outbox.dead(limit=limit))
    if json:
        _print_json([_wire().render_dead(each) for each in found])
        return
    for each in found:
        print(f"{each.id}  {_time(each.at)}  {each.type}  通话 {each.call_id}")
        print(f"    {each.url}：试过 {each.tries} 次，最后一次：{each.says}")
    if found:
        print("重发：coach webhooks retry ID，或 coach webhooks retry --all")
    else:
        print("没有未送达的事件")


@app.command(name="retry")
def retry(
    identity: Annotated[
        str | None, typer.Argument(metavar="ID", help="事件的编号，见 coach webhooks dead。")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="全部重发。")] = False,
    data_dir: DataDir = None,
    tenant: TenantName = "default",
) -> None:
    """让没有送达的事件重新投递；由运行中的服务发送。

    示例：

      coach webhooks retry msg_0123456789abcdef0123456789abcdef

      coach webhooks retry --all
    """
    if (identity is None) == (not everything):
        raise ConfigError("retry: 应给出事件编号或 --all 之一")
    count = _run(data_dir, tenant, lambda hooks: hooks.retry(identity))
    if identity is not None and not count:
        raise ConfigError(f"没有编号为 {identity!r} 的未送达事件")
    print(f"{count} 条等待重新投递")


_STATES = {"active": "启用", "disabled": "停用"}


def _run(data_dir: Path | None, tenant: str, work: Callable[[Webhooks], Awaitable[ResultT]]) -> ResultT:
    """Do something with the webhooks of a tenant.

    Raises:
        UnreachableError: the database is away.
        ConfigError: whatever is wrong with it, in the words of the service.
    """
    import time  # noqa: PLC0415 - a second of imports that --help must not pay

    from coach.commands.data_folder import tenant_settings  # noqa: PLC0415
    from coach.service.database import Database, DatabaseAwayError  # noqa: PLC0415
    from coach.service.migrate import open_database  # noqa: PLC0415
    from coach.service.webhooks.webhooks import Webhooks  # noqa: PLC0415

    settings = tenant_settings(data_dir, tenant)

    async def run() -> ResultT:
        database = Database.of(settings, tenant=tenant)
        try:
            await open_database(database)
            return await work(Webhooks(database, tenant=tenant, settings=settings, clock=time.time))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except DatabaseAwayError as error:
        raise UnreachableError(f"webhook: 数据库暂时不可用：{error.reason}") from error
    except MessageError as error:
        raise ConfigError(str(error)) from error


def _set_state(identity: str, state: State, *, data_dir: Path | None, tenant: str) -> None:
    _run(
        data_dir,
        tenant,
        lambda hooks: hooks.endpoints.change(identity, state=state, signed=_signed(hooks)),
    )


def _signed(hooks: Webhooks) -> Signed:
    """Return what notes in the audit log who changed something here."""
    from coach.service.audit import at_the_command_line  # noqa: PLC0415 - see _run

    return hooks.audit.signed(at_the_command_line())


def _wire() -> ModuleType:
    from coach.service.webhooks import wire  # noqa: PLC0415 - see _run

    return wire


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _print_json(value: object) -> None:
    import orjson  # noqa: PLC0415 - not needed for people

    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
