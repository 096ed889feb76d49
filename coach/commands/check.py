"""`coach check`: check sentences without a call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from coach.commands.options import Json, Packs, PhrasebookDir, RulesDir, Unmasked, is_masking, load_book
from coach.commands.standard_streams import Texts, without_mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.checker import Checker
    from coach.coaching.events import Hit, Speaker
    from coach.rulebook.phrasebook import Phrasebook

_SPEAKERS = ("agent", "customer", "unknown")
_FIELDS = ("id", "text", "speaker", "customer")
_SEVERITY = {"notice": "提示", "warning": "提醒", "violation": "违规"}


def check(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="坐席说的话。")] = None,
    *,
    json: Json = False,
    trial: Annotated[bool, typer.Option("--all", help="连试行规则一起用；坐席平时看不到它们。")] = False,
    calls: Annotated[
        bool, typer.Option("--calls", help="标准输入每行是一通完整的录音转写；与 --json 同用。")
    ] = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
    unmasked: Unmasked = False,
) -> None:
    r"""检查几句话：哪里该换个说法，换成什么。

    不给 TEXT 时从标准输入读，一行一句。加 --json 时，标准输入每行是
    {"id": "1", "text": "…", "speaker": "agent", "customer": "客户刚才说的话"}，后两项可省；每行输出一个 JSON 结果；
    位置按原文字符数计，个人信息已遮住。

    退出码：0 检查完成（无论是否命中）；1 规则有误；2 参数有误、没有规则目录，或有的行读不懂（其余照常输出）。

    示例：

      coach check 这个我不知道 "您稍等，我帮您查一下"

      echo '{"id": "1", "text": "这个我不知道"}' | coach check --json

      coach check --calls --json < calls.jsonl         整通电话：类别和服务时刻
    """
    from coach.coaching.checker import Checker  # noqa: PLC0415 - only once the flags are right

    if calls and (texts or not json):
        raise typer.BadParameter("--calls 与 --json 同用，通话从标准输入读，每行一通")
    if not texts and sys.stdin.isatty():
        raise typer.BadParameter("请给出要检查的话，或从标准输入送入。例：coach check 这个我不知道")
    masking = is_masking(unmasked=unmasked)
    book = load_book(rules, phrasebook, packs=pack, check_examples=False)
    if calls:
        from coach.commands.calls import check_calls  # noqa: PLC0415 - sentences alone do not need it

        wrong = check_calls(
            without_mark(sys.stdin.buffer), sys.stdout.buffer, sys.stderr, rulebook=book, masking=masking
        )
        raise typer.Exit(2 if wrong else 0)
    inspector = _Inspector(Checker(book), book.phrasebook, trial=trial, masking=masking)
    if json and not texts:
        wrong = inspector.print_json(without_mark(sys.stdin.buffer))
        raise typer.Exit(2 if wrong else 0)
    given = Texts.of(texts)
    if json:
        inspector.print_json_texts(given)
    else:
        inspector.print_human(given)
    raise typer.Exit(2 if given.wrong else 0)


class _Inspector:
    """Checks lines and prints what was found."""

    def __init__(self, checker: Checker, phrasebook: Phrasebook, *, trial: bool, masking: bool) -> None:
        self._checker = checker
        self._phrasebook = phrasebook
        self._trial = trial
        self._masking = masking
        self._ignored: set[str] = set()

    def print_json(self, lines: Iterable[bytes]) -> int:
        """Answer JSON lines; return how many could not be read."""
        wrong = 0
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                asked = _read_line(line)
            except ValueError as error:
                wrong += 1
                print(f"第 {number} 行：{error}", file=sys.stderr)
                continue
            self._warn_of(asked.keys() - set(_FIELDS), number)
            self._print_result(
                asked["id"],
                asked["text"],
                cast("Speaker", asked.get("speaker", "agent")),
                customer=asked.get("customer", ""),
            )
        return wrong

    def _warn_of(self, fields: set[str], number: int) -> None:
        """Say once of each field that it means nothing here; it may be a slip of the pen."""
        for field in sorted(fields - self._ignored):
            self._ignored.add(field)
            print(f"第 {number} 行：不用字段 {field}；可用的字段：{'、'.join(_FIELDS)}", file=sys.stderr)

    def print_json_texts(self, texts: Iterable[str]) -> None:
        """Answer texts of the command line; their ids count from 1."""
        for number, text in enumerate(texts, 1):
            self._print_result(str(number), text, "agent")

    def print_human(self, texts: Iterable[str]) -> None:
        """Show each text with its hits marked."""
        for text in texts:
            hits = self._hits(text)
            if self._masking:
                from coach.language.masking import mask  # noqa: PLC0415 - 50 ms of patterns

                text = mask(text)  # noqa: PLW2901 - nothing here is to know the words any more
            print(f"{'✗' if hits else '✓'} {_marked(text, hits)}")
            for hit in hits:
                sound = "（按读音）" if hit.by_sound else ""
                print(f"    {_SEVERITY[hit.severity]}{sound}  {hit.title}  [{hit.rule}]")
                for suggestion in self._suggestions(hit):
                    print(f"    可以说  {suggestion}")
                print(f"    为什么  {hit.why}")

    def _print_result(self, identity: object, text: str, speaker: Speaker, *, customer: str = "") -> None:
        import orjson  # noqa: PLC0415 - not needed for people

        hits = self._hits(text, speaker, customer=customer)
        result: dict[str, Any] = {
            "id": identity,
            "categories": sorted({hit.category for hit in hits}),
            "hits": [
                {
                    "rule": hit.rule,
                    "category": hit.category,
                    "severity": hit.severity,
                    "start": hit.start,
                    "end": hit.end,
                    "text": hit.text,
                    "by_sound": hit.by_sound,
                    "suggestions": self._suggestions(hit),
                    "why": hit.why,
                }
                for hit in hits
            ],
        }
        sys.stdout.buffer.write(orjson.dumps(result) + b"\n")
        # Line by line, so that a program can ask and wait for the answer.
        sys.stdout.buffer.flush()

    def _hits(self, text: str, speaker: Speaker = "agent", *, customer: str = "") -> tuple[Hit, ...]:
        hits = self._checker.check(text, speaker=speaker, trial=self._trial, customer=customer)
        if not (self._masking and hits):
            return hits
        from coach.coaching.privacy import masked_hits  # noqa: PLC0415 - 50 ms of patterns

        return masked_hits(text, hits)

    def _suggestions(self, hit: Hit) -> list[str]:
        return [text for _, text in self._phrasebook.choose(hit.suggest, hit.parts)]


def _read_line(line: bytes) -> dict[str, Any]:
    """Read one input line.

    Raises:
        ValueError: it is not what was expected; says what came.
    """
    import orjson  # noqa: PLC0415 - not needed for people

    from coach.errors import json_cause  # noqa: PLC0415

    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"不是 JSON：第 {error.colno} 个字符 {json_cause(error.msg)}") from error
    if not isinstance(value, dict):
        raise ValueError(f'收到 {orjson.dumps(value).decode():.40}，应为对象 {{"id": …, "text": …}}')
    if not isinstance(value.get("id"), str | int):
        raise ValueError("id: 缺少，或不是文字或整数")
    if not isinstance(value.get("text"), str):
        raise ValueError("text: 缺少，或不是文字")
    if value.get("speaker", "agent") not in _SPEAKERS:
        raise ValueError(f"speaker: 收到 {value['speaker']!r}，应为 {'、'.join(_SPEAKERS)} 之一")
    if not isinstance(value.get("customer", ""), str):
        raise ValueError(f"customer: 收到 {value['customer']!r:.40}，应为文字")
    return value


def _marked(text: str, hits: Iterable[Hit]) -> str:
    """Write the hits into the text as 【】; of overlapping hits the first is marked."""
    at, parts = 0, []
    for hit in sorted(hits, key=lambda hit: hit.start):
        if hit.start >= at:
            parts += [text[at : hit.start], "【", text[hit.start : hit.end], "】"]
            at = hit.end
    return "".join([*parts, text[at:]])
