"""A center for the tests: a small rule book, a scorecard and a few calls, all in real files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.review.setup import ReviewSetup, RuleFolders
from coach.transcripts.model import ReadOptions
from tests.conftest import SCORECARD, load, rule_yaml, rules_file

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

CARD = (
    SCORECARD
    + """\
  - {id: greeting, title: 开场不完整, moments: [missing-greeting], points: -4, per: call}
"""
)
CLEAN = "您好，晨光银行客服，工号八零一二，请问有什么可以帮您？"
FAULTY = "这个我不知道啊"


@dataclass(frozen=True)
class Center:
    """Folders of one center.

    Attributes:
        root: holds rules/, phrasebook/, card.yml, calls.jsonl; results go to out/.
    """

    root: Path

    @property
    def calls(self) -> Path:
        """Return the file of calls."""
        return self.root / "calls.jsonl"

    @property
    def out(self) -> Path:
        """Return the output directory."""
        return self.root / "out"

    @property
    def card(self) -> Path:
        """Return the scorecard."""
        return self.root / "card.yml"

    def folders(self, name: str = "") -> RuleFolders:
        """Return the rule folders below `name`."""
        return RuleFolders(self.root / name / "rules", self.root / name / "phrasebook")

    def setup(
        self,
        *,
        old: str | None = None,
        masked: bool = True,
        since: datetime | None = None,
        agent_is: str = "",
    ) -> ReviewSetup:
        """Return the setup of a review; `old` names the folder of older rules."""
        return ReviewSetup(
            self.folders(),
            self.card,
            old=self.folders(old) if old is not None else None,
            masked=masked,
            since=since,
            read=ReadOptions(agent_is=frozenset({agent_is} - {""})),
        )

    def write_rules(self, name: str = "", **changed: str | None) -> None:
        """Write the one rule, with keys of it changed, into the folder `name`."""
        load(self.root / name, rules=rules_file(rule_yaml(**changed)), check_examples=False)

    def write_calls(self, *turns: list[tuple[str, str]], name: str = "calls.jsonl") -> Path:
        """Write calls, each a list of (speaker, text), four seconds a turn."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(call_line(f"c{number}", each) for number, each in enumerate(turns)))
        return path


def call_line(identity: str, turns: list[tuple[str, str]], **more: object) -> bytes:
    """Write one call as a line of JSON."""
    said = [
        {"speaker": speaker, "text": text, "start_ms": index * 4000, "end_ms": index * 4000 + 3500}
        for index, (speaker, text) in enumerate(turns)
    ]
    return json.dumps({"id": identity, **more, "turns": said}, ensure_ascii=False).encode() + b"\n"


def make_center(root: Path) -> Center:
    """Write the rule book and the card."""
    center = Center(root)
    center.write_rules()
    center.card.write_text(CARD, "utf-8")
    return center
