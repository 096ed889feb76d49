"""Recorded calls of a center that does not exist: a seeded generator, in the formats that centers have.

`python -m benchmarks.calls FOLDER --calls 10000 --broken 0.01` writes them to files.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.texts import fill
from coach.rulebook.book import Rulebook, load_rulebook
from coach.rulebook.examples import unmark
from coach.shipped import phrasebook_dir, rules_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# How often an agent commits a fault and a customer is upset, per turn.
_FAULTS, _SIGNALS = 0.05, 0.06
_TURNS = (8, 34)
_AGENTS, _TEAMS = 60, ("一组", "二组", "三组", "夜班组")
_FIRST_DAY = datetime(2026, 10, 1, 9, 0)  # noqa: DTZ001 - the center's wall clock
_GREETED = 0.85
_GREETINGS = (
    "您好，{org}客服，工号八零一二，很高兴为您服务。",
    "您好，这里是{org}，工号三三零七，请问有什么可以帮您？",
)
_CLOSINGS = (
    "请问还有其他可以帮您的吗？感谢您的来电，祝您生活愉快，再见。",
    "还有其他问题吗？感谢您的来电，再见。",
)
_ASKED = (
    "你好我想问一下我的{thing}", "我的{thing}到现在还没{state}", "{number}我不记得了", "好的", "嗯您说", "那大概要多久",
    "我是{name}", "是{place}的", "我{time}打过电话", "行那我等你们消息", "{amount}元对吧", "这个在{page}里面找得到吗",
    "那麻烦你了", "我看一下", "对就是这个", "谢谢",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One turn; times in ms."""

    agent: bool
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call."""

    id: str
    agent: str
    team: str
    started_at: datetime
    turns: tuple[Said, ...]


class Center:
    """Speaks calls.

    Args:
        book: its examples are the faults and signals.
        seed: the same seed, the same calls.
    """

    def __init__(self, book: Rulebook | None = None, *, seed: int = 7) -> None:
        book = book or load_rulebook(
            rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False
        )
        self._rng = random.Random(seed)
        stable = [rule for rule in book.rules if rule.status == "stable"]
        self._faults = [unmark(text)[0] for rule in stable if rule.speaker == "agent" for text in rule.hits]
        self._signals = [
            unmark(text)[0] for rule in stable if rule.speaker == "customer" for text in rule.hits
        ]

    def calls(self, count: int) -> Iterator[Recorded]:
        """Speak `count` calls, one after the other in time."""
        for number in range(count):
            rng = self._rng
            agent = rng.randrange(_AGENTS)
            yield Recorded(
                id=f"C{number:07}",
                agent=f"{8000 + agent}",
                team=_TEAMS[agent % len(_TEAMS)],
                started_at=_FIRST_DAY + timedelta(seconds=number * 30),
                turns=tuple(self._turns(rng.randint(*_TURNS))),
            )

    def _turns(self, count: int) -> Iterator[Said]:
        rng = self._rng
        now = 800
        for index in range(count):
            agent = index % 2 == 0
            text = self._say(agent=agent)
            if index == 0 and rng.random() < _GREETED:
                text = fill(rng, _GREETINGS)
            elif index >= count - 2 and agent and rng.random() < _GREETED:
                text = fill(rng, _CLOSINGS)
            end = now + 300 + 230 * len(text)
            yield Said(agent, text, now, end)
            now = end + rng.randint(-300, 1500)

    def _say(self, *, agent: bool) -> str:
        rng = self._rng
        words = [fill(rng) if agent else fill(rng, _ASKED) for _ in range(rng.choice((1, 1, 2, 3)))]
        if rng.random() < (_FAULTS if agent else _SIGNALS):
            words.insert(rng.randrange(len(words) + 1), rng.choice(self._faults if agent else self._signals))
        return "，".join(words) + "。"


def as_json_line(call: Recorded) -> bytes:
    """Write a call as one line of JSON."""
    return json.dumps(
        {
            "id": call.id,
            "agent_id": call.agent,
            "team": call.team,
            "started_at": call.started_at.isoformat(),
            "turns": [
                {
                    "speaker": "agent" if turn.agent else "customer",
                    "start_ms": turn.start_ms,
                    "end_ms": turn.end_ms,
                    "text": turn.text,
                }
                for turn in call.turns
            ],
        },
        ensure_ascii=False,
    ).encode()


def as_rows(call: Recorded) -> list[list[str]]:
    """Write a call as consecutive rows of a table."""
    began = call.started_at.strftime("%Y-%m-%d %H:%M:%S")
    return [
        [
            call.id, call.agent, call.team, began, "坐席" if turn.agent else "客户",
            _clock(turn.start_ms, "."), _clock(turn.end_ms, "."), turn.text,
        ]
        for turn in call.turns
    ]  # fmt: skip


HEADERS = ("通话ID", "坐席工号", "班组", "通话开始时间", "角色", "开始时间", "结束时间", "内容")


def as_text(call: Recorded) -> str:
    """Write a call as lines of speaker and text under a head."""
    lines = [f"通话编号：{call.id}", f"工号：{call.agent}", f"通话时间：{call.started_at:%Y-%m-%d %H:%M:%S}"]
    for turn in call.turns:
        seconds = turn.start_ms // 1000
        stamp = f"[{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}]"
        lines.append(f"{stamp} {'客服' if turn.agent else '客户'}：{turn.text}")
    return "\n".join(lines) + "\n"


def as_vtt(call: Recorded) -> str:
    """Write a call as WebVTT with voice tags."""
    cues = [
        f"{_clock(turn.start_ms, '.')} --> {_clock(turn.end_ms, '.')}\n<v {'坐席' if turn.agent else '客户'}>{turn.text}"
        for turn in call.turns
    ]
    return "\n\n".join(["WEBVTT", *cues]) + "\n"


def as_srt(call: Recorded) -> str:
    """Write a call as SubRip with the speaker before each text."""
    cues = [
        f"{number}\n{_clock(turn.start_ms, ',')} --> {_clock(turn.end_ms, ',')}\n"
        f"{'坐席' if turn.agent else '客户'}：{turn.text}"
        for number, turn in enumerate(call.turns, 1)
    ]
    return "\n\n".join(cues) + "\n"


def _clock(ms: int, mark: str) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def write_calls(
    folder: Path, *, count: int, broken: float = 0.0, seed: int = 7, center: Center | None = None
) -> int:
    """Write `count` calls in five formats, a share of them broken.

    Args:
        folder: gets calls.jsonl, calls.csv (GB18030), text/*.txt with 50 calls each, vtt/ and srt/ with one call a file.

    Returns:
        How many were broken.
    """
    center = center or Center(seed=seed)
    damage = random.Random(seed + 1)
    calls = list(center.calls(count))
    parts = _parts(calls, (0.40, 0.30, 0.20, 0.05, 0.05))
    wrong = 0

    def write(path: Path, content: bytes, spoil: Callable[[bytes], bytes]) -> None:
        nonlocal wrong
        if damage.random() < broken:
            wrong += 1
            content = spoil(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(content)

    for call in parts[0]:
        write(folder / "calls.jsonl", as_json_line(call) + b"\n", lambda line: line[: len(line) // 2] + b"\n")
    write(folder / "calls.csv", ",".join(HEADERS).encode("gb18030") + b"\r\n", bytes)
    for call in parts[1]:
        write(
            folder / "calls.csv",
            _rows(as_rows(call)),
            lambda rows: rows.replace("坐席".encode("gb18030"), b"??"),
        )
    for number, call in enumerate(parts[2]):
        path = folder / "text" / f"{number // 50:04}.txt"
        write(path, as_text(call).encode() + b"\n", lambda text: text.replace("客服".encode(), b"X9"))
    for call in parts[3]:
        write(
            folder / "vtt" / f"{call.id}.vtt", as_vtt(call).encode(), lambda text: text.replace(b"-->", b"--")
        )
    for call in parts[4]:
        write(
            folder / "srt" / f"{call.id}.srt",
            as_srt(call).encode(),
            lambda text: text.replace("坐席".encode(), b"X9"),
        )
    return wrong


def _parts(calls: list[Recorded], shares: Iterable[float]) -> list[list[Recorded]]:
    parts, at, total = [], 0, 0.0
    for share in shares:
        total += share
        end = round(len(calls) * total)
        parts.append(calls[at:end])
        at = end
    return parts


def _rows(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("gb18030")


def main() -> None:
    """Write calls to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--broken", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    wrong = write_calls(asked.folder, count=asked.calls, broken=asked.broken, seed=asked.seed)
    print(f"{asked.calls} calls, {wrong} of them broken, in {asked.folder}")


if __name__ == "__main__":
    main()
