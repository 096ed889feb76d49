"""YAML with places: what a file says, and the line and column of every part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from coach.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import ValidationError


@dataclass(frozen=True, slots=True)
class Source:
    """A YAML file that could be read.

    Attributes:
        name: how problems name the file, relative to the rule book's root.
        content: plain dicts, lists, strings and numbers.
    """

    name: str
    content: Any
    root: yaml.Node

    def place(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Return line and column (from 1) of the part at `path`, or of the nearest part around it."""
        node: yaml.Node = self.root
        mark = node.start_mark
        for step in path:
            inner = _child(node, step)
            if inner is None:
                break
            node, mark = inner
        return mark.line + 1, mark.column + 1

    def problem(self, path: Sequence[str | int], message: str, *, index: int | None = None) -> Problem:
        """Describe what is wrong at `path`; `index` is that of the character meant in the text there."""
        line, column = self.place(path)
        if index is not None:
            column += index + self._quoted(path)
        return Problem(self.name, line, column, ".".join(map(str, path)), message)

    def _quoted(self, path: Sequence[str | int]) -> bool:
        """Tell whether the text at `path` stands in quotation marks, which shift it by one column."""
        node: yaml.Node | None = self.root
        for step in path:
            inner = _child(node, step) if node is not None else None
            node = inner[0] if inner else None
        return isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}

    def problems(self, error: ValidationError) -> list[Problem]:
        """Turn every error of a pydantic validation into a problem with its place."""
        return [
            self.problem(_real(entry["loc"]), _message(entry))
            for entry in error.errors(include_url=False)
            if not _of_other_kind(entry)
        ]


# The loader on libyaml reads a rule book in a tenth of the time; not every build of PyYAML has it.
_FastLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FastLoader):  # type: ignore[valid-type,misc]
    """Leaves `on`, `no` and dates alone: in a rule file they are words."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":int", ":null", ":merge"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


_MAX_DEPTH = 60
_MAX_NODES = 1_000_000
_BRACKETS = re.compile(r"[\[\]{}]")
_INDENT = re.compile(r"^[ \t?-]+", re.MULTILINE)


def read_source(path: Path, *, name: str) -> Source | Problem:
    """Read a YAML file, or say why it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return Problem(name, 0, 0, "", f"不是 UTF-8 编码（第 {error.start} 个字节）；请用 UTF-8 保存")
    except OSError as error:
        return Problem(name, 0, 0, "", f"读不到文件：{error.strerror}")
    return parse_source(text, name=name)


def parse_source(text: str, *, name: str) -> Source | Problem:
    """Parse YAML text, or say where and why it cannot be parsed."""
    if bad := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        column = bad.start() - text.rfind("\n", 0, bad.start())
        return Problem(name, line, column, "", f"有看不见的控制字符 {bad.group()!r}；请删掉")
    loader = _Loader(text)
    try:
        if deep := _too_deep(text):
            return Problem(name, deep.line + 1, deep.column + 1, "", f"嵌套超过 {_MAX_DEPTH} 层")
        root = loader.get_single_node()
        if root is None:
            return Problem(name, 1, 1, "", "文件是空的；第一行应是 version: 1")
        if wrong := _unusable(root, name):
            return wrong
        return Source(name, loader.construct_document(root), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        hint = "含有 { } , ? : # 的句式要用引号括起来"
        return Problem(name, line, column, "", f"YAML 写法有误：{_yaml_mistake(error)}。{hint}")
    except yaml.YAMLError as error:
        return Problem(name, 0, 0, "", f"YAML 写法有误：{error}")
    finally:
        loader.dispose()


def _unusable(root: yaml.Node, name: str) -> Problem | None:
    """Find what YAML allows and no rule file means."""
    if _weight(root, {}) > _MAX_NODES:
        return Problem(name, 0, 0, "", f"别名（*）展开后超过 {_MAX_NODES} 项；请把内容写开")
    message = "键应是一个词，锚点不能包含自己"
    wrong = _strange(root, ())
    if wrong is None:
        wrong = _double_key(root)
        message = f"键 {wrong.value!r} 写了两次" if wrong else ""
    if wrong is None:
        return None
    return Problem(name, wrong.start_mark.line + 1, wrong.start_mark.column + 1, "", message)


def _yaml_mistake(error: yaml.MarkedYAMLError) -> str:
    """Say the commonest mistakes in Chinese; the two loaders word them differently."""
    problem = error.problem or error.context or ""
    if "mapping values are not allowed" in problem:
        return "这里不该有冒号"
    if "expected ',' or" in problem:
        return "括号没有收尾，或少了逗号"
    return problem


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Mark] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, value.start_mark if isinstance(value, yaml.ScalarNode) else key.start_mark
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark
    return None


def _too_deep(text: str) -> yaml.Mark | None:
    """Find where nesting goes beyond all measure: composing nodes recurses, in C where nothing stops it."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(text):
        depth = depth + 1 if bracket[0] in "[{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    # Each level inside a block stands further right than the one around it.
    indented = max((len(found[0]) for found in _INDENT.finditer(text)), default=0)
    if deepest <= _MAX_DEPTH and indented <= _MAX_DEPTH:
        return None
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            mark: Any = event.start_mark  # the stubs disagree with themselves about its class
            return mark  # type: ignore[no-any-return]
    return None


def _weight(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the nodes that a node stands for, each alias written out; an anchor inside itself weighs nothing."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = 0
    inner = node.value if isinstance(node, (yaml.MappingNode, yaml.SequenceNode)) else ()
    parts = [part for child in inner for part in (child if isinstance(child, tuple) else (child,))]
    known[id(node)] = 1 + sum(_weight(part, known) for part in parts)
    return known[id(node)]


def _strange(node: yaml.Node, around: tuple[int, ...]) -> yaml.Node | None:
    """Find what YAML allows and no rule file means: a list as a key, an anchor inside itself."""
    if id(node) in around:
        return node
    around = (*around, id(node))
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                return key  # type: ignore[no-any-return]
            inner.append(value)
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    return next((found for child in inner if (found := _strange(child, around)) is not None), None)


def _double_key(node: yaml.Node) -> yaml.ScalarNode | None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                return key  # type: ignore[no-any-return]
            seen.add(key.value)
            if inner := _double_key(value):
                return inner
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            if inner := _double_key(value):
                return inner
    return None


def _real(location: tuple[str | int, ...]) -> list[str | int]:
    """Drop the parts of a pydantic location that name a member of a union, not a place in the file."""
    return [
        step for step in location if not (isinstance(step, str) and (_is_text(step) or step[:1].isupper()))
    ]


def _of_other_kind(entry: Any) -> bool:  # noqa: ANN401 - pydantic's error details
    """Tell whether an error only says that an example is not of the kind that its author did not mean."""
    last, mapping = entry["loc"][-1] if entry["loc"] else "", isinstance(entry.get("input"), dict)
    return (_is_text(last) and mapping) or (last == "ExampleModel" and not mapping)


def _is_text(step: str | int) -> bool:
    return step in {"str", "constrained-str"}


_CHINESE = {
    "missing": "缺少这个键",
    "extra_forbidden": "没有这个键",
    "string_type": "应为文字",
    "int_type": "应为整数",
    "bool_type": "应为 true 或 false",
    "list_type": "应为列表（每行一个 - ）",
    "tuple_type": "应为列表（每行一个 - ）",
    "dict_type": "应为键值对",
    "model_type": "应为键值对",
    "too_short": "至少要有一项",
    "string_pattern_mismatch": "应写成 类别/名称，只用小写字母、数字和连字符",
}


def _message(entry: Any) -> str:  # noqa: ANN401 - pydantic's error details
    kind, context = entry["type"], entry.get("ctx", {})
    got = entry.get("input")
    shown = "" if kind == "missing" or isinstance(got, (dict, list)) else f"，写的是 {got!r}"
    if kind in {"literal_error", "enum"}:
        return f"应为 {context['expected'].replace(', ', '、').replace(' or ', ' 或 ')}{shown}"
    if kind == "string_too_short":
        return f"至少 {context['min_length']} 个字{shown}" if got else "不能为空"
    if kind == "string_too_long":
        return f"最多 {context['max_length']} 个字{shown}"
    if kind == "value_error":
        return str(context["error"])
    return f"{_CHINESE.get(kind, entry['msg'])}{shown}"
