"""What pydantic refuses, in the words of this project: what came, and what was expected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN: Final = 80
_EXPECTED: Final = {
    "string_type": "应为字符串",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数",
    "float_parsing": "应为数",
    "finite_number": "应为有限的数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应至少为 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应至多为 {le}",
    "literal_error": "应为 {expected}",
    "enum": "应为 {expected}",
    "list_type": '应为数组，如 ["…"]',
    "tuple_type": '应为数组，如 ["…"]',
    "path_type": "应为文件或目录的路径",
    "model_type": "应为一个表",
}
_NO_VALUE: Final = {"missing": "缺少这个字段", "extra_forbidden": "没有这个字段"}


def explain(
    error: Mapping[str, Any], *, wording: Mapping[str, str] | None = None, secret: bool = False
) -> str:
    """Say what is wrong with one value.

    Args:
        error: one of `ValidationError.errors()`.
        wording: what is expected in other words, by type of the error.
        secret: the value must not be shown.
    """
    kind = error["type"]
    context = {name: _chinese(value) for name, value in (error.get("ctx") or {}).items()}
    if kind in _NO_VALUE:
        return (wording or {}).get(kind, _NO_VALUE[kind])
    expected = {**_EXPECTED, **(wording or {})}.get(kind)
    if expected is None:
        # Of our own validators: they say what came by themselves.
        return str(error["msg"]).removeprefix("Value error, ")
    expected = expected.format(**context)
    return f"收到了别的，{expected}" if secret else f"收到 {_shown(error['input'])}，{expected}"


def _shown(value: object) -> str:
    """Quote what came, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _chinese(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace(" or ", " 或 ").replace(", ", "、")
