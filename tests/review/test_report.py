"""The HTML report: what it says, what it never does, and that nothing in a transcript can become markup."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import get_args

import pytest

from coach.coaching.moment import Moment, MomentKind
from coach.coaching.scorecard import CallScore, ScoreItem
from coach.errors import ConfigError
from coach.review.charts import Bar, Point, columns, intervals, line, rows, stack
from coach.review.names import AgentNames
from coach.review.report import render
from coach.review.result import CallResult, ResultHit, ResultTurn, TurnMark
from coach.review.tables import Tables
from coach.review.transcript import Piece, cut, turns_of
from coach.review.wording import _KINDS, _TEXTS, LANGS, wording
from tests.review.result_records import faulty_turn, hit, result, results

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&'
# Elements that are never closed.
VOID = {"meta", "input"}


class Outline(HTMLParser):
    """Checks that every element is closed in order, and collects what a test asks about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and wait for its end."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that ends itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """End the innermost element, which has to be this one."""
        assert self.open.pop() == tag


def report(*found: CallResult, lang: str = "zh-CN", anonymous: bool = True) -> str:
    """Render the report of some calls."""
    words = wording(lang)
    tables = Tables(names=AgentNames(anonymous=anonymous, prefix=words("agent-prefix")))
    for one in found:
        tables.add(one)
    return render(tables, words)


@pytest.mark.parametrize("count", [0, 1, 500])
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_html_is_well_formed(count: int, lang: str) -> None:
    """Every element is closed in order and every id is there once, however many calls there are."""
    outline = Outline(report(*results(count), lang=lang))
    assert outline.open == []
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_anywhere() -> None:
    """No address, no source, no import: the file works on a machine without a network."""
    html = report(*results(200))
    assert re.findall(r"(?:https?:)?//[a-z0-9]", html) == []
    assert "@import" not in html
    assert "url(" not in html
    attributes = [name for _, found in Outline(html).elements for name in found]
    assert not {"src", "srcset", "style"} & set(attributes)
    links = [found["href"] for _, found in Outline(html).elements if "href" in found]
    assert all(link is not None and link.startswith("#") for link in links)


def test_every_link_of_the_contents_leads_somewhere() -> None:
    """A link names a section that is on the page."""
    elements = Outline(report(*results(200))).elements
    ids = {found.get("id") for _, found in elements}
    links = {found["href"] for _, found in elements if "href" in found}
    assert len(links) > 5
    assert {str(link).removeprefix("#") for link in links} <= ids


def test_policy_allows_the_one_style_and_the_one_script_by_digest() -> None:
    """The digests in the policy are those of what is in the page."""
    html = report(result())
    for tag in ("style", "script"):
        [inside] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = b64encode(sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;".replace("&#39;", "'") in html.replace("&#39;", "'")
    assert "default-src 'none'" in html.replace("&#39;", "'")


def test_a_transcript_cannot_become_markup() -> None:
    """Markup in any text of a call is shown as it was said."""
    bad = ResultHit(EVIL, EVIL, EVIL, "warning", 1, 0, 8, EVIL[:8], 4000, False, EVIL)
    turns = (
        ResultTurn("customer", EVIL, 0, 1000),
        ResultTurn("agent", EVIL, 1000, 2000, (TurnMark(0, 8, "warning", EVIL),)),
    )
    moments = (
        Moment("commitment", 0, 1, {"when": EVIL, "vague": True}),
        Moment("customer-complaint", 0, 0, {"motive": EVIL, "safety": True}),
    )
    html = report(
        result(
            EVIL,
            agent_id=EVIL,
            team=EVIL,
            turns=turns,
            hits=(bad,),
            moments=moments,
            categories=(EVIL,),
            signals=(EVIL,),
            not_measurable=(EVIL,),
            digest=EVIL,
            score=CallScore(1.0, False, EVIL, (ScoreItem(EVIL, EVIL, -5.0, 1),)),
        ),
        anonymous=False,
    )
    tags = [tag for tag, _ in Outline(html).elements]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert "&lt;script&gt;alert(1)" in html


def test_agents_are_not_named_unless_wanted() -> None:
    """No agent id anywhere in the page, also not inside what was said; --named shows them."""
    spoken = result(
        turns=(
            ResultTurn("customer", "喂", 0, 1),
            faulty_turn(),
            ResultTurn("agent", "工号10086为您服务", 0, 1),
        )
    )
    assert "10086" not in report(spoken)
    assert "坐席 A01" in report(spoken)
    assert "10086" in report(spoken, anonymous=False)


def test_worst_call_is_open_with_its_marks_and_replacements() -> None:
    """The transcript shows the marked words and what to say instead."""
    html = report(result())
    assert '<mark class="warning">我不知道</mark>啊' in html
    assert "可以说：我帮您查一下，两小时内给您答复。" in html


def test_charts_have_twins_and_names() -> None:
    """Every chart has a name for screen readers, and nearly all a table that says the same."""
    elements = Outline(report(*results(300))).elements
    charts = [found for tag, found in elements if tag == "svg"]
    assert len(charts) >= 8
    assert all(found["role"] == "img" and found["aria-labelledby"] for found in charts)
    twins = [found for tag, found in elements if tag == "details" and found.get("class") == "twin"]
    assert len(twins) == len([tag for tag, _ in elements if tag == "figure"])


def test_small_teams_are_marked() -> None:
    """A team of a few turns shows no rate."""
    assert "样本不足" in report(result(agent_turns=99))
    assert "样本不足</td>" not in report(result(agent_turns=100))


def test_mixed_rule_sets_are_told() -> None:
    """Results of two rule sets are not comparable, and the report says so."""
    assert "2 个不同的规则集" in report(result(), result("b", digest="other"))


def test_english_report_has_no_chinese_of_ours() -> None:
    """With lang=en every word of the page itself is English."""
    plain = result(
        turns=(ResultTurn("agent", "x", 0, 1), ResultTurn("agent", "y", 0, 1)),
        hits=(),
        team="A",
        score=CallScore(90.0, True, None, ()),
    )
    html = re.sub(r"<(style|script)>.*?</\1>", "", report(plain, lang="en"), flags=re.DOTALL)
    assert re.findall(r"[\u4e00-\u9fff]+", html) == []


def test_both_languages_have_every_text() -> None:
    """No text is empty, and both have the same values to fill in."""
    for key, (chinese, english) in _TEXTS.items():
        assert chinese, key
        assert english, key
        assert sorted(re.findall(r"{\w+}", chinese)) == sorted(re.findall(r"{\w+}", english)), key


def test_unknown_language_is_refused() -> None:
    """The error names what came and what is spoken."""
    with pytest.raises(ConfigError, match="收到 'fr'，应为 zh-CN 或 en"):
        wording("fr")


def test_overlapping_marks_show_the_gravest() -> None:
    """Where two marks overlap, the graver one colours the common part."""
    assert cut("甲乙丙丁", [(0, 3, "notice"), (1, 4, "violation")]) == (
        Piece("甲", "notice"),
        Piece("乙丙丁", "violation"),
    )


@pytest.mark.parametrize("marks", [[(-3, 99, "notice")], [(2, 2, "notice")], [(9, 12, "warning")]])
def test_marks_outside_the_text_lose_nothing(marks: list[tuple[int, int, str]]) -> None:
    """Whatever the marks, the pieces are the text."""
    assert "".join(piece.text for piece in cut("甲乙丙丁", marks)) == "甲乙丙丁"  # type: ignore[arg-type]


def test_a_long_call_is_shown_around_its_marks() -> None:
    """A thousand turns are shortened, and it is said by how many."""
    turns = [
        ResultTurn("customer", f"第{number}句", number * 1000, number * 1000 + 900) for number in range(1000)
    ]
    turns[500] = faulty_turn(start_ms=500_000)
    views = turns_of(
        result(turns=tuple(turns), hits=(hit(turn=500),)), names=AgentNames(), words=wording("zh-CN")
    )
    shown = [view for view in views if not view.omitted]
    assert len(shown) + sum(view.omitted for view in views) == 1000
    assert len(shown) == 10
    assert any(piece.text == "我不知道" for view in shown for piece in view.pieces)


def test_times_are_left_out_when_unknown() -> None:
    """A transcript without times shows none."""
    views = turns_of(
        result(turns=(ResultTurn("agent", "好", 0, 0),), hits=()), names=AgentNames(), words=wording("zh-CN")
    )
    assert [view.at for view in views] == [""]


def test_line_has_a_gap_where_nothing_was_measured() -> None:
    """Two runs of points are two lines, not one drawn through the gap."""
    points = [Point(str(day), value) for day, value in enumerate([1.0, 2.0, None, 2.0, 3.0])]
    assert line(points, name="x", title="x").count("<polyline") == 2


def test_small_changes_look_small() -> None:
    """A scale that must cover ten points does so for a change of one."""
    chart = line([Point("a", 95.0), Point("b", 96.0)], name="x", title="x", floor_at=None, span=10)
    ticks = [float(tick) for tick in re.findall(r'text-anchor="end">([0-9.]+)<', chart)]
    assert max(ticks) - min(ticks) >= 10


@pytest.mark.parametrize("value", [0.0, 0.001, 1.0, 99.9, 12_345_678.0])
def test_charts_stay_inside_their_frame(value: float) -> None:
    """Nothing is drawn outside the view box, whatever the size of the numbers."""
    drawn = [
        columns([Bar("a", value, "a"), Bar("b", 0, "0")], name="c", title="c", mark=value),
        rows([Bar("甲" * 40, value, "a")], name="r", title="r"),
        intervals(
            [Point("a", value, value / 2, value * 2), Point("b", None, text="?")],
            name="i",
            title="i",
            mean=value,
        ),
        line([Point("a", value, value, value), Point("b", None)], name="l", title="l"),
        stack([Bar("a", value, "a"), Bar("b", value, "b")], name="s", title="s"),
    ]
    for chart in drawn:
        assert Outline(chart).open == []
        height = float(re.findall(r'viewBox="0 0 720 ([0-9.]+)"', chart)[0])
        for x in re.findall(r' (?:x|x1|x2|cx)="([^"]+)"', chart):
            assert -0.1 <= float(x) <= 720.1
        for y in re.findall(r' (?:y|y1|y2|cy)="([^"]+)"', chart):
            assert -0.1 <= float(y) <= height + 0.1


def test_the_same_calls_give_the_same_report() -> None:
    """No clock and no chance in it: two runs can be compared byte by byte."""
    assert report(*results(100)) == report(*results(100))


@pytest.mark.parametrize("lang", LANGS)
def test_every_moment_has_a_title(lang):
    """Every kind of moment has a title in each language."""
    assert [kind for kind in get_args(MomentKind) if kind not in _KINDS] == []
    assert all(wording(lang).kind(kind) for kind in get_args(MomentKind))
