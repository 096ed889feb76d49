"""`coach serve --workers N`: a parent that opens the port and loads the rules once, and N forked processes that serve.

The parent starts whoever dies again, passes signals on and waits. It has no thread and no event loop, so that
forking is safe at any time; the rules are in memory once for all.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coach.errors import CoachError, ConfigError, exit_code
from coach.service.ruleset import compile_some
from coach.service.server import listen, run
from coach.service.service import Service
from coach.service.siblings import STATUS, Siblings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from coach.config import Settings

log = logging.getLogger(__name__)

_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
# A worker that lived for so long did not die of its start.
_HEALTHY_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 30.0
# Draining takes less; what is not gone by then hangs.
_STOP_S: Final = 20.0
_START_S: Final = 120.0


@dataclass(slots=True)
class _Worker:
    """One place for a process; `starts_at` says when the next one takes it."""

    number: int
    pid: int = 0
    started_at: float = 0.0
    starts_at: float = 0.0
    failures: int = 0
    restarts: int = 0


def run_workers(settings: Settings, *, on_ready: Callable[[Service, str], None]) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code. `on_ready` is told in the process that is ready.

    Raises:
        ConfigError: the platform cannot fork, the address or the data folder cannot be used.
        RulebookError, PhrasebookError: the rules cannot be loaded.
    """
    if not hasattr(os, "fork") or sys.platform == "darwin":
        raise ConfigError(f"workers: 多个进程需要 Linux，收到 {settings.workers}；此系统只能用 1")
    # Holds the lock of the data folder, and has the rules for those who are forked.
    model = Service(settings)
    for rules in model.rule_sources:
        rules.current.checker.warm()
    # Nothing loaded so far is garbage; a collection would write to every page of it, and unshare it.
    gc.collect()
    gc.freeze()
    listener = listen(settings.host, settings.port)
    with tempfile.TemporaryDirectory(prefix="coach-") as folder:
        return _Parent(model, listener, Path(folder), on_ready=on_ready).run()


class _Parent:
    """Starts, watches and ends the workers."""

    def __init__(
        self,
        model: Service,
        listener: socket.socket,
        folder: Path,
        *,
        on_ready: Callable[[Service, str], None],
    ) -> None:
        self._model = model
        self._listener = listener
        self._folder = folder
        self._on_ready = on_ready
        self._workers = [_Worker(number) for number in range(1, model.settings.workers + 1)]
        # Children read it and see its end when the parent is gone, however it went.
        self._life_read, self._life_write = os.pipe()
        self._ready_read, self._ready_write = os.pipe()
        os.set_blocking(self._ready_read, False)
        self._stopping_at = 0.0
        # Whoever is forked later finds the patterns compiled.
        self._compiling = chain.from_iterable(each.current.compile() for each in model.rule_sources)
        self._compile_at = 0.0

    def run(self) -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._write_status()
        # The first one alone: it brings the database up to date, and says what is wrong before there are N to say it.
        first = self._workers[0]
        self._start(first)
        code = self._wait_for_first(first)
        if code is not None:
            return code
        for worker in self._workers[1:]:
            self._start(worker)
        while any(worker.pid for worker in self._workers) or not self._stopping_at:
            self._turn()
        return 0

    def _turn(self) -> None:
        """Wait for a signal or the next thing that is due."""
        now = time.monotonic()
        due = [worker.starts_at for worker in self._workers if not worker.pid and not self._stopping_at]
        if self._stopping_at:
            due.append(self._stopping_at + _STOP_S)
        due += [self._compile(), now + 3600.0]
        pause = max(0.0, min(due) - now)
        self._handle(signal.sigtimedwait(_SIGNALS, pause))
        self._reap()
        now = time.monotonic()
        if self._stopping_at:
            if now - self._stopping_at > _STOP_S:
                log.error("仍有进程没有退出，强行结束")
                self._signal_all(signal.SIGKILL)
                self._stopping_at = now
            return
        for worker in self._workers:
            if not worker.pid and worker.starts_at <= now:
                self._start(worker)

    def _compile(self) -> float:
        """Compile more patterns if it is time to; return when it is time for the next, by the monotonic clock."""
        if time.monotonic() >= self._compile_at:
            rest_s = compile_some(self._compiling)
            self._compile_at = time.monotonic() + rest_s
        return self._compile_at

    def _handle(self, came: signal.struct_siginfo | None) -> None:
        if came is None or came.si_signo == signal.SIGCHLD:
            return
        if came.si_signo == signal.SIGHUP:
            self._signal_all(signal.SIGHUP)
        elif not self._stopping_at:
            log.info("收到信号，等待 %d 个进程结束", len(self._workers))
            self._stopping_at = time.monotonic()
            self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, number)

    def _wait_for_first(self, worker: _Worker) -> int | None:
        """Wait until the first worker is ready; the exit code if it, or we, ended instead."""
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            came = signal.sigtimedwait(_SIGNALS, 0.02)
            if came is not None and came.si_signo != signal.SIGCHLD:
                self._handle(came)
            ended, status = os.waitpid(worker.pid, os.WNOHANG)
            if ended:
                worker.pid = 0
                return os.waitstatus_to_exitcode(status) if not self._stopping_at else 0
            with contextlib.suppress(BlockingIOError):
                os.read(self._ready_read, 64)
                return None
        log.error("第一个进程 %g 秒内没有就绪", _START_S)
        os.kill(worker.pid, signal.SIGKILL)
        os.waitpid(worker.pid, 0)
        return 1

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for worker in self._workers:
                if worker.pid == pid:
                    self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, code: int) -> None:
        lived = time.monotonic() - worker.started_at
        worker.pid = 0
        if self._stopping_at:
            return
        worker.failures = 0 if lived >= _HEALTHY_S else worker.failures + 1
        pause = 0.0 if worker.failures <= 1 else min(_LONGEST_PAUSE_S, 0.5 * 2 ** (worker.failures - 2))
        worker.restarts += 1
        worker.starts_at = time.monotonic() + pause
        why = f"被信号 {signal.Signals(-code).name} 结束" if code < 0 else f"以退出码 {code} 结束"
        log.error("进程 %d %s，%.1f 秒后重新启动（第 %d 次）", worker.number, why, pause, worker.restarts)
        self._write_status()

    def _start(self, worker: _Worker) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        worker.started_at = time.monotonic()
        pid = os.fork()
        if pid:
            worker.pid = pid
            self._write_status()
            return
        # Never back into the parent's code, whatever happens here.
        code = 1
        try:
            os.close(self._life_write)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = self._serve(worker)
        except CoachError as error:
            sys.stderr.write(f"{error}\n")
            code = exit_code(error)
        except KeyboardInterrupt:
            code = 0
        except BaseException:
            log.exception("进程 %d 意外结束", worker.number)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _serve(self, worker: _Worker) -> int:
        # Made here and not inherited: what it draws by lot must differ.
        service = Service(
            self._model.settings,
            model=self._model,
            siblings=Siblings(self._folder, number=worker.number),
        )

        def on_listening(url: str) -> None:
            self._on_ready(service, url if worker.number == 1 and not worker.restarts else "")
            os.write(self._ready_write, b"1")

        run(service, on_listening=on_listening, listener=self._listener, life=self._life_read)
        return 0

    def _write_status(self) -> None:
        status = {
            "workers": len(self._workers),
            "restarts": {str(worker.number): worker.restarts for worker in self._workers},
        }
        part = self._folder / f".{STATUS}"
        part.write_text(json.dumps(status), "utf-8")
        part.replace(self._folder / STATUS)
