"""`coach replay`: play a recorded call into a running service."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coach.commands.options import Json  # noqa: TC001 - typer reads the annotations

if TYPE_CHECKING:
    from coach.commands.recording import Recording

# Of the stream's token; longer than any call is played.
_WATCH_S = 43_200
_WHO = {"agent": "坐席", "customer": "客户", "unknown": "未知"}


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="录下的通话（JSON）。")],
    *,
    speed: Annotated[float, typer.Option(min=0, help="倍速；0 表示不等待。")] = 1.0,
    url: Annotated[str, typer.Option(envvar="COACH_URL", help="服务地址。")] = "http://127.0.0.1:8600",
    key: Annotated[str | None, typer.Option(envvar="COACH_KEY", help="API 密钥；演示服务可以不给。")] = None,
    agent: Annotated[str | None, typer.Option(help="坐席编号；同时显示该坐席收到的建议。")] = None,
    call_id: Annotated[str | None, typer.Option(help="通话编号，默认每次新建。")] = None,
    json: Json = False,
) -> None:
    """把录下的通话按时间送进正在运行的服务，像识别引擎那样逐字增长。

    没有确认的事件在断线重连后会重发。文件格式：
    {"id", "title", "slots", "turns": [{"speaker", "start_ms", "end_ms", "text", "partials"?}]}

    退出码：0 全部送达并确认；1 连不上或被拒绝；2 参数有误或文件读不懂。

    示例：

      coach replay call.json --speed 2                      送入本机演示服务

      coach replay call.json --agent a-17 --key coach_…     同时显示 a-17 收到的建议
    """
    from coach.commands.player import post  # noqa: PLC0415 - `coach check` must not pay for it
    from coach.commands.recording import read_recording  # noqa: PLC0415

    recording = read_recording(file)
    if key is None:
        session = post(f"{url.rstrip('/')}/demo/session")
        agent, key, token = session["agent_id"], session["producer_token"], session["sidebar_token"]
    elif agent is not None:
        token = post(f"{url.rstrip('/')}/v1/tokens", {"agent_id": agent, "ttl_s": _WATCH_S}, key=key)["token"]
    else:
        agent, token = "replay", None
    refused = asyncio.run(
        _play(
            recording,
            speed=speed,
            url=url,
            key=key,
            agent=agent,
            token=token,
            call_id=call_id or f"{recording.id}-{secrets.token_hex(4)}",
            printer=_Printer(json=json),
        )
    )
    raise typer.Exit(1 if refused else 0)


async def _play(
    recording: Recording,
    *,
    speed: float,
    url: str,
    key: str,
    agent: str,
    token: str | None,
    call_id: str,
    printer: _Printer,
) -> int:
    from coach.commands.player import Player, watch  # noqa: PLC0415 - `coach check` must not pay for it
    from coach.commands.recording import timeline  # noqa: PLC0415

    player = Player(url=url, key=key, call_id=call_id, agent_id=agent, tell=printer.from_ingest)
    watcher = None
    if token is not None:
        watcher = asyncio.create_task(watch(url=url, token=token, agent_id=agent, tell=printer.from_stream))
        # Watch before the first word, or the first card could be missed.
        watching = asyncio.create_task(printer.watching.wait())
        await asyncio.wait({watching, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if watcher.done():
            watching.cancel()
            watcher.result()
    try:
        sent = await player.play(timeline(recording), slots=recording.slots, speed=speed)
        if watcher is not None:
            async with asyncio.timeout(10):
                await printer.call_over.wait()
    finally:
        if watcher is not None:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
    printer.summary(recording, sent=sent, refused=player.refused)
    return player.refused


class _Printer:
    """Prints what the service says, for people or for machines."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._advice = 0
        self.watching = asyncio.Event()
        self.call_over = asyncio.Event()

    def from_ingest(self, message: dict[str, Any]) -> None:
        """Print what the producer is told."""
        if self._json:
            self._dump(message)
        elif message["type"] == "error":
            print(f"！{message['code']}  {message['message']}", file=sys.stderr)

    def from_stream(self, message: dict[str, Any]) -> None:
        """Print what the agent sees."""
        kind = message["type"]
        if kind == "snapshot":
            self.watching.set()
        elif kind == "call.ended":
            self.call_over.set()
        elif kind == "advice":
            self._advice += 1
        if self._json:
            self._dump(message)
        elif kind == "transcript" and message["final"]:
            text = "".join(
                f"【{piece['text']}】" if "advice_id" in piece else piece["text"]
                for piece in message["segments"]
            )
            print(f"{_clock(message['start_ms'])}  {_WHO[message['speaker']]}  {text}")
        elif kind == "advice":
            said = "；".join(each["text"] for each in message["suggestions"])
            print(f"{_clock(message['at_ms'])}  → {message['title']}  {said}  [{message['rule']}]")
        elif kind == "advice.withdrawn":
            print("       → 已收回")
        elif kind == "advice.resolved":
            outcome = {"adopted": "已采用", "repaired": "已补救", "repeated": "又说了一次"}[
                message["outcome"]
            ]
            print(f"       → {outcome}")

    def summary(self, recording: Recording, *, sent: int, refused: int) -> None:
        """Print how it went."""
        if not self._json:
            advice = f"，建议 {self._advice} 条" if self.watching.is_set() else ""
            print(f"{recording.title or recording.id}：{sent} 个事件，{refused} 个被拒绝，其余已确认{advice}")

    def _dump(self, message: dict[str, Any]) -> None:
        import orjson  # noqa: PLC0415 - not needed for people

        sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
        sys.stdout.buffer.flush()


def _clock(ms: int) -> str:
    return f"{ms // 60_000:02d}:{ms // 1000 % 60:02d}"
