"""Repairing what a recogniser misheard, and leaving alone what makes sense as it is written."""

from __future__ import annotations

import pickle

import pytest

from coach.language.repair import Repairer
from coach.language.tokens import Tokenizer

FORMS = [
    "我不知道", "不知道", "没办法", "不清楚", "不是我的工作", "您去投诉", "应该没问题", "不可能", "说了多少遍",
    "不归我管", "没时间",
]  # fmt: skip


def forms() -> list[str]:
    """Give the forms, as a matcher does."""
    return FORMS


@pytest.fixture(scope="module")
def repairer() -> Repairer:
    """Return a repairer of a handful of forms."""
    return Repairer(forms, tokenizer=Tokenizer())


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("这个我不之道啊", "这个我不知道啊"),
        ("我部知道", "我不知道"),
        ("真的没半法了", "真的没办法了"),
        ("那您去投素吧", "那您去投诉吧"),
        ("应该没文题的", "应该没问题的"),
        ("这个步清楚", "这个不清楚"),
        ("布可能的", "不可能的"),
    ],
)
def test_repairs_what_was_misheard(repairer: Repairer, written: str, repaired: str) -> None:
    """A stretch that makes no sense and sounds like a form becomes the form, and says where it changed."""
    repair = repairer.repair(written)
    assert repair is not None
    assert repair.text == repaired
    assert repair.changed == tuple(i for i, letter in enumerate(written) if letter != repaired[i])


@pytest.mark.parametrize(
    "written",
    [
        "总部知道这件事",
        "手机什么时候到",
        "我不知道",
        "部门知道以后会处理",
        "总部知道，我也知道",
        "步骤清楚了吗",
        "",
        "abc，。😀",
    ],
)
def test_leaves_sense_alone(repairer: Repairer, written: str) -> None:
    """Where the text makes sense as it is written, or is written as the form, nothing is repaired."""
    assert repairer.repair(written) is None


def test_person_is_no_mishearing() -> None:
    """他 for 她, 的 for 得: recognisers cannot tell, and no rule should be found because of it."""
    repairer = Repairer(lambda: ["他说的对"], tokenizer=Tokenizer())
    assert repairer.repair("她说得对") is None


def test_whole_form_misheard_is_not_believed() -> None:
    """When no character agrees, the likeness is an accident."""
    repairer = Repairer(lambda: ["没时间"], tokenizer=Tokenizer())
    assert repairer.repair("梅石尖") is None


def test_suspects_are_the_stretches_that_sound_alike(repairer: Repairer) -> None:
    """Suspects name start, end and form; what is written as the form is none."""
    assert (1, 4, "不知道") in repairer.suspects("我部知道")
    assert repairer.suspects("我不知道") == []


def test_without_forms_nothing_is_suspected() -> None:
    """An empty rule book repairs nothing."""
    assert Repairer(list, tokenizer=Tokenizer()).suspects("我部知道") == []


def test_pickles_without_its_automaton(repairer: Repairer) -> None:
    """A copy in another process builds its own index and repairs alike."""
    repairer.suspects("我部知道")
    copy = pickle.loads(pickle.dumps(repairer))
    assert copy.suspects("我部知道") == repairer.suspects("我部知道")
