"""What `coach review` says at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TextIO

from coach.review.rate import Rate
from coach.review.wording import wording

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from coach.review.run import Outcome

_TOP: Final = 5
_EXAMPLES: Final = 2
# Told in lines of their own, or by the report.
_ELSEWHERE: Final = {"commitment", "adoption", "customer-complaint", "churn-risk", "escalation-risk"}
# The gravest first.
_SEVERITIES: Final = ("violation", "warning", "notice")
_WORDS: Final = wording("zh-CN")


def print_summary(outcome: Outcome, out: Path, files: list[Path], to: TextIO, *, took: float) -> None:
    """Print what was reviewed, how it went, and where the files are. `took` is in seconds."""
    summary = outcome.summary
    calls, rejects = summary["calls"], summary["rejects"]
    new = calls - outcome.resumed
    speed = f"，用时 {_time(took)}，每秒 {new / took:,.0f} 通" if new and took else ""
    before = f"（其中 {outcome.resumed:,} 通上次已做完）" if outcome.resumed else ""
    to.write(f"质检 {calls:,} 通{before}，读不懂 {rejects:,} 条{speed}\n")
    if summary["skipped"]:
        to.write(f"早于 --since 的 {summary['skipped']:,} 通没有质检\n")
    if summary["failed"]:
        to.write(f"有 {summary['failed']:,} 通 coach 自己出了错，原因在 rejects.jsonl；请报给维护者\n")
    if repeated := summary.get("repeated_ids"):
        to.write(
            f"有 {repeated:,} 通的编号前面已有别的通话用过：结果里改叫“编号-2”“编号-3”……，原文见 source 的文件和行；"
            "如果是同一通给了两遍，请去掉一份再质检\n"
        )
    if calls:
        _print_scores(summary, to)
    if rejects:
        to.write(f"读不懂的记录和原因：{out / 'rejects.jsonl'}\n")
    to.write("\n")
    to.writelines(f"  {file}\n" for file in sorted({out / "results.jsonl", out / "summary.json", *files}))


def _print_scores(summary: Mapping[str, Any], to: TextIO) -> None:
    calls, card = summary["calls"], summary["scorecard"]
    fatal = f"，一票否决 {summary['fatal']:,} 通" if summary["fatal"] else ""
    to.write(
        f"平均 {summary['mean_points']:.1f} 分（满分 {card['points']:g}，及格 {card['passing']:g}，{card['title']}），"
        f"及格率 {summary['passed'] / calls:.1%}"
        f"{fatal}\n"
    )
    hits = sum(summary["severities"].values())
    severities = "、".join(
        f"{_WORDS.severity(name)} {summary['severities'][name]:,}"
        for name in _SEVERITIES
        if name in summary["severities"]
    )
    rate = Rate(summary["faulty_turns"], summary["agent_turns"])
    to.write(
        f"坐席用语命中 {hits:,} 处（{severities or '无'}），每百句有 {rate.percent:.1f} 句需要换个说法\n"
    )
    for heading, counts, title in (
        ("最多的是 ", summary["categories"], _WORDS.category),
        ("服务时刻：", _services(summary["moments"]), _WORDS.kind),
    ):
        if counts:
            top = list(counts.items())[:_TOP]
            to.write(f"{heading}{'、'.join(f'{title(name)} {count:,}' for name, count in top)}\n")
    if summary["signals"]:
        listed = "、".join(f"{_WORDS.kind(name)} {count:,} 通" for name, count in summary["signals"].items())
        to.write(f"客户情绪：{listed}\n")


def _services(moments: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in moments.items() if name not in _ELSEWHERE}


def print_comparison(comparison: Mapping[str, Any], to: TextIO) -> None:
    """Print what the change of rules does: scores, then each rule with examples in context."""
    old, new = comparison["old"], comparison["new"]
    to.write(
        f"\n和旧规则相比（{comparison['old_digest']} → {comparison['new_digest']}）：\n"
        f"  命中 {old['hits']:,} → {new['hits']:,}，平均分 {_points(old)} → {_points(new)}，"
        f"及格 {old['passed']:,} → {new['passed']:,} 通\n"
        f"  有变化的 {comparison['changed_calls']:,} 通：涨分 {comparison['better']:,}，降分 {comparison['worse']:,}；"
        f"变成及格 {comparison['now_passed']:,}，变成不及格 {comparison['now_failed']:,}\n"
    )
    for name, rule in comparison["rules"].items():
        to.write(
            f"\n  {name}  {rule['old']:,} → {rule['new']:,}（+{rule['appeared']:,} -{rule['vanished']:,}"
        )
        to.write(f"，轻重改变 {rule['changed']:,}）\n" if rule["changed"] else "）\n")
        for sign, kind in (("+", "appeared"), ("-", "vanished"), ("~", "changed")):
            for example in rule["examples"].get(kind, [])[:_EXAMPLES]:
                _print_example(sign, example, to)
    if comparison["rules"]:
        to.write("\n全部变化：differences.jsonl；汇总：compare.json\n")


def _print_example(sign: str, example: Mapping[str, Any], to: TextIO) -> None:
    hit, said = example["hit"], example["said"]
    marked = f"{said[: hit['start']]}【{said[hit['start'] : hit['end']]}】{said[hit['end'] :]}"
    if example["before"]:
        to.write(f"      {example['call']}  前一句：{example['before']}\n")
    severity = (
        f"  {_WORDS.severity(example['was'])} → {_WORDS.severity(hit['severity'])}" if sign == "~" else ""
    )
    to.write(f"    {sign} {example['call']}  {marked}{severity}\n")


def _points(side: Mapping[str, Any]) -> str:
    return "-" if side["mean_points"] is None else f"{side['mean_points']:.1f}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"
