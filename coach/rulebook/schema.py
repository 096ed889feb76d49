"""JSON Schema of the YAML files, for editors that complete and check while one types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coach.rulebook.models import MustSaysFile, OverridesFile, PhraseFile, RuleFile, WordsFile
from coach.rulebook.opinion_file import OpinionFile

if TYPE_CHECKING:
    from pydantic import BaseModel

FILES: dict[str, type[BaseModel]] = {
    "rules": RuleFile,
    "words": WordsFile,
    "phrasebook": PhraseFile,
    "overrides": OverridesFile,
    "must-says": MustSaysFile,
    "second-opinion": OpinionFile,
}


def schema(kind: str = "rules") -> dict[str, Any]:
    """Return the schema of one kind of file.

    Args:
        kind: "rules", "words", "phrasebook", "overrides", "must-says" or "second-opinion".

    Raises:
        KeyError: for another kind.
    """
    made = FILES[kind].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"coach {kind}", **made}
