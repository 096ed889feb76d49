"""`coach rules score` and `coach rules compare`: read the files, print the tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from coach.coaching.score import LabelledSentence
from coach.errors import Problem, TranscriptError, cause, json_cause
from coach.rulebook.models import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from coach.coaching.compare import Comparison
    from coach.coaching.events import Speaker
    from coach.coaching.score import Score, Tally

_SPEAKERS: dict[str, Speaker] = {
    "agent": "agent",
    "customer": "customer",
    "客服": "agent",
    "坐席": "agent",
    "座席": "agent",
    "客户": "customer",
    "用户": "customer",
}


def read_labelled(lines: Iterable[str], *, name: str) -> list[LabelledSentence]:
    """Read labelled sentences, one JSON object a line.

    Raises:
        TranscriptError: with every broken line, its field, what came and what was expected.
    """
    problems: list[Problem] = []
    sentences: list[LabelledSentence] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            sentences.append(_labelled(json.loads(line), number))
        except json.JSONDecodeError as error:
            problems.append(Problem(name, number, error.colno, "", f"不是 JSON：{json_cause(error.msg)}"))
        except ValueError as error:
            problems.append(Problem(name, number, 1, "", str(error)))
    if problems:
        raise TranscriptError("\n".join(map(str, problems)))
    return sentences


def _labelled(value: Any, number: int) -> LabelledSentence:  # noqa: ANN401 - whatever the line holds
    if not isinstance(value, dict):
        raise ValueError(f'收到 {value!r:.40}，应为 {{"id","text","labels"}}')
    text = value.get("text")
    if not isinstance(text, str) or not text:
        raise ValueError(f"text: 收到 {text!r:.40}，应为文字")
    fields: dict[str, frozenset[str]] = {}
    for field in ("labels", "also"):
        labels = value.get(field, [] if field == "also" else None)
        if not isinstance(labels, list):
            raise ValueError(f"{field}: 收到 {labels!r:.40}，应为类别列表")
        unknown = [label for label in labels if label not in CATEGORIES]
        if unknown:
            raise ValueError(f"{field}: 没有类别 {unknown[0]!r}；应为 {'、'.join(CATEGORIES)} 之一")
        fields[field] = frozenset(labels)
    return LabelledSentence(
        str(value.get("id", number)), text, fields["labels"], fields["also"], str(value.get("kind", ""))
    )


def read_turns(path: Path) -> Iterator[tuple[str, str, Speaker]]:
    """Read recorded calls: JSON lines of calls (`turns`) or of single utterances (`text`), or one call as JSON.

    Raises:
        TranscriptError: naming file, line and field.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptError(f"{path.name}: 读不到文件：{cause(error)}") from error
    documents: list[tuple[int, Any]] = []
    try:
        documents = [(1, json.loads(text))]
    except json.JSONDecodeError:
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                documents.append((number, json.loads(line)))
            except json.JSONDecodeError as error:
                raise TranscriptError(
                    f"{path.name}:{number}:{error.colno}: 不是 JSON：{json_cause(error.msg)}"
                ) from error
    for number, document in documents:
        if not isinstance(document, dict):
            raise TranscriptError(f"{path.name}:{number}: 收到 {document!r:.40}，应为一通电话或一句话")
        identity = str(document.get("id", f"{path.name}:{number}"))
        turns = document.get("turns", [document])
        for index, turn in enumerate(turns if isinstance(turns, list) else []):
            where = f"{path.name}:{number}: turns.{index}"
            if not isinstance(turn, dict) or not isinstance(turn.get("text"), str):
                raise TranscriptError(f"{where}.text: 应为文字")
            speaker = _SPEAKERS.get(str(turn.get("speaker", "agent")))
            if speaker is None:
                raise TranscriptError(f"{where}.speaker: 收到 {turn['speaker']!r}，应为 agent 或 customer")
            yield (f"{identity}#{index}" if "turns" in document else identity), turn["text"], speaker


def score_as_dict(score: Score, *, digest: str) -> dict[str, Any]:
    """Return a score as plain values for machines."""
    return {
        "digest": digest,
        "sentences": score.sentences,
        "micro": _tally(score.overall),
        "any": _tally(score.any_violation),
        "clean": score.clean,
        "clean_alarms": score.clean_alarms,
        "alarms_per_1000_clean": round(score.alarms_per_thousand_clean, 1),
        "categories": {name: _tally(tally) for name, tally in score.categories.items()},
        "recall_by_kind": {
            kind: {"found": found, "expected": expected}
            for kind, (found, expected) in score.recall_by_kind.items()
        },
        "confusions": [
            {"expected": expected, "found": found, "count": count}
            for (expected, found), count in score.confusions.items()
        ],
        "errors": [
            {
                "id": error.sentence.id,
                "text": error.sentence.text,
                "missed": sorted(error.missed),
                "false": sorted(error.false),
                "reasons": list(error.reasons),
            }
            for error in score.errors
        ],
    }


def print_score(score: Score, out: TextIO, *, digest: str, errors: bool) -> None:
    """Print a score as a table, and with `errors` each sentence that went wrong and why."""
    out.write(f"规则集 {digest}，{score.sentences} 句\n\n")
    out.write("类别               精确率  召回率   F1    对   误   漏\n")
    rows = [*score.categories.items(), ("全部（微平均）", score.overall), ("有没有问题", score.any_violation)]
    for name, tally in rows:
        width = 18 - sum(ord(letter) > 0x2E80 for letter in name)  # noqa: PLR2004 - first CJK block
        out.write(
            f"{name:<{width}} {tally.precision:>6.2f}  {tally.recall:>6.2f}  {tally.f1:>5.2f}"
            f" {tally.right:>5} {tally.false:>4} {tally.missed:>4}\n"
        )
    out.write(
        f"\n没有问题的 {score.clean} 句里误报 {score.clean_alarms} 句"
        f"（每千句 {score.alarms_per_thousand_clean:.0f}）\n"
    )
    out.writelines(
        f"召回（{kind}）：{found}/{expected}\n" for kind, (found, expected) in score.recall_by_kind.items()
    )
    out.writelines(
        f"混淆：应为 {expected_name}，判成 {found_name}：{count} 句\n"
        for (expected_name, found_name), count in list(score.confusions.items())[:10]
    )
    if not errors:
        return
    for error in score.errors:
        what = [f"漏 {name}" for name in sorted(error.missed)] + [
            f"误 {name}" for name in sorted(error.false)
        ]
        out.write(f"\n{error.sentence.id}  {error.sentence.text}\n  {'，'.join(what)}\n")
        out.writelines(f"  {reason}\n" for reason in error.reasons)


def comparison_as_dict(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values for machines."""
    return {
        "utterances": comparison.utterances,
        "old_hits": comparison.old_hits,
        "new_hits": comparison.new_hits,
        "rules": {
            rule: {"appeared": appeared, "vanished": vanished}
            for rule, (appeared, vanished) in comparison.by_rule().items()
        },
        "appeared": [asdict(difference) for difference in comparison.appeared],
        "vanished": [asdict(difference) for difference in comparison.vanished],
    }


def print_comparison(comparison: Comparison, out: TextIO, *, limit: int = 200) -> None:
    """Print what would change: a table by rule, then up to `limit` utterances of each kind."""
    out.write(
        f"{comparison.utterances} 句：旧规则命中 {comparison.old_hits}，新规则命中 {comparison.new_hits}；"
        f"新增 {len(comparison.appeared)}，消失 {len(comparison.vanished)}\n"
    )
    out.writelines(
        f"  {rule:<40} +{appeared} -{vanished}\n"
        for rule, (appeared, vanished) in comparison.by_rule().items()
    )
    for sign, differences in (("+", comparison.appeared), ("-", comparison.vanished)):
        for difference in differences[:limit]:
            hit = difference.hit
            marked = f"{difference.text[: hit.start]}【{hit.text}】{difference.text[hit.end :]}"
            out.write(f"{sign} {difference.where}  {hit.rule}  {marked}\n")
        if len(differences) > limit:
            out.write(f"{sign} 还有 {len(differences) - limit} 处，用 --json 看全部\n")


def _tally(tally: Tally) -> dict[str, float | int]:
    return {
        "precision": round(tally.precision, 4),
        "recall": round(tally.recall, 4),
        "f1": round(tally.f1, 4),
        "right": tally.right,
        "false": tally.false,
        "missed": tally.missed,
    }
