"""`coach relay`: pass on a recogniser's messages, one JSON a line, to a running service.

The audio is the integrator's: his client talks to the vendor and prints what it is answered. The service gives
the events their places, so both sides of a call may have a relay of their own.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import typer

from coach.commands.vendor_options import (
    Agent,
    CallId,
    Roles,
    SpeakerIs,
    Vendor,
    options_of,
    pasted_events,
)
from coach.errors import CoachError, MessageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    import httpx

_MAX_LINE: Final = 512 * 1024
# Lines waiting in memory; beyond it the pipe holds the recogniser's client up.
_MAX_WAITING: Final = 2_000
_MAX_TOGETHER: Final = 100
# A service that restarts is back within half a minute.
_TRIES: Final = 30
_RETRY_S: Final = 1.0
_TIMEOUT_S: Final = 30.0
_TEMPORARY: Final = frozenset({408, 429, 500, 502, 503, 504})
# Nothing that is sent later can be taken either.
_HOPELESS: Final = frozenset({"not_authenticated", "not_allowed", "unknown_call", "not_found"})


class RelayError(CoachError):
    """The events cannot be passed on."""


def relay(
    vendor: Vendor,
    *,
    call_id: CallId = "",
    agent: Agent = "",
    speaker: SpeakerIs = "",
    roles: Roles = "",
    ends_call: Annotated[
        bool, typer.Option("--ends-call", help="输入结束时结束通话；一通电话有两路时只给后结束的一路。")
    ] = False,
    url: Annotated[str, typer.Option(envvar="COACH_URL", help="服务地址。")] = "http://127.0.0.1:8600",
    key: Annotated[str, typer.Option(envvar="COACH_KEY", help="API 密钥。", show_default=False)] = "",
) -> None:
    """把识别引擎的消息转给正在运行的服务：从标准输入读，一行一个 JSON，读到就送。

    音频由您自己的客户端送给厂商，它把收到的消息打印出来就行。服务不在时等它回来再送；一通电话的两路可以各用一个。
    读不懂的行说明行号和字段，其余照送。

    退出码：0 全部送达；1 连不上、被拒绝或有读不懂的行；2 参数有误。

    示例：

      funasr-client --leg agent | coach relay funasr --call-id c1 --agent a-17 --speaker agent --key coach_…
    """
    from coach.connectors.vendors import connector_for  # noqa: PLC0415 - only once it is run

    options = options_of(
        call_id=call_id, agent=agent, speaker=speaker, roles=roles, ends_call=ends_call or None
    )
    try:
        connector_for(vendor, options)
    except MessageError as error:
        raise typer.BadParameter(error.message) from error
    if not key:
        raise typer.BadParameter("缺少 API 密钥：用 --key 或环境变量 COACH_KEY 给出")
    given = {
        "call_id": call_id,
        "agent_id": agent,
        "speaker": speaker,
        "roles": roles,
        "ends_call": "true" if ends_call else "",
    }
    wire = Wire(url, key, vendor=vendor, options={name: value for name, value in given.items() if value})
    lines: queue.Queue[tuple[int, bytes] | None] = queue.Queue(_MAX_WAITING)
    threading.Thread(target=_read, args=(sys.stdin.buffer, lines), daemon=True, name="stdin").start()
    with wire:
        try:
            while batch := _next(lines):
                wire.send(batch)
            if ends_call:
                wire.end(call_id)
        except KeyboardInterrupt:
            print("中断：没有送出的行留在管道里", file=sys.stderr)
            raise typer.Exit(1) from None
    print(f"送出 {wire.sent} 个消息，{wire.refused} 个被拒绝", file=sys.stderr)
    raise typer.Exit(1 if wire.refused else 0)


@dataclass(slots=True)
class Wire:
    """The way to one service.

    Attributes:
        sent: messages that were taken, on disk as far as they have to be.
        refused: messages that cannot be taken.
    """

    url: str
    key: str
    vendor: str
    options: dict[str, str]
    sleep: Callable[[float], None] = time.sleep
    sent: int = 0
    refused: int = 0
    _calls: dict[str, None] = field(default_factory=dict)
    _hints: set[str] = field(default_factory=set)
    _client: httpx.Client | None = None

    def __enter__(self) -> Self:
        """Open the connection when it is first needed."""
        import httpx  # noqa: PLC0415 - a tenth of a second

        self._client = httpx.Client(
            base_url=self.url.rstrip("/"),
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    def send(self, lines: list[tuple[int, bytes]]) -> None:
        """Send lines in their order; those that cannot be read are told and left out.

        Raises:
            RelayError: the service cannot be reached, or will take nothing of this stream.
        """
        payloads: list[tuple[int, dict[str, Any]]] = []
        for number, line in lines:
            if len(line) > _MAX_LINE:
                self._refuse(number, f"{len(line)} 字节，一行最多 {_MAX_LINE} 字节")
                continue
            for event in pasted_events(line.decode("utf-8", "replace")):
                if event.payload is None:
                    self._refuse(number, event.problem)
                else:
                    payloads.append((number, event.payload))
        if payloads:
            self._send(payloads)

    def end(self, call_id: str) -> None:
        """End the call, that of the stream unless it is named.

        Raises:
            RelayError: the service cannot be reached.
        """
        for each in [call_id] if call_id else list(self._calls):
            self._post(f"/v1/connectors/{self.vendor}/calls/{each}/end", None, {})

    def _send(self, payloads: list[tuple[int, dict[str, Any]]]) -> None:
        answer = self._post(f"/v1/connectors/{self.vendor}", [each for _, each in payloads], self.options)
        error = answer.get("error")
        if error is None:
            self.sent += len(payloads)
            self._calls.update(dict.fromkeys(answer["acked"]))
            for hint in [*answer["hints"], *(each["hint"] for each in answer["ignored"])]:
                if hint and hint not in self._hints:
                    self._hints.add(hint)
                    print(f"提示：{hint}", file=sys.stderr)
        elif error["code"] in _HOPELESS:
            raise RelayError(f"第 {payloads[0][0]} 行起没有送达：{error['message']}")
        elif len(payloads) == 1:
            self._refuse(payloads[0][0], error["message"])
        else:
            # What was taken is taken once only; one by one shows which cannot be.
            for each in payloads:
                self._send([each])

    def _post(self, path: str, body: Any, params: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401 - JSON
        import httpx  # noqa: PLC0415
        import orjson  # noqa: PLC0415

        if self._client is None:
            raise TypeError("用 with 打开后才能发送")
        why = ""
        for attempt in range(_TRIES):
            if attempt:
                self.sleep(_RETRY_S)
            try:
                answer = self._client.post(path, params=params, content=orjson.dumps(body) if body else b"")
            except httpx.HTTPError as error:
                why = str(error) or type(error).__name__
            else:
                if answer.status_code not in _TEMPORARY:
                    try:
                        value: dict[str, Any] = orjson.loads(answer.content)
                    except orjson.JSONDecodeError as error:
                        raise RelayError(f"{self.url}: HTTP {answer.status_code}，不是 coach 服务") from error
                    return value
                why = f"HTTP {answer.status_code} {answer.text[:200]}"
            if not attempt:
                print(f"服务暂时收不了，等它回来：{why}", file=sys.stderr)
        raise RelayError(f"{self.url}: {why}；服务启动了吗？（coach serve）")

    def _refuse(self, line: int, why: str) -> None:
        self.refused += 1
        print(f"第 {line} 行：{why}", file=sys.stderr)


def _read(stream: BinaryIO, lines: queue.Queue[tuple[int, bytes] | None]) -> None:
    """Put the lines of a stream in the queue as they come; None ends it."""
    number = 0
    while line := stream.readline(_MAX_LINE + 2):
        number += 1
        while line[-1:] != b"\n" and len(line) > _MAX_LINE and (rest := stream.readline(_MAX_LINE)):
            # The rest of a line nobody will read: only its length is told.
            if rest[-1:] == b"\n":
                break
        lines.put((number, line))
    lines.put(None)


def _next(lines: queue.Queue[tuple[int, bytes] | None]) -> list[tuple[int, bytes]]:
    """Wait for a line; return it with those that wait behind it, none at the end of the stream."""
    batch: list[tuple[int, bytes]] = []
    line = lines.get()
    while line is not None:
        batch.append(line)
        if len(batch) == _MAX_TOGETHER:
            return batch
        try:
            line = lines.get_nowait()
        except queue.Empty:
            return batch
    if batch:
        # The end is met again by the next call.
        lines.put(None)
    return batch
