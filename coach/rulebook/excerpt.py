"""One rule cut out of its file, as written, comments and all; and put back in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from coach.errors import Problem
from coach.rulebook.source import parse_source

if TYPE_CHECKING:
    from coach.rulebook.source import Source

_HEAD = "version: 1\nrules:\n"


def excerpt(text: str, rule: str) -> str | None:
    """Return a rule file that holds just one rule of another; None when it is not there.

    Args:
        text: the whole file.
        rule: id of the rule.
    """
    lines = _item(text, rule)
    if lines is None:
        return None
    first, last = lines
    return _HEAD + "\n".join(text.splitlines()[first:last]).rstrip() + "\n"


def put_back(text: str, draft: str) -> str:
    """Return the whole file with each rule of a draft in the place of the one with its id, new ones at the end.

    Args:
        text: the whole file, "" for a new one.
        draft: a rule file without problems.
    """
    if not text.strip():
        return draft
    for rule in _ids(draft):
        written = _item(draft, rule)
        if written is None:
            continue
        block = "\n".join(draft.splitlines()[written[0] : written[1]]).rstrip().splitlines()
        place = _item(text, rule)
        lines = text.rstrip().splitlines()
        indent = _indent(lines, text)
        block = _moved(block, indent - _width(block[0]))
        if place is None:
            lines += block
        else:
            lines[place[0] : place[1]] = [*block, *_blank_tail(lines[place[0] : place[1]])]
        text = "\n".join(lines) + "\n"
    return text


def _rules(text: str) -> list[yaml.Node]:
    source = parse_source(text, name="")
    if isinstance(source, Problem):
        return []
    return _listed(source)


def _listed(source: Source) -> list[yaml.Node]:
    if isinstance(source.root, yaml.MappingNode):
        for key, value in source.root.value:
            if key.value == "rules" and isinstance(value, yaml.SequenceNode):
                return list(value.value)
    return []


def _id_of(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "id":
                return str(value.value)
    return ""


def _ids(text: str) -> list[str]:
    return [_id_of(node) for node in _rules(text)]


def _item(text: str, rule: str) -> tuple[int, int] | None:
    """Return the lines of a rule, from 0, the last one not included."""
    nodes = _rules(text)
    for node, following in zip(nodes, [*nodes[1:], None], strict=True):
        if _id_of(node) == rule:
            end = following.start_mark.line if following is not None else len(text.splitlines())
            return node.start_mark.line, end
    return None


def _indent(lines: list[str], text: str) -> int:
    nodes = _rules(text)
    return _width(lines[nodes[0].start_mark.line]) if nodes else 2


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _moved(block: list[str], by: int) -> list[str]:
    if by >= 0:
        return [" " * by + line if line.strip() else line for line in block]
    return [line[min(-by, _width(line)) :] for line in block]


def _blank_tail(lines: list[str]) -> list[str]:
    """Return the blank lines at the end, which part one rule from the next."""
    kept = len("\n".join(lines).rstrip().splitlines())
    return lines[kept:]
