"""Rule books of any size, written by a seeded generator and compiled by the real compiler."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import yaml

from coach.language.written import Vocabulary
from coach.rulebook.compile import Compiler
from coach.rulebook.models import RuleModel
from coach.rulebook.source import Source

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook
    from coach.rulebook.rules import Rule

# Openings of faults, none of which the utterance frames hold by chance.
TRIGGERS = (
    "不知道", "不清楚", "没办法", "应该是", "好像是", "你自己去", "办不了", "不归我", "不可以", "必须要", "可能是", "没听说",
    "不一定", "说不准", "你怎么不", "做不到", "管不着", "没看到", "不太懂", "绝对不会", "从来没", "随便你", "你得先", "凭什么",
    "跟我没关系", "你去找", "没人管", "说了几遍", "听不明白", "爱要不要", "不负责", "没权限", "轮不到", "急也没用", "帮不上",
    "不受理",
)  # fmt: skip
UNDO = ("的话", "也没事", "请放心", "不要紧", "不影响")


@dataclass(frozen=True, slots=True)
class Planted:
    """What completes one rule: its trigger, a word of its right class, and a word that undoes it."""

    trigger: str
    gap: int
    right: str
    undo: str


@dataclass(frozen=True, slots=True)
class RuleBooks:
    """Rule books of growing size over one vocabulary; the smaller are beginnings of the larger."""

    shipped: Rulebook
    rules: tuple[Rule, ...]
    plants: list[Planted]
    vocabulary: Vocabulary

    def book(self, size: int) -> Rulebook:
        """Return the shipped rule book with `size` synthetic rules in place of its own, and no second opinion."""
        return replace(self.shipped, rules=self.rules[:size], vocabulary=self.vocabulary, opinion=None)


def write_rules(shipped: Rulebook, *, count: int, seed: int = 11) -> RuleBooks:
    """Write `count` rules `trigger, gap, right class` with an exception each.

    The right classes hold one to four two-character words of jieba's dictionary.
    """
    rng = random.Random(seed)
    words = _words(shipped, rng, 6000)
    classes = dict(shipped.vocabulary.classes)
    models: list[RuleModel] = []
    plants: list[Planted] = []
    for number in range(count):
        # Half of the rules share a few triggers, as a rule book's do; the others have one of their own.
        trigger = (
            TRIGGERS[number // 2 % len(TRIGGERS)] if number % 2 else rng.choice("不没别") + rng.choice(words)
        )
        gap = rng.randint(0, 4)
        right = rng.sample(words, rng.randint(1, 4))
        undo = rng.choice(UNDO)
        classes[f"right-{number}"] = tuple(right)
        between = f"{{0,{gap}}} " if gap else ""
        model = {
            "id": f"rude/synthetic-{number}",
            "title": f"合成规则{number}",
            "severity": "notice",
            "status": "stable",
            "match": [f"{trigger} {between}<right-{number}>"],
            "except": [{"pattern": f"<right-{number}> {undo}", "because": "合成的例外"}],
            "suggest": ["ignorance/check-now"],
            "explain": "只用于测速的合成规则",
            "source": "合成",
            "hits": [],
            "misses": [],
        }
        models.append(RuleModel.model_validate(model))
        if number < 200:
            plants.append(Planted(trigger, gap, right[0], undo))
    vocabulary = Vocabulary(classes, shipped.vocabulary.fillers)
    compiler = Compiler(vocabulary)
    source = Source("rules/rude.yml", {}, yaml.compose("{}") or yaml.MappingNode("", []))
    rules = tuple(compiler.rule(model, source, index, stem="rude") for index, model in enumerate(models))
    if compiler.problems:
        raise SystemExit("\n".join(map(str, compiler.problems)))
    return RuleBooks(shipped, rules, plants, vocabulary)


def _words(shipped: Rulebook, rng: random.Random, count: int) -> list[str]:
    """Pick common two-character words of the dictionary, none of which is part of a trigger."""
    from jieba import Tokenizer

    with Tokenizer().get_dict_file() as lines:
        entries = [line.decode("utf-8").split() for line in lines]
    used = "".join((*TRIGGERS, *UNDO, *shipped.vocabulary.fillers))
    common = sorted(
        (
            (-int(frequency), word)
            for word, frequency, tag in entries
            if len(word) == 2 and tag[0] in "nv" and word not in used
        ),
    )
    return rng.sample([word for _, word in common[:12000]], count)
