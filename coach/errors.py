"""Every exception that coach raises on purpose.

CoachError
├── ConfigError       a setting is missing or wrong            (for the operator)
│   └── UnreachableError       it is right, and what it names cannot be reached
├── RulebookError     a rule, word class or override is wrong   (for the rule author)
│   └── MissingRulebookError   there is no such folder or pack  (for the operator)
├── PhrasebookError   a phrase is wrong                         (for the phrase author)
├── TranscriptError   a recorded call cannot be read            (for the analyst)
└── MessageError      a frame or request is malformed           (for the integrator)
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final

# What an operating system says in English, in the language of the messages around it.
_CAUSES: Final = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.ENOTDIR: "路径中间有一段是文件，不是文件夹",
    errno.EISDIR: "这是文件夹，应为文件",
    errno.EEXIST: "已有同名的文件，不是文件夹",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "磁盘是只读的",
    errno.ENOSPC: "磁盘满了",
    errno.EDQUOT: "磁盘配额用完了",
    errno.EFBIG: "文件太大",
    errno.EIO: "磁盘读写出错",
    errno.EMFILE: "打开的文件太多",
    errno.ENFILE: "打开的文件太多",
    errno.ENAMETOOLONG: "名字太长",
    errno.ELOOP: "链接绕成了圈",
    errno.EBUSY: "正被占用",
}


# What orjson and json say of a text, by words that are telling.
_JSON_CAUSES: Final = {
    "unexpected end": "没写完就断了",
    "zero-length": "是空的",
    "Unterminated string": "引号没有收尾",
    "control character": "引号里有控制字符",
    "trailing comma": "最后一项后面多了逗号",
    "unexpected content after": "后面还有多余的内容",
    "Extra data": "后面还有多余的内容",
    "not valid UTF-8": "不是 UTF-8",
    "expected a string key": "应为加双引号的键",
    "Expecting property name": "应为加双引号的键",
    "expected a JSON value": "应为一个值",
    "Expecting value": "应为一个值",
    "Expecting ',' delimiter": "应为逗号或右括号",
    "expected ','": "应为逗号或右括号",
    "expected ':'": "应为冒号",
    "Expecting ':' delimiter": "应为冒号",
    "invalid literal": "应为 true、false、null 或加双引号的文字",
}


class CoachError(Exception):
    """Base class: one `except CoachError` at the edge turns any of them into a clear message."""


class ConfigError(CoachError):
    """A setting is missing or wrong."""


class UnreachableError(ConfigError):
    """What a setting names cannot be reached or opened now; the setting may be right."""


class TranscriptError(CoachError):
    """A recorded call cannot be read."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        """Render as `file:line:column: where: message`, which editors make clickable."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"


class _ProblemsError(CoachError):
    """All problems at once, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RulebookError(_ProblemsError):
    """A rule, word class or override is wrong; carries every problem found."""


class MissingRulebookError(RulebookError):
    """A folder or pack that was asked for is not there, or cannot be read: nothing is said of the rules."""


class PhrasebookError(_ProblemsError):
    """A phrase is wrong; carries every problem found."""


class MessageError(CoachError):
    """A frame or request is malformed.

    Attributes:
        code: machine-readable reason, one of the codes in docs/protocol.md.
        field: dotted path of the offending field, "" when the whole frame is meant.
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        self.code = code
        self.field = field
        self.message = message
        super().__init__(message)


def cause(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file could not be read or written, in Chinese; what is not known is told as it came."""
    if isinstance(error, UnicodeDecodeError):
        return f"第 {error.start + 1} 字节起不是 {error.encoding.upper()}"
    return _CAUSES.get(error.errno or 0) or error.strerror or str(error)


def json_cause(message: str) -> str:
    """Return what a JSON parser says, in Chinese; what is not known is told as it came."""
    return next((words for told, words in _JSON_CAUSES.items() if told in message), message)


def exit_code(error: CoachError) -> int:
    """Return what a process leaves with: 2 when input, flag or setting is wrong, 1 when it could not be done."""
    wrong = isinstance(error, (ConfigError, MissingRulebookError, TranscriptError))
    return 2 if wrong and not isinstance(error, UnreachableError) else 1
