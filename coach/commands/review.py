"""`coach review`: recorded calls in, judged calls and their report out."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import contextmanager
from datetime import datetime  # noqa: TC003 - typer reads the annotations when it runs
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from coach.commands.options import (
    AgentIs,
    Columns,
    CustomerIs,
    Encoding,
    Json,
    Packs,
    PhrasebookDir,
    RulesDir,
    TranscriptFormat,
    Unmasked,
    is_masking,
    read_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.review.run import Outcome
    from coach.review.setup import ReviewSetup, RuleFolders
    from coach.transcripts.model import ReadOptions

_INTERRUPTED = 130
_TERMINATED = 143


def review(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCES…", help="录音转写：文件、文件夹或压缩包，可以给多个。")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="输出目录；没有就新建。")],
    workers: Annotated[int, typer.Option(min=0, help="工作进程数；0 是每个 CPU 核一个，1 是不开进程。")] = 0,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
    scorecard: Annotated[
        Path | None, typer.Option(help="评分卡；默认用规则目录里的 scorecards/default.yml。")
    ] = None,
    agent_is: AgentIs = None,
    customer_is: CustomerIs = None,
    format: TranscriptFormat = "",  # noqa: A002 - the flag is called so
    encoding: Encoding = "",
    column: Columns = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="只看从这天起的通话；没有日期的照常质检。"
        ),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous/--named", help="报告里用代号，还是写明坐席。")
    ] = True,
    unmasked: Unmasked = False,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", metavar="OLD_RULES", help="和另一套规则比：会多出、少掉哪些命中。"),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="本机，或 Ray 集群（需要 coach[ray]）。")
    ] = "local",
    ray_address: Annotated[str, typer.Option(help="Ray 集群的地址，如 auto；默认在本机起一个。")] = "",
    lang: Annotated[Literal["zh", "en"], typer.Option(help="报告的语言。")] = "zh",
    fresh: Annotated[bool, typer.Option("--fresh", help="丢掉输出目录里上次的结果，重新开始。")] = False,
    json: Json = False,
) -> None:
    """质检录好的通话：逐通检查话术、打分，写出报告、Excel 和数据。

    格式自动识别：JSON 行、CSV、Excel、文本、WebVTT、SRT 等，见 docs/transcripts.md。读不懂的记录写进
    rejects.jsonl，说明文件、行号和原因，其余照常质检。

    随时可以按 Ctrl-C，断电也不要紧：同一条命令再运行一次，做完的不会重做。

    退出码：0 完成；1 规则有误，或工作进程被系统结束；2 参数有误，或一通也读不懂；130 按了 Ctrl-C。

    示例：

      coach review 录音转写/ --out 质检结果

      coach review 十月.zip --out 十月 --since 2026-10-01 --named

      coach review whisper/ --out 结果 --agent-is SPEAKER_00

      coach review 老系统.csv --out 结果 --column text=说了什么 --column speaker=谁

      coach review 上月/ --out 试算 --rules 新规则 --compare 旧规则      规则上线前，先看上月会怎样
    """
    from coach.review.outputs import write_outputs  # noqa: PLC0415
    from coach.review.progress import progress_for, writing_for  # noqa: PLC0415 - only once the flags are right
    from coach.review.run import run_review  # noqa: PLC0415
    from coach.transcripts.model import ReadOptions  # noqa: PLC0415

    setup = _setup(
        rules=rules,
        phrasebook=phrasebook,
        packs=pack,
        scorecard=scorecard,
        compare=compare,
        masked=is_masking(unmasked=unmasked),
        since=since,
        read=ReadOptions(
            agent_is=frozenset(agent_is or ()),
            customer_is=frozenset(customer_is or ()),
            format=format,
            encoding=encoding,
            columns=read_columns(column),
        ),
    )
    started = time.monotonic()
    with _signals() as caught:
        outcome = run_review(
            sources,
            out,
            setup=setup,
            engine=engine,
            workers=workers,
            fresh=fresh,
            progress=progress_for(json=json),
            stopping=lambda: bool(caught),
            address=ray_address,
        )
        took = time.monotonic() - started
    if not outcome.finished:
        print(
            f"已中断：做完 {outcome.tally.calls:,} 通，还剩 {outcome.left:,} 批。同一条命令再运行一次就接着做。",
            file=sys.stderr,
        )
        raise typer.Exit(_TERMINATED if signal.SIGTERM in caught else _INTERRUPTED)
    writing = writing_for(outcome.summary["calls"], json=json)
    try:
        files = write_outputs(
            out, anonymous=anonymous, lang="zh-CN" if lang == "zh" else "en", written=writing.advance
        )
    finally:
        writing.stop()
    _print(outcome, out, files, took=took, json=json)
    if not outcome.summary["calls"] and outcome.summary["rejects"]:
        raise typer.Exit(2)


def _setup(
    *,
    rules: Path | None,
    phrasebook: Path | None,
    packs: list[str] | None,
    scorecard: Path | None,
    compare: Path | None,
    masked: bool,
    since: datetime | None,
    read: ReadOptions,
) -> ReviewSetup:
    from coach import shipped  # noqa: PLC0415 - only once the flags are right
    from coach.coaching.scorecard_file import find_scorecard  # noqa: PLC0415
    from coach.commands.options import pack_names  # noqa: PLC0415
    from coach.review.setup import ReviewSetup, RuleFolders  # noqa: PLC0415

    folder = rules or shipped.rules_dir()
    phrases = (phrasebook or shipped.phrasebook_dir()).resolve()
    names = tuple(pack_names(packs))
    setup = ReviewSetup(
        RuleFolders(folder.resolve(), phrases, names),
        (scorecard or find_scorecard(folder, shipped.rules_dir())).resolve(),
        old=_old_rules(compare.resolve(), phrases, names) if compare is not None else None,
        masked=masked,
        since=since,
        read=read,
    )
    setup.prove(Path(typer.get_app_dir("coach")) / "proven-rules")
    return setup


def _old_rules(folder: Path, phrases: Path, packs: tuple[str, ...]) -> RuleFolders:
    """Find a rule book in a folder of rules, or in one that holds rules/ and phrasebook/."""
    from coach.review.setup import RuleFolders  # noqa: PLC0415

    if (folder / "rules").is_dir():
        inner = folder / "phrasebook"
        folder, phrases = folder / "rules", inner if inner.is_dir() else phrases
    # A pack that the old rules did not have yet is what is new.
    return RuleFolders(folder, phrases, tuple(name for name in packs if (folder / "packs" / name).is_dir()))


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM: the run ends between two calls. A second Ctrl-C ends it at once."""
    caught: list[int] = []

    def note(number: int, _frame: object) -> None:
        caught.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(outcome: Outcome, out: Path, files: list[Path], *, took: float, json: bool) -> None:
    if json:
        import orjson  # noqa: PLC0415 - not needed for people

        told: dict[str, Any] = {
            "type": "summary",
            "out": str(out),
            "files": [str(file) for file in files],
            "summary": outcome.summary,
            "comparison": outcome.comparison,
        }
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
        sys.stdout.buffer.flush()
        return
    from coach.commands.review_summary import print_comparison, print_summary  # noqa: PLC0415

    print_summary(outcome, out, files, sys.stdout, took=took)
    if outcome.comparison is not None:
        print_comparison(outcome.comparison, sys.stdout)
