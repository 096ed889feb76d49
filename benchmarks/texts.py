"""What agents might say: a seeded generator of utterances, with and without rule triggers.

Every sentence frame is our own. The share of utterances that hold a trigger is set exactly.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.synthetic import Planted

_FRAMES = (
    "您好这里是{org}请问有什么可以帮您", "我看到您的{thing}已经{state}了", "请您稍等我马上帮您核实{thing}",
    "麻烦您报一下{number}的后四位", "您的{thing}{time}之前会{state}", "这边已经帮您登记好{thing}了",
    "感谢您的耐心等待", "您看这样处理可以吗", "{thing}的费用是{amount}元", "您{time}收到过我们的短信吗",
    "我再跟您确认一下{number}", "好的{name}", "好的我明白您的意思", "{time}会有专员联系您",
    "您可以在手机上打开{page}查看", "系统显示{thing}正在{state}", "这个{thing}属于{kind}",
    "请问您还有其他问题吗", "祝您生活愉快再见", "给您带来的不便非常抱歉", "我帮您申请了{amount}元的补偿",
    "您先别着急我来想办法", "{name}您说的情况我记下来了", "麻烦您把{thing}的照片发给我们",
    "您的地址是{place}对吗", "{thing}从{place}发出", "{page}里面有一个{kind}的入口", "请按照提示输入{number}",
    "我为您转接到{kind}的同事", "您的{kind}积分还有{amount}分", "这笔{thing}会原路退回",
    "预计{time}可以{state}", "非常理解您的心情", "我们会尽快给您答复", "您方便留一个联系电话吗",
)  # fmt: skip
_SLOTS = {
    "org": ("晨光银行", "青山通信", "远帆商城", "和畅保险", "云路出行"),
    "thing": ("订单", "包裹", "退款申请", "账单", "宽带", "保单", "信用卡", "优惠券", "发票", "套餐", "会员", "机票"),
    "state": ("发货", "审核", "到账", "生效", "派送", "开通", "处理完成", "更新", "签收"),
    "number": ("身份证", "订单号", "手机号", "银行卡", "工单号", "验证码"),
    "time": ("今天下午", "明天上午", "三个工作日", "本月底", "上个星期", "二十四小时", "周五"),
    "amount": ("十", "五十", "一百二十", "三十八", "六百", "两千"),
    "name": ("王女士", "李先生", "张女士", "陈先生", "赵女士", "刘先生"),
    "page": ("首页", "我的订单", "客户中心", "账户设置", "消息列表"),
    "kind": ("售后", "金卡", "家庭套餐", "增值服务", "普通快递", "理赔", "技术支持"),
    "place": ("杭州", "成都", "武汉", "广州", "西安", "南京"),
}  # fmt: skip
_BETWEEN = ("这个", "现在", "我们", "那边", "已经")
# How often a recogniser writes a hesitation down; such text has to be normalised before it is searched.
_HESITATING = 0.04


@dataclass(frozen=True, slots=True)
class Sample:
    """Utterances of one length and hit rate.

    Attributes:
        texts: all of them, shuffled.
        quiet: those without a trigger and without anything to normalise.
        planted: those in which a trigger was planted.
    """

    texts: list[str]
    quiet: list[str]
    planted: list[str]

    @property
    def mean(self) -> float:
        """Mean length in characters."""
        return sum(map(len, self.texts)) / len(self.texts)


def sample(
    plants: list[Planted], *, count: int, long: bool, rate: float, seed: int, avoid: frozenset[str]
) -> Sample:
    """Write `count` utterances, a share of `rate` with a trigger.

    Args:
        plants: what to plant: triggers with the words that complete a rule, or undo it.
        long: mean length about 48 characters instead of 14.
        avoid: words that no utterance may hold by chance, so that the rate is exact.
    """
    rng = random.Random(seed)
    quiet: list[str] = []
    planted: list[str] = []
    hesitating: list[str] = []
    for index in range(count):
        clauses = [
            _clause(rng, avoid) for _ in range(rng.randint(3, 5) if long else rng.choice((1, 1, 1, 2)))
        ]
        if index < count * rate:
            clauses[rng.randrange(len(clauses))] = _planted(rng, plants)
            planted.append("，".join(clauses))
        elif rng.random() < _HESITATING:
            hesitating.append("嗯" + "，".join(clauses))
        else:
            quiet.append("，".join(clauses))
    texts = quiet + planted + hesitating
    rng.shuffle(texts)
    return Sample(texts, quiet, planted)


def _clause(rng: random.Random, avoid: frozenset[str]) -> str:
    while True:
        text = fill(rng)
        if not any(word in text for word in avoid):
            return text


def _planted(rng: random.Random, plants: list[Planted]) -> str:
    """Write a clause with a trigger: half complete a rule, one in eight of those is an exception."""
    plant = rng.choice(plants)
    if rng.random() < 0.5:
        return f"{plant.trigger}{rng.choice(_BETWEEN)}{rng.choice(_SLOTS['thing'])}"
    between = "".join(rng.choices(_BETWEEN, k=rng.randint(0, plant.gap)))
    clause = f"{rng.choice(_BETWEEN)}{plant.trigger}{between}{plant.right}"
    return clause + plant.undo if rng.random() < 0.125 else clause


def fill(rng: random.Random, frames: Sequence[str] = _FRAMES) -> str:
    """Choose a frame and fill its slots; without `frames` one of an agent."""
    frame = rng.choice(frames)
    return frame.format(**{slot: rng.choice(words) for slot, words in _SLOTS.items()})
