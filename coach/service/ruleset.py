"""The rules in force, loaded again when their files change.

A new set is loaded, checked and its examples run in a thread; then one reference is swapped. If anything
is wrong, the old set stays and `stale` says why.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
from dataclasses import dataclass
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, Final

from watchfiles import awatch

from coach.coaching.checker import Checker
from coach.coaching.must_says import MustSayFinder
from coach.coaching.signals import SignalFinder
from coach.errors import CoachError, MessageError
from coach.garbage import no_collection
from coach.rulebook.book import load_rulebook
from coach.rulebook.proof import prove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from coach.rulebook.book import Rulebook
    from coach.rulebook.phrasebook import Phrasebook

log = logging.getLogger(__name__)

# Work that can wait is done for so long (seconds) at a time, then rests for so many times of what it took.
_STINT_S: Final = 0.004
_REST: Final = 9.0


def compile_some(compiling: Iterator[None]) -> float:
    """Compile patterns for some milliseconds; return how long to rest then, in seconds, infinity when all are done."""
    began = perf_counter()
    for _ in compiling:
        took = perf_counter() - began
        if took >= _STINT_S:
            return _REST * took
    return math.inf


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rule book ready for use: what finds the agent's faults, the customer's signals and the must-says."""

    rulebook: Rulebook
    checker: Checker
    finder: SignalFinder
    must_says: MustSayFinder

    @property
    def phrasebook(self) -> Phrasebook:
        """The phrases of the rule book."""
        return self.rulebook.phrasebook

    def warm(self) -> None:
        """Load what only some texts need, so that no call waits for it."""
        self.checker.warm()
        self.finder.find("您好")

    def compile(self) -> Iterator[None]:
        """Compile all patterns one by one, so that no call has to wait for one; takes seconds."""
        return chain(self.checker.compile(), self.finder.compile(), self.must_says.compile())


class RuleSource:
    """Holds the current RuleSet.

    Attributes:
        stale: why the files on disk are not in force; "" when they are.
        warm: nothing is left that a text would have to wait for.
    """

    def __init__(
        self,
        *,
        rules_dir: Path,
        phrasebook_dir: Path,
        packs: tuple[str, ...] = (),
        overrides: Path | None = None,
        proven: Path | None = None,
    ) -> None:
        self._rules_dir = rules_dir
        self._phrasebook_dir = phrasebook_dir
        self._packs = packs
        self._overrides = overrides
        # Remembers the digest whose examples passed, so that a restart need not run them again.
        self._proven = proven
        self._current: RuleSet | None = None
        self._listeners: list[Callable[[], None]] = []
        self._swapped = asyncio.Event()
        self._over = False
        self.stale = ""
        self.warm = False

    @property
    def current(self) -> RuleSet:
        """The rule set in force.

        Raises:
            MessageError: `not_authenticated`: it was let go, with the last tenant that had it.
        """
        if self._over:
            raise MessageError("not_authenticated", "租户已经不在这里了")
        if self._current is None:
            raise RuntimeError("rules are used before they were loaded")
        return self._current

    @property
    def loaded(self) -> bool:
        """Tell whether there is a rule set."""
        return self._current is not None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each swap."""
        self._listeners.append(listener)

    def ignore(self, listener: Callable[[], None]) -> None:
        """Call `listener` no more."""
        self._listeners.remove(listener)

    def let_go(self) -> None:
        """Free the memory: nobody has these rules any more. Who still asks for them is told so."""
        self._over, self._current = True, None

    def load(self, ruleset: RuleSet | None = None) -> None:
        """Take `ruleset`, or load the first set from the folders.

        Raises:
            RulebookError, PhrasebookError: with every problem found.
        """
        self._current = ruleset or self._read()

    async def keep_warm(self) -> None:
        """Load and compile, of every set, what only some texts need: beside the calls, not before them; endless."""
        await asyncio.to_thread(self.current.warm)
        while True:
            ruleset = self.current
            # A rule book is half a million objects that stay: left to the collector, each of its full rounds
            # would stop every call for a tenth of a second.
            gc.freeze()
            compiling = ruleset.compile()
            while ruleset is self.current:
                rest_s = await asyncio.to_thread(compile_some, compiling)
                if rest_s == math.inf:
                    self.warm = True
                    break
                await asyncio.sleep(rest_s)
            gc.freeze()
            while ruleset is self.current:
                self._swapped.clear()
                await self._swapped.wait()

    async def reload(self) -> None:
        """Load again and swap; on any problem keep the old set and say so."""
        try:
            fresh = await asyncio.to_thread(self._read)
            await asyncio.to_thread(fresh.warm)
        except (CoachError, OSError, UnicodeDecodeError) as error:
            self.stale = str(error)
            log.error("规则未能重新加载，继续使用 %s：\n%s", self.current.rulebook.digest, error)  # noqa: TRY400 - the message is the problem list
            return
        self.stale = ""
        if fresh.rulebook.digest == self.current.rulebook.digest:
            return
        log.info("规则已更新：%s -> %s", self.current.rulebook.digest, fresh.rulebook.digest)
        self._current = fresh
        self.warm = False
        self._swapped.set()
        for listener in self._listeners:
            listener()

    async def watch(self, stop: asyncio.Event) -> None:
        """Reload after every change of a file, until `stop`."""
        watched = [self._rules_dir, self._phrasebook_dir, *([self._overrides] if self._overrides else [])]
        async for _ in awatch(*watched, stop_event=stop, step=200):
            await self.reload()

    def _read(self) -> RuleSet:
        with no_collection():
            rulebook = load_rulebook(
                rules_dir=self._rules_dir,
                phrasebook_dir=self._phrasebook_dir,
                packs=self._packs,
                overrides=self._overrides,
                check_examples=False,
            )
            prove(rulebook, remembered=self._proven)
            checker = Checker(rulebook)
            # The words of the rules; what is said like them, and the dictionaries for rarer needs, follow in `warm`.
            checker.check("您好", final=False)
            finder = SignalFinder(rulebook)
            ruleset = RuleSet(rulebook, checker, finder, MustSayFinder(rulebook))
            # What is there now stays: the first collection after this would look at all of it.
            gc.freeze()
        return ruleset
