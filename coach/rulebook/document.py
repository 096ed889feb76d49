"""The rules as documentation: what a new agent reads and what a supervisor signs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook
    from coach.rulebook.must_say import MustSayRule
    from coach.rulebook.rules import Rule

CATEGORY_TITLES = {
    "ignorance": "不知道、不清楚",
    "refusal": "生硬拒绝",
    "buck-passing": "推诿",
    "disparaging": "贬低同事、部门或产品",
    "blame": "撇清责任、怪客户",
    "calm-down": "让客户冷静",
    "impatience": "不耐烦",
    "call-back": "让客户再打来",
    "hedging": "含糊其辞",
    "absolute-denial": "绝对否定",
    "rhetorical": "反问语气",
    "interrogating": "质问语气",
    "commanding": "命令语气",
    "overpromise": "过度承诺",
    "rude": "不文明、挑衅",
}
SEVERITY_TITLES = {"notice": "提示", "warning": "提醒", "violation": "违规（通知主管）"}


def document(book: Rulebook) -> str:
    """Return all rules as Markdown, in Chinese, grouped by category, and what must be said."""
    ordered = sorted(book.tellers, key=lambda rule: rule.category)
    lines = ["# 话术规则", "", f"规则集 `{book.digest}`，共 {len(book.rules)} 条。", ""]
    for category, rules in groupby(ordered, key=lambda rule: rule.category):
        lines += [f"## {CATEGORY_TITLES.get(category, category)}（`{category}`）", ""]
        for rule in rules:
            lines += _rule(rule, book)
    if book.must_says:
        lines += ["## 必须说到的话", ""]
        for must_say in book.must_says:
            lines += _must_say(must_say)
    return "\n".join(lines)


def _must_say(must_say: MustSayRule) -> list[str]:
    when = "每通电话都要说" if must_say.when is None else "说到这些时才要求"
    by = "通话结束前" if must_say.within_ms is None else f"{must_say.within_ms // 1000} 秒以内"
    asked = () if must_say.when is None else must_say.when.hits
    return [
        f"### {must_say.part}",
        "",
        f"`{must_say.id}` · {when} · {by} · 依据：{must_say.source}",
        "",
        must_say.explain,
        "",
        f"- 可以说：**{must_say.phrase}**",
        *[f"- 因为说到：{_cell(hit)}" for hit in asked],
        *[f"- 算说到了：{_cell(hit)}" for hit in must_say.said.hits],
        *[f"- 不算：{_cell(miss)}" for miss in must_say.said.misses],
        "",
    ]


def _rule(rule: Rule, book: Rulebook) -> list[str]:
    lines = [
        f"### {rule.title}",
        "",
        f"`{rule.id}` · {SEVERITY_TITLES[rule.severity]} · {rule.status} · 依据：{rule.source}",
        "",
    ]
    lines += [rule.explain, ""]
    rows = max(len(rule.hits), len(rule.misses))
    lines += ["| 命中 | 不命中 |", "| --- | --- |"] if rows else ["没有句式：由第二意见按整句判断。"]
    for index in range(rows):
        hit = rule.hits[index] if index < len(rule.hits) else ""
        miss = rule.misses[index] if index < len(rule.misses) else ""
        lines.append(f"| {_cell(hit)} | {_cell(miss)} |")
    lines.append("")
    for key in rule.suggest:
        phrase = book.phrasebook.phrases.get(key)
        if phrase is not None:
            lines.append(
                f"- 可以说：**{phrase.say}**" + (f"（或：{phrase.without}）" if phrase.without else "")
            )
    lines += [f"- 例外：`{exception.pattern.source}` {exception.because}" for exception in rule.exceptions]
    return [*lines, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("【", "**").replace("】", "**")
