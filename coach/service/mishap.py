"""A mistake of ours in the middle of a call: logged with its place, and without the words that led to it."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Final

from coach.errors import MessageError

log = logging.getLogger(__name__)

# The innermost calls say what went wrong; the outermost are always the same.
_DEPTH: Final = 8
# What the producer of the event is told.
NOT_TAKEN: Final = MessageError("internal", "服务内部出错，已记入日志；这一条没有接收，请不要重发")


def log_mishap(error: Exception, what: str, *, call_id: str) -> None:
    """Log an unexpected error of one call.

    An error's message may quote what was said (`invalid literal for int(): …`), so only its type is logged.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_DEPTH:]
    way = " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    log.error("%s：%s，在 %s", what, type(error).__name__, way, extra={"call_id": call_id})
