"""What the YAML files may hold, exactly as an author writes it. `compile.py` makes it run."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

CATEGORIES = (
    "ignorance",
    "refusal",
    "buck-passing",
    "disparaging",
    "blame",
    "calm-down",
    "impatience",
    "call-back",
    "hedging",
    "absolute-denial",
    "rhetorical",
    "interrogating",
    "commanding",
    "overpromise",
    "rude",
)
PHASES = ("opening", "identity", "inquiry", "handling", "closing")
SLOTS = ("rest", "org", "agent_number", "customer_name", "department", "deadline")

Text = Annotated[str, Field(min_length=1)]
PhaseName = Literal["opening", "identity", "inquiry", "handling", "closing"]
SeverityName = Literal["notice", "warning", "violation"]
StatusName = Literal["draft", "trial", "stable", "retired"]
SpeakerName = Literal["agent", "customer", "any"]


class Strict(BaseModel):
    """Nothing but the keys that are listed, and no guessing of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class VersionedFile(Strict):
    """A file of this version of the format."""

    version: Literal[1]

    @field_validator("version", mode="before")
    @classmethod
    def _known_version(cls, value: object) -> object:
        if value != 1 or isinstance(value, bool):
            message = f"版本 {value!r} 不认识；这一版 coach 只读 version: 1，请升级 coach 或改写文件"
            raise ValueError(message)
        return value


class ExceptionModel(Strict):
    """A pattern that drops a hit which it overlaps, and the reason a supervisor reads."""

    pattern: Text
    because: Text


Exceptions = Annotated[list[ExceptionModel], Field(min_length=1)] | None


class ExampleModel(Strict):
    """An example that is known to fail, and why."""

    text: Text
    todo: Text


Example = Annotated[Text | ExampleModel, Field(union_mode="left_to_right")]


class RuleModel(Strict):
    """One rule; the order of the keys is the order in the file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]
    title: Annotated[str, Field(min_length=2, max_length=20)]
    severity: SeverityName
    status: StatusName
    speaker: SpeakerName = "agent"
    phases: Annotated[list[PhaseName], Field(min_length=1)] | None = None
    sentence: str | None = None
    match: Annotated[list[Text], Field(min_length=1)]
    except_: Exceptions = Field(default=None, alias="except")
    suggest: Annotated[list[Text], Field(min_length=1)]
    explain: Annotated[str, Field(min_length=4, max_length=80)]
    source: Text
    hits: list[Example]
    misses: list[Example]


class RuleFile(VersionedFile):
    """rules/<category>.yml."""

    rules: Annotated[list[RuleModel], Field(min_length=1)]


class SentenceModel(Strict):
    """A sentence type, decided per clause."""

    match: Annotated[list[Text], Field(min_length=1)]
    except_: Exceptions = Field(default=None, alias="except")
    hits: list[Text] = []
    misses: list[Text] = []


class ModifierModel(Strict):
    """Words in the same breath that change how much a hit matters.

    `cancel` drops the hit, `soften` takes one step off its severity (a notice is dropped). `where` says on which
    side of the hit the words stand; `within` how many characters may lie between them.
    """

    effect: Literal["cancel", "soften"]
    where: Literal["before", "after", "anywhere"]
    within: Annotated[int, Field(ge=0, le=400)] | None = None
    same_clause: bool = False
    categories: Annotated[list[str], Field(min_length=1)] | None = None
    because: Text
    match: Annotated[list[Text], Field(min_length=1)]
    except_: Exceptions = Field(default=None, alias="except")
    hits: list[Text] = []
    misses: list[Text] = []


class ContextModel(Strict):
    """Words of the customer's last utterance that hits need (`require`) or that excuse them (`cancel`)."""

    effect: Literal["cancel", "require"]
    rules: Annotated[list[Text], Field(min_length=1)] | None = None
    categories: Annotated[list[str], Field(min_length=1)] | None = None
    because: Text
    match: Annotated[list[Text], Field(min_length=1)]
    except_: Exceptions = Field(default=None, alias="except")
    hits: list[Text] = []
    misses: list[Text] = []

    @model_validator(mode="after")
    def _about_something(self) -> ContextModel:
        if self.rules is None and self.categories is None:
            message = "要写 rules 或 categories：这个语境管哪些规则"
            raise ValueError(message)
        return self


class WordsFile(VersionedFile):
    """rules/words.yml."""

    dictionary: list[Text] = []
    classes: dict[str, Annotated[list[Text], Field(min_length=1)]] = {}
    sentences: dict[str, SentenceModel] = {}
    modifiers: dict[str, ModifierModel] = {}
    contexts: dict[str, ContextModel] = {}


class PhraseModel(Strict):
    """A phrase an agent can say. `without` is said when a slot of `say` is not known."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]
    say: Annotated[str, Field(min_length=2, max_length=60)]
    without: Annotated[str, Field(min_length=2, max_length=60)] | None = None
    when: Text
    said: list[Text] = []


class PhraseFile(VersionedFile):
    """phrasebook/<category>.yml."""

    phrases: Annotated[list[PhraseModel], Field(min_length=1)]


class OverrideModel(Strict):
    """A site's own change to one shipped rule."""

    rule: Text
    because: Text
    until: str | None = None
    severity: SeverityName | None = None
    except_: Exceptions = Field(default=None, alias="except")
    disable: bool = False

    @model_validator(mode="after")
    def _changes_something(self) -> OverrideModel:
        if self.severity is None and self.except_ is None and not self.disable:
            message = "什么也没改；至少写 severity、except 或 disable 之一"
            raise ValueError(message)
        if "*" in self.rule:
            message = f"{self.rule!r} 不能用通配符；一条覆盖只改一条规则"
            raise ValueError(message)
        return self

    @field_validator("until")
    @classmethod
    def _is_date(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                date.fromisoformat(value)
            except ValueError as error:
                message = f"{value!r} 不是日期；应写成 2026-12-31"
                raise ValueError(message) from error
        return value


class OverridesFile(VersionedFile):
    """rules/overrides.yml."""

    overrides: list[OverrideModel]


class WhenModel(Strict):
    """Words of either side after which the must-say is asked for."""

    match: Annotated[list[Text], Field(min_length=1)]
    except_: Exceptions = Field(default=None, alias="except")
    hits: Annotated[list[Text], Field(min_length=1)]
    misses: list[Text] = []


class MustSayModel(Strict):
    """One must-say; the order of the keys is the order in the file."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]
    part: Annotated[str, Field(min_length=2, max_length=10)]
    within_s: Annotated[int, Field(ge=5, le=3600)] | None = None
    when: WhenModel | None = None
    match: Annotated[list[Text], Field(min_length=1)]
    except_: Exceptions = Field(default=None, alias="except")
    say: Annotated[str, Field(min_length=4, max_length=60)]
    explain: Annotated[str, Field(min_length=4, max_length=80)]
    source: Text
    hits: Annotated[list[Text], Field(min_length=1)]
    misses: Annotated[list[Text], Field(min_length=1)]


class MustSaysFile(VersionedFile):
    """rules/must-says.yml and rules/packs/<pack>/must-says.yml."""

    must_says: Annotated[list[MustSayModel], Field(min_length=1)]
