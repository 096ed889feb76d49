"""A wrong command line, told in Chinese: typer knows what is wrong, and says it in English."""

from __future__ import annotations

import re
from typing import Final, cast

import typer

from coach.validation import explain

# Of click, or of typer's own copy of it: whichever this typer raises.
UsageError: Final = cast("type[Exception]", typer.BadParameter.__mro__[1])
_CHOICE: Final = re.compile(r"(.+) is not one of (.+?)\.?$")


def explain_usage(error: Exception) -> str:
    """Say what is wrong with the command line, and where its help is.

    Args:
        error: a `UsageError`.
    """
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error)
    context = getattr(error, "ctx", None)
    lines = [_what(error)]
    if context is not None:
        lines.append(
            f"用法：{' '.join([context.command_path, *context.command.collect_usage_pieces(context)])}"
        )
        lines.append(f"说明：{context.command_path} --help")
    return "\n".join(lines)


def _what(error: Exception) -> str:
    # By name: older versions of typer have them from click.
    kind = type(error).__name__
    message = str(getattr(error, "message", error))
    hint = _hint(error)
    if kind == "NoSuchOption":
        near = "、".join(getattr(error, "possibilities", None) or ())
        return f"没有选项 {getattr(error, 'option_name', '')}" + (f"，是不是 {near}？" if near else "")
    if kind == "MissingParameter":
        return f"缺少 {hint}"
    if kind == "BadParameter":
        return f"{hint}: {_why(error, message)}" if hint else message
    if message.startswith("No such command"):
        return f"没有命令 {message.removeprefix('No such command').strip(' .')}"
    if message.startswith("Got unexpected extra argument"):
        return f"多出了参数 {message.partition(' (')[2].rstrip(')')}"
    if message.startswith("Option ") and "requires an argument" in message:
        return f"选项 {getattr(error, 'option_name', '')} 后面应有值"
    return message


def _hint(error: Exception) -> str:
    """Return the option or argument that is meant, as one writes it."""
    hint = getattr(error, "param_hint", None)
    parameter = getattr(error, "param", None)
    if hint is None and parameter is not None:
        is_option = parameter.param_type_name == "option"
        hint = max(parameter.opts, key=len) if is_option else str(parameter.metavar or parameter.name).upper()
    return " / ".join(hint) if isinstance(hint, (list, tuple)) else str(hint or "")


def _why(error: Exception, message: str) -> str:
    errors = getattr(error.__cause__, "errors", None)
    said = message if errors is None else "；".join(explain(each) for each in errors())
    choice = _CHOICE.match(said)
    return f"收到 {choice[1]}，应为 {choice[2].replace(', ', '、')} 之一" if choice else said
