"""Every word of the report and the workbook, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import orjson

from coach.errors import ConfigError
from coach.rulebook.document import CATEGORY_TITLES

Lang = Literal["zh-CN", "en"]
LANGS: tuple[Lang, ...] = ("zh-CN", "en")

# key: (Chinese, English)
_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("通话质检报告", "Call review report"),
    "agent-prefix": ("坐席 ", "Agent "),
    "unknown": ("未知", "unknown"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "list": ("、", ", "),
    "small": ("样本不足", "too few"),
    "small-note": (
        "坐席发言不足 {enough} 句的标“样本不足”，不作比较。",
        "Fewer than {enough} agent turns are marked “too few” and not compared.",
    ),
    "interval-note": (
        "横线是 95 % 区间：真实水平大概率落在其中。红色或绿色：与平均的差别几乎不可能是碰巧（99.8 %）。",
        "The line is the 95 % interval. Red or green: a difference from the mean that is hardly chance (99.8 %).",
    ),
    "rate-note": (
        "每百句：坐席每说 100 句，有几句至少有一处需要换个说法。",
        "Per 100 turns: of 100 agent turns, how many had at least one wording to change.",
    ),
    "table": ("数据表", "Data table"),
    "filter": ("筛选", "Filter"),
    "theme": ("浅色 / 深色", "Light / dark"),
    "print-hint": (
        "打印时只印出已展开的通话。",
        "Printing includes the calls that are open.",
    ),
    "anonymous-note": (
        "坐席以代号出现（{first} …），同一次质检内代号不变；需要实名时用 --named 重新生成。",
        "Agents appear under codes ({first} …) that are stable in this run; --named shows the ids.",
    ),
    "named-note": ("本报告含坐席工号，请按内部规定传阅。", "This report names agents; share it accordingly."),
    "made-by": ("由 coach 生成 · 规则集 {digest}", "Made by coach · rule set {digest}"),
    "mixed-digests": (
        "注意：本批通话用了 {count} 个不同的规则集，前后结果不能直接相比。",
        "Note: {count} different rule sets judged these calls; results are not comparable throughout.",
    ),
    "empty": ("本批没有可分析的通话。", "There is no call to analyse in this batch."),
    # sections
    "story": ("一句话看懂", "In short"),
    "scores": ("分数分布", "Scores"),
    "trend": ("每日走势", "Day by day"),
    "trend-weeks": ("每周走势", "Week by week"),
    "trend-score": ("平均分", "Mean score"),
    "trend-rate": ("每百句坐席发言中需要换个说法的句数", "Turns to change per 100 agent turns"),
    "trend-calls": ("通话数", "Calls"),
    "problems": ("最常见的问题", "What went wrong most often"),
    "items": ("分数扣在哪里", "Where points went"),
    "chart-items": ("平均每通扣多少分", "Points lost per call"),
    "rule-count": ("{hits} 次，{calls} 通", "{hits} times in {calls} calls"),
    "rules-rest": (
        "另有 {count} 条规则命中较少，见 Excel 的“规则”页。",
        "{count} more rules are in the workbook.",
    ),
    "scorecard": ("评分卡：{title}，{passing} 分及格", "Scorecard: {title}, pass mark {passing}"),
    "teams": ("班组", "Teams"),
    "agents": ("坐席", "Agents"),
    "agents-outside": ("与平均水平有真实差别的坐席", "Agents who really differ from the mean"),
    "agents-none": (
        "没有坐席与平均水平有超出偶然的差别。",
        "No agent differs from the mean by more than chance.",
    ),
    "agents-rest": ("全部坐席见 Excel 的“坐席”页。", "All agents are in the workbook."),
    "rules": ("规则与实例", "Rules and examples"),
    "customers": ("客户发出的信号", "What customers signalled"),
    "moments": ("整通电话的时刻", "Moments of the call"),
    "commitments": ("坐席作出的承诺", "Commitments made"),
    "adoption": ("建议话术", "Suggested wordings"),
    "worst": ("最该先听的通话", "Calls to listen to first"),
    "best": ("值得学习的通话", "Calls to learn from"),
    "data": ("数据质量", "Data quality"),
    "rejects": ("拒收的记录", "Records set aside"),
    "not-measurable": ("无法判断", "Not measurable"),
    # key figures and columns
    "calls": ("通话", "Calls"),
    "mean": ("平均分", "Mean score"),
    "median": ("中位数", "Median"),
    "passed": ("及格率", "Passed"),
    "fatal": ("一票否决", "Fatal"),
    "per-hundred": ("问题句（每百句）", "Per 100 turns"),
    "interval": ("95 % 区间", "95 % interval"),
    "turns": ("坐席句数", "Agent turns"),
    "hours": ("时长（小时）", "Hours"),
    "share": ("占比", "Share"),
    "count": ("次数", "Count"),
    "in-points": ("{points} 分", "{points} points"),
    "points": ("分数", "Points"),
    "points-lost": ("合计分值", "Points in all"),
    "item": ("评分项", "Item"),
    "rule": ("规则", "Rule"),
    "category": ("类别", "Category"),
    "severity": ("程度", "Severity"),
    "agent": ("坐席", "Agent"),
    "team": ("班组", "Team"),
    "day": ("日期", "Day"),
    "week": ("周起始日", "Week from"),
    "call": ("通话", "Call"),
    "most": ("最多的问题", "Most frequent"),
    "said": ("原话", "Said"),
    "suggestion": ("可以说", "Better"),
    "before": ("前一句", "Before"),
    "who": ("谁来办", "Who"),
    "what": ("承诺什么", "What"),
    "when": ("说的时间", "When, as said"),
    "due": ("到期", "Due"),
    "vague": ("没说清时间", "No clear time"),
    "timed": ("说清了时间", "Time given"),
    "kind": ("时刻", "Moment"),
    "motive": ("投诉动机", "Motive"),
    "problem": ("问题", "Problem"),
    "undated": ("{count} 通没有日期，不在走势里。", "{count} calls have no date and are not in the trend."),
    "advised": ("可提示", "Advice due"),
    "adopted": ("说出了建议话术", "Said as suggested"),
    "repaired": ("自行补救", "Made up for it"),
    "repeated": ("再次出现", "Did it again"),
    "unanswered": ("没有补救", "Left as it was"),
    "adoption-note": (
        "按转写判断坐席后来说了什么；若通话时没有开启实时辅导，这里反映的是坐席自己的习惯。",
        "Judged from what the agent went on to say; without live coaching this shows the agents' own habits.",
    ),
    "unsafe": (
        "有 {count} 通提到人身安全，请立即处理：{calls}",
        "{count} calls mention personal safety; see to them now: {calls}",
    ),
    "vague-examples": ("没说清时间的承诺（抽样）", "Commitments without a clear time (sample)"),
    "due-examples": ("到期最晚的承诺", "Commitments due last"),
    "score-items": ("扣分与加分", "Points lost and won"),
    "omitted": ("略去 {count} 句", "{count} turns left out"),
    "no-fault": ("没有需要换个说法的地方", "nothing to change"),
    # story
    "story-size": (
        "本批 {calls} 通电话{span}，平均 {mean} 分，{passed}\u00a0% 及格{fatal}。",
        "{calls} calls{span}: {mean} points on average, {passed}\u00a0% passed{fatal}.",
    ),
    "story-span": ("（{first} 至 {last}{groups}）", " ({first} to {last}{groups})"),
    "story-groups": ("，{agents} 位坐席、{teams} 个班组", ", {agents} agents in {teams} teams"),
    "story-fatal": ("，{fatal} 通一票否决", ", {fatal} failed by a fatal item"),
    "story-faults": (
        "最常见的是“{first}”（{share}\u00a0% 的通话里出现）{second}；坐席每说 100 句，有 {rate} 句需要换个说法{change}。",
        "Most frequent: “{first}” (in {share}\u00a0% of calls){second}; {rate} of 100 agent turns need another wording{change}.",
    ),
    "story-second": ("，其次是“{second}”", ", then “{second}”"),
    "story-better": (
        "，后半段比前半段少了（{before} → {after}）",
        ", fewer in the second half ({before} → {after})",
    ),
    "story-worse": (
        "，后半段比前半段多了（{before} → {after}）",
        ", more in the second half ({before} → {after})",
    ),
    "story-clean": ("没有发现需要换个说法的地方。", "Nothing was found that should be worded differently."),
    "story-customers": (
        "{risk} 通里客户想离开或要升级投诉；坐席作了 {promises} 个承诺，{vague} 个没说清时间。",
        "In {risk} calls the customer means to leave or to escalate; of {promises} commitments {vague} have no clear time.",
    ),
    # charts
    "chart-scores": (
        "各分数段的通话数；虚线是平均分 {mean}",
        "Calls by score; the dashed line is the mean, {mean}",
    ),
    "chart-scores-pass": (
        "各分数段的通话数；深黄色在及格线 {passing} 以下，虚线是平均分 {mean}",
        "Calls by score; amber is below the pass mark of {passing}, the dashed line is the mean, {mean}",
    ),
    "chart-problems": ("出现该类问题的通话占比（%）", "Share of calls with this category (%)"),
    "chart-interval": (
        "每百句坐席发言中需要换个说法的句数；虚线是全体平均 {mean}",
        "Turns to change per 100 agent turns; the dashed line is the mean of all, {mean}",
    ),
    "chart-adoption": ("该换说法之后，坐席怎么说的", "What the agents said next"),
    "chart-moments": ("出现该时刻的通话占比（%）", "Share of calls with this moment (%)"),
    "chart-signals": ("出现该信号的通话占比（%）", "Share of calls with this signal (%)"),
    "chart-motives": ("客户为什么抱怨：通话占比（%）", "Why customers complain: share of calls (%)"),
    "agent-turn": ("坐席", "Agent"),
    "customer-turn": ("客户", "Customer"),
    "unknown-turn": ("未知", "Unknown"),
}

_CATEGORIES_EN = {
    "ignorance": "not knowing",
    "refusal": "flat refusal",
    "buck-passing": "passing on",
    "disparaging": "running others down",
    "blame": "blaming",
    "calm-down": "telling to calm down",
    "impatience": "impatience",
    "call-back": "making them call again",
    "hedging": "hedging",
    "absolute-denial": "flat denial",
    "rhetorical": "rhetorical question",
    "interrogating": "interrogating",
    "commanding": "commanding",
    "overpromise": "overpromise",
    "rude": "rudeness",
}

# key: (Chinese, English)
_KINDS: dict[str, tuple[str, str]] = {
    "missing-greeting": ("开场白不完整", "incomplete greeting"),
    "missing-closing": ("结束语不完整", "incomplete closing"),
    "missing-must-say": ("必说的话没有说", "required words missing"),
    "dispute-loop": ("与客户来回争执", "dispute going round"),
    "interruption": ("打断客户", "interruption"),
    "long-silence": ("长时间静默", "long silence"),
    "hold-without-notice": ("等待前后没有说明", "hold without notice"),
    "fast-speech": ("语速过快", "fast speech"),
    "no-empathy-after-complaint": ("客户抱怨后没有安抚", "no empathy after a complaint"),
    "repeated-question": ("重复询问", "repeated question"),
    "commitment": ("作出承诺", "commitment"),
    "customer-complaint": ("客户抱怨或投诉", "customer complaint"),
    "churn-risk": ("客户想离开", "churn risk"),
    "escalation-risk": ("客户要升级投诉", "escalation risk"),
    "adoption": ("说出建议话术", "adoption"),
    "urgency": ("客户着急", "urgency"),
}
_MOTIVES = {
    "venting": ("发泄情绪", "venting"),
    "compensation": ("要求补偿", "compensation"),
    "contribution": ("提出建议", "contribution"),
    "retaliation": ("扬言报复", "retaliation"),
    "help-seeking": ("寻求帮助", "help-seeking"),
    "explicit": ("明确投诉", "explicit complaint"),
}
_SEVERITIES = {
    "notice": ("提示", "notice"),
    "warning": ("提醒", "warning"),
    "violation": ("违规", "violation"),
}
# What a moment says about itself; the rest (indexes, weights) stays in the data.
_DETAILS = {
    "missing": ("缺少", "missing"),
    "phrase": ("应说", "to be said"),
    "late": ("说晚了", "said late"),
    "overlap_ms": ("同时说话（秒）", "overlap (s)"),
    "pause_ms": ("停顿（秒）", "pause (s)"),
    "limit_ms": ("上限（秒）", "limit (s)"),
    "waited_ms": ("等了（秒）", "waited (s)"),
    "han_per_minute": ("每分钟字数", "characters a minute"),
    "slot": ("问的是", "asked for"),
    "question": ("问题", "question"),
    "count": ("第几次", "times"),
    "who": ("谁来办", "who"),
    "what": ("承诺", "what"),
    "when": ("时间", "when"),
    "ask": ("应补上", "add"),
    "words": ("客户的话", "words"),
    "categories": ("类别", "categories"),
    "outcome": ("结果", "outcome"),
    "hung_up_first": ("坐席先挂机", "agent hung up first"),
    "safety": ("涉及人身安全", "personal safety"),
}
_OUTCOMES = {"adopted": ("说出了建议话术", "as suggested"), "repaired": ("自行补救", "in own words")}


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language."""

    lang: Lang

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values filled in; an unknown key is a mistake of the program."""
        return _TEXTS[key][self._column].format(**values)

    def category(self, name: str) -> str:
        """Return a category's title; the name itself when a site added its own."""
        titles = _CATEGORIES_EN if self._column else CATEGORY_TITLES
        return titles.get(name) or self.kind(name)

    def kind(self, name: str) -> str:
        """Return the title of a kind of moment or a customer's signal."""
        return _KINDS.get(name, (name, name))[self._column]

    def motive(self, name: str) -> str:
        """Return the title of a complaint's motive."""
        return _MOTIVES.get(name, (name, name))[self._column]

    def severity(self, name: str) -> str:
        """Return the title of a severity."""
        return _SEVERITIES.get(name, (name, name))[self._column]

    def details(self, written: str) -> str:
        """Return a moment's details (JSON) as a reader wants them: what he can act on, in words."""
        said = []
        for key, value in orjson.loads(written).items():
            if key in _DETAILS and value not in (None, "", [], False):
                said.append(f"{_DETAILS[key][self._column]}：{self._detail(key, value)}")
        return "；".join(said)

    def _detail(self, key: str, value: object) -> str:
        if isinstance(value, list):
            return self("list").join(
                self.category(each) if key == "categories" else str(each) for each in value
            )
        if isinstance(value, bool):
            return self("yes")
        if key.endswith("_ms") and isinstance(value, int):
            return f"{value / 1000:.1f}"
        return _OUTCOMES.get(str(value), (str(value),) * 2)[self._column]

    @property
    def _column(self) -> int:
        return LANGS.index(self.lang)


def wording(lang: str) -> Wording:
    """Return the words of a language.

    Raises:
        ConfigError: the language is not spoken here.
    """
    for known in LANGS:
        if lang == known:
            return Wording(known)
    raise ConfigError(f"lang: 收到 {lang!r:.40}，应为 {' 或 '.join(LANGS)}")
