"""Masking: what is hidden, what stays, measured on labelled sentences."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.language.masking import KINDS, find, mask

SENTENCES = Path(__file__).parents[1] / "data" / "masking"
PARTS = ("learn", "blind", "unseen")
SURE_KINDS = ("phone", "id-card", "bank-card")


def sentences(part: str) -> list[dict]:
    """Read one part of the labelled sentences."""
    lines = (SENTENCES / f"{part}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def measure(part: str) -> dict[str, tuple[float, float]]:
    """Return precision and recall by kind; a labelled stretch is found when it is covered whole."""
    right, missed, wrong = Counter(), Counter(), Counter()
    for sentence in sentences(part):
        left = list(find(sentence["text"]))
        for span in sentence["spans"]:
            covering = next(
                (
                    each
                    for each in left
                    if each.kind == span["kind"] and each.start <= span["start"] and span["end"] <= each.end
                ),
                None,
            )
            if covering is None:
                missed[span["kind"]] += 1
            else:
                right[span["kind"]] += 1
                left.remove(covering)
        wrong.update(each.kind for each in left)
    kinds = right.keys() | missed.keys() | wrong.keys()
    return {
        kind: (
            right[kind] / max(1, right[kind] + wrong[kind]),
            right[kind] / max(1, right[kind] + missed[kind]),
        )
        for kind in kinds
    }


@pytest.mark.parametrize("part", PARTS)
def test_numbers_of_persons_are_found(part):
    """Phones, IDs and bank cards: precision 0.97 and recall 0.95 at least."""
    measured = measure(part)
    poor = {
        kind: measured[kind] for kind in SURE_KINDS if measured[kind][0] < 0.97 or measured[kind][1] < 0.95
    }
    assert poor == {}


@pytest.mark.parametrize("part", PARTS)
def test_other_kinds_are_found(part):
    """Every other kind: precision and recall 0.9 at least."""
    poor = {
        kind: values for kind, values in measure(part).items() if kind not in SURE_KINDS and min(values) < 0.9
    }
    assert poor == {}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的手机号是13812345678", "我的手机号是138****5678"),
        ("幺三八 一二三四 五六七八", "幺三八 **** 五六七八"),
        ("幺三八，嗯，一二三四，然后五六七八", "幺三八，嗯，****，然后五六七八"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("座机010-62345678", "座机010-******78"),
        ("身份证110101199003070011", "身份证110***********0011"),
        ("身份证23010319950623775X", "身份证230***********775X"),
        ("卡号6222 0210 0112 3456 789", "卡号**** **** **** ***6 789"),
        ("邮箱zhangsan@qq.com", "邮箱z*******@qq.com"),
        ("车牌京A12345", "车牌京A***45"),
        ("护照E12345678", "护照E******78"),
        ("微信号xiaoming_2020", "微信号x*******_**20"),
        ("我叫王小明，想查话费", "我叫王**，想查话费"),
        ("王小明先生您好", "王**先生您好"),
        ("那王小明先生您稍等", "那王**先生您稍等"),
        ("谢谢谢小军先生", "谢谢谢**先生"),
        ("我是方向东", "我是方**"),
        ("我叫王一博", "我叫王**"),
        ("李小明老师", "李**老师"),
        ("我把资料发给张文华老师了", "我把资料发给张**老师了"),
        ("孩子的班主任是赵丽颖老师，没接", "孩子的班主任是赵**老师，没接"),
        ("欧阳娜娜老师在吗", "欧阳**老师在吗"),
        ("王明老师您好", "王*老师您好"),
        ("地址是北京市朝阳区建国路88号", "地址是北京市朝阳区******"),
    ],
)
def test_useful_ends_stay(text, masked):
    """Each kind keeps the ends by which an agent recognises it."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "一共1280元，工号8808123",
        "请拨打4008108888",
        "2026-01-05 09:30到账",
        "订单号是202601051234567",
        "我叫了三次都没人来",
        "姓王的同事，地址不详",
        "谢谢孟先生，信息核对一致",
        "那王先生您稍等",
        "那欧阳先生您稍等",
        "王老师在吗",
        "高先生您好",
        "好老师",
        "明天老师来",
        "辛苦李老师了",
        "相信王老师",
        "周日王老师来上课",
        "那位好老师",
        "任课老师您好",
        "班主任老师您好，手机号是多少",
        "文化课老师",
        "韩语老师，您好",
        "安装老师傅三位",
        "我是皮球吗",
        "我是毛坯房",
        "我是安卓，您呢",
        "我是高中老师",
        "服务中心在学府路二十号一楼三号窗口",
    ],
)
def test_look_alikes_stay(text):
    """Amounts, staff numbers, hotlines, dates, orders and everyday words are nobody's data."""
    assert mask(text) == text


@pytest.mark.parametrize("digits", ["12345678901234567X", "9" * 17 + "叉", "10000000000000000，x"])
def test_seventeen_digits_and_an_x_need_not_be_an_id(digits):
    """Whatever it is, the call goes on and the digits are hidden."""
    masked = mask(f"我的号码是{digits}")
    assert len(masked) == len(digits) + 5
    assert masked.count("*") >= 13


def test_what_was_shown_is_not_hidden_with_the_rest():
    """Of a phone cut in two the last four digits stay readable, as they do of a whole one."""
    said = "我的电话是1381234"
    assert (mask(said), mask("5678", before=said)) == ("我的电话是138****", "5678")


def test_order_numbers_on_request():
    """An order number is masked only when its kind is asked for."""
    assert mask("订单号是202601051234567", kinds=KINDS) == "订单号是***********4567"


@pytest.mark.parametrize(
    "number",
    ["13812345678", "幺三八一二三四五六七八", "110101199003070011", "6222021001123456789", "01062345678"],
)
def test_a_growing_number_never_flashes(number):
    """Over all partial texts of a number and its final one, at most 4 of its first and 4 of its last digits show."""
    said = "我报一下，"
    shown: set[int] = set()
    for length in range(1, len(number) + 1):
        partial = mask(said + number[:length], final=False)[len(said) :]
        shown |= {index for index, letter in enumerate(partial) if letter != "*"}
    final = mask(said + number)[len(said) :]
    shown |= {index for index, letter in enumerate(final) if letter != "*"}
    hidden = set(range(len(number))) - shown
    assert hidden >= set(range(6, len(number) - 4))


def test_a_mobile_number_is_masked_from_its_fifth_digit():
    """Nothing says that it is a phone, but it begins like one and is not over."""
    assert mask("嗯，13812", final=False) == "嗯，138**"


def test_a_mobile_number_is_masked_at_once_when_asked_for():
    """After 手机号 the fourth digit is hidden already."""
    assert mask("手机号是1381", final=False) == "手机号是138*"


def test_a_short_amount_stays_while_it_grows():
    """A price under way is no phone."""
    assert mask("一共是1280", final=False) == "一共是1280"


def test_segments_of_one_number_are_read_together():
    """A recogniser cut 幺三八 一二三四 五六七八 into three finals; the middle is hidden."""
    parts = ["我的号码是幺三八", "一二三四", "五六七八"]
    heard = ""
    masked = []
    for part in parts:
        masked.append(mask(part, before=heard))
        heard += part
    assert masked == ["我的号码是幺三八", "****", "五六七八"]


def test_a_name_in_the_next_segment():
    """我叫 ends one segment, the name is the next."""
    assert mask("王小明", before="您好我叫") == "王**"


@pytest.mark.parametrize("part", PARTS)
def test_masking_twice_changes_nothing(part):
    """What was stored masked stays as it is when it is read again."""
    changed = [
        text
        for text in (sentence["text"] for sentence in sentences(part))
        if mask(mask(text)) != mask(text) or len(mask(text)) != len(text)
    ]
    assert changed == []


LETTERS = st.text(alphabet="138一幺零五路号区市我叫王小明先生@.aqQ 京-，卡电话是万元叉X·*", max_size=60)


# Long enough for the numbers that are recognised by their check digit.
NUMBERS = st.builds(
    str.__add__,
    st.sampled_from(["", "身份证号", "银行卡号是", "订单号", "电话", "工号"]),
    st.text(alphabet="0123456789" * 3 + "xX叉，- *元", max_size=40),
)


@settings(max_examples=500, deadline=None)
@given(LETTERS | NUMBERS, LETTERS | NUMBERS, st.booleans())
def test_length_and_order_hold_for_any_text(text, before, final):
    """Whatever comes: as long as before, only stars put in, stretches in order and apart."""
    masked = mask(text, before=before, final=final)
    spans = find(text, before=before, final=final)
    assert len(masked) == len(text)
    assert all(new in (old, "*") for old, new in zip(text, masked, strict=True))
    assert all(0 <= each.start < each.end <= len(text) for each in spans)
    assert all(first.end <= second.start for first, second in itertools.pairwise(spans))
