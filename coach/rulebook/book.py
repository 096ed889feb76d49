"""The rule book: every rule, phrase and override of a site, loaded together or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from coach.errors import MissingRulebookError, PhrasebookError, Problem, RulebookError
from coach.garbage import no_collection
from coach.language.tokens import Tokenizer
from coach.language.written import Vocabulary
from coach.rulebook.compile import FILLER_CLASS, Compiler, vocabulary_of
from coach.rulebook.examples import check_examples as failed_examples
from coach.rulebook.examples import check_words
from coach.rulebook.matcher import Matcher
from coach.rulebook.models import MustSaysFile, OverridesFile, PhraseFile, RuleFile, WordsFile
from coach.rulebook.must_say import FILE as MUST_SAYS
from coach.rulebook.must_say import MustSayRule, compile_must_say
from coach.rulebook.opinion_file import FILE as SECOND_OPINION
from coach.rulebook.opinion_file import OpinionFile, compile_opinion
from coach.rulebook.phrasebook import Phrase, Phrasebook
from coach.rulebook.source import Source, read_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from coach.rulebook.context import Context
    from coach.rulebook.models import OverrideModel
    from coach.rulebook.opinion import Opinion
    from coach.rulebook.rules import Modifier, Rule, SentenceType

_NOT_RULES = frozenset({"words.yml", "overrides.yml", MUST_SAYS, SECOND_OPINION})
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """An immutable rule book. Share it freely; replace it whole.

    Attributes:
        digest: 12 hex digits over the content of every file.
        rules: all rules, overrides applied; retired rules are left out.
        overrides: what the site changed, for the documentation.
        expired: ids of rules whose override has run out and was not applied.
        must_says: what an agent has to say in a call.
        opinion: judges what agents say beside the rules; None for a book without one.
    """

    digest: str
    rules: tuple[Rule, ...]
    phrasebook: Phrasebook
    modifiers: tuple[Modifier, ...]
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    overrides: tuple[OverrideModel, ...] = ()
    expired: tuple[str, ...] = ()
    unused_classes: tuple[str, ...] = ()
    must_says: tuple[MustSayRule, ...] = ()
    opinion: Opinion | None = None

    @property
    def tellers(self) -> tuple[Rule, ...]:
        """Everything that a card can come from: the rules and the notices of the second opinion."""
        return self.rules + (tuple(self.opinion.notices.values()) if self.opinion else ())

    def matcher(
        self,
        *,
        statuses: Iterable[str] = ("stable", "trial"),
        speaker: str | None = None,
        sound: bool = True,
    ) -> Matcher:
        """Make a matcher of the rules with one of `statuses` that hold for `speaker` (None: for anybody)."""
        wanted = frozenset(statuses)
        return Matcher(
            (
                rule
                for rule in self.rules
                if rule.status in wanted and (speaker is None or rule.speaker in (speaker, "any"))
            ),
            modifiers=self.modifiers,
            tokenizer=self.tokenizer,
            sound=sound,
            # It learnt from what agents say, and the examples of the rules are run without it (speaker None).
            opinion=self.opinion if speaker == "agent" else None,
        )


def load_rulebook(
    *,
    rules_dir: Path,
    phrasebook_dir: Path,
    packs: Iterable[str] = (),
    check_examples: bool = True,
    second_opinion: bool = True,
    overrides: Path | None = None,
    today: date | None = None,
) -> Rulebook:
    """Load a rule book and run the examples of every rule.

    Args:
        rules_dir: holds words.yml, <category>.yml, overrides.yml, must-says.yml and packs/<name>/ with the like.
        phrasebook_dir: holds <category>.yml.
        packs: names of the packs to switch on.
        check_examples: False skips the examples; only for tools that run them themselves.
        second_opinion: False leaves it out; to train it, and to see what it changes.
        overrides: file of a site's overrides in place of overrides.yml beside the rules.
        today: decides which overrides have run out; the current date (UTC) when left out.

    Raises:
        RulebookError: with every problem of the rules, if there is any.
        PhrasebookError: likewise, when only phrases are wrong.
        MissingRulebookError: a folder or a pack is not there.
    """
    packs = tuple(packs)
    if missing := _missing(rules_dir, phrasebook_dir, packs):
        raise MissingRulebookError(missing)
    loader = _Loader(
        rules_dir, phrasebook_dir, today or datetime.now(UTC).date(), run_examples=check_examples
    )
    loader.second_opinion = second_opinion
    loader.overrides = overrides or rules_dir / "overrides.yml"
    try:
        with no_collection():
            book = loader.load(packs)
    except OSError as error:
        raise MissingRulebookError([_unreadable(error, "rules/", rules_dir)]) from error
    if loader.compiler.problems or loader.problems:
        # Without the word classes no pattern can be judged: what it says then would only hide the cause.
        _refuse(loader.problems + ([] if loader.words_broken else loader.compiler.problems))
    if check_examples:
        problems = failed_examples(book)
        if problems:
            raise RulebookError(problems)
    return book


def _missing(rules_dir: Path, phrasebook_dir: Path, packs: tuple[str, ...]) -> list[Problem]:
    """Find the folders without which nothing can be said of any rule: what uses them would be blamed."""
    problems = []
    for folder, name in ((rules_dir, "rules/"), (phrasebook_dir, "phrasebook/")):
        try:
            if not folder.is_dir():
                problems.append(Problem(name, 0, 0, "", f"没有这个目录：{folder}"))
            elif not os.access(folder, os.R_OK | os.X_OK):
                problems.append(Problem(name, 0, 0, "", f"没有权限读取目录 {folder}"))
        except OSError as error:
            problems.append(_unreadable(error, name, folder))
    if problems:
        return problems
    there = sorted(path.name for path in (rules_dir / "packs").glob("*/"))
    told = f"没有这个规则包；已有：{'、'.join(there) or '（没有）'}"
    return [
        Problem(f"rules/packs/{pack}/", 0, 0, "", told)
        for pack in packs
        if not (rules_dir / "packs" / pack).is_dir()
    ]


def _unreadable(error: OSError, name: str, folder: Path) -> Problem:
    return Problem(name, 0, 0, "", f"无法读取 {error.filename or folder}：{error.strerror}")


def _refuse(problems: list[Problem]) -> None:
    if all(problem.file.startswith("phrasebook/") for problem in problems):
        raise PhrasebookError(problems)
    raise RulebookError(problems)


class _Loader:
    """Reads one rule book; keeps going after a problem so that all are reported at once."""

    def __init__(self, rules_dir: Path, phrasebook_dir: Path, today: date, *, run_examples: bool) -> None:
        self.rules_dir = rules_dir
        self.phrasebook_dir = phrasebook_dir
        self.today = today
        self.run_examples = run_examples
        self.second_opinion = True
        self.overrides = rules_dir / "overrides.yml"
        self.problems: list[Problem] = []
        self.words_broken = False
        self.phrases_broken = False
        self.compiler = Compiler(Vocabulary({}))
        self.digest = hashlib.sha256()

    def load(self, packs: tuple[str, ...]) -> Rulebook:
        words, source = self.words()
        tokenizer = Tokenizer(words.dictionary)
        self.compiler.vocabulary = vocabulary_of(words)
        if source is not None:
            self.compiler.check_classes(words, source)
        if source is not None:
            for name, sentence in words.sentences.items():
                self.compiler.sentences[name] = self.compiler.sentence(name, sentence, source)
        modifiers = tuple(
            self.compiler.modifier(name, model, source)
            for name, model in words.modifiers.items()
            if source is not None
        )
        if source is not None:
            for name, context in words.contexts.items():
                self.compiler.contexts[name] = self.compiler.context(name, context, source)
        if source is not None and self.run_examples:
            parts: list[SentenceType | Modifier | Context] = [*self.compiler.sentences.values(), *modifiers]
            parts += self.compiler.contexts.values()
            self.problems += check_words(words, source, parts, tokenizer)
        phrases = self.phrases()
        rules = self.rules(packs, phrases)
        if source is not None:
            self.check_contexts(words, source, {rule.id for rule in rules})
        must_says = self.must_says(packs)
        opinion = self.opinion(phrases)
        rules, overrides, expired = self.overridden(rules)
        used = self.compiler.used_classes | {FILLER_CLASS}
        return Rulebook(
            digest=self.digest.hexdigest()[:12],
            rules=tuple(rules),
            phrasebook=Phrasebook(phrases.values()),
            modifiers=modifiers,
            vocabulary=self.compiler.vocabulary,
            tokenizer=tokenizer,
            overrides=overrides,
            expired=expired,
            unused_classes=tuple(sorted(set(words.classes) - used)),
            must_says=must_says,
            opinion=opinion,
        )

    def check_contexts(self, words: WordsFile, source: Source, rules: set[str]) -> None:
        for name, context in words.contexts.items():
            self.problems += [
                source.problem(["contexts", name, "rules", index], f"没有规则 {rule!r}")
                for index, rule in enumerate(context.rules or ())
                if rule not in rules
            ]

    def read(self, path: Path, name: str, model: type[_Model]) -> tuple[_Model | None, Source | None]:
        source = read_source(path, name=name)
        if isinstance(source, Problem):
            self.problems.append(source)
            return None, None
        self.digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
        try:
            return model.model_validate(source.content), source
        except ValidationError as error:
            self.problems += source.problems(error)
            return None, source

    def words(self) -> tuple[WordsFile, Source | None]:
        path = self.rules_dir / "words.yml"
        if not path.exists():
            return WordsFile(version=1), None
        model, source = self.read(path, "rules/words.yml", WordsFile)
        self.words_broken = model is None
        return model or WordsFile(version=1), source if model else None

    def rules(self, packs: tuple[str, ...], phrases: dict[str, Phrase]) -> list[Rule]:
        files = [(path, f"rules/{path.name}") for path in sorted(self.rules_dir.glob("*.yml"))]
        for pack in packs:
            folder = self.rules_dir / "packs" / pack
            files += [(path, f"rules/packs/{pack}/{path.name}") for path in sorted(folder.glob("*.yml"))]
        rules: list[Rule] = []
        seen: dict[str, str] = {}
        for path, name in files:
            if path.name in _NOT_RULES:
                continue
            model, source = self.read(path, name, RuleFile)
            if model is None or source is None:
                continue
            for index, entry in enumerate(model.rules):
                rule = self.compiler.rule(entry, source, index, stem=path.stem)
                if rule.id in seen:
                    self.problems.append(
                        source.problem(["rules", index, "id"], f"{rule.id!r} 已经写在 {seen[rule.id]} 里了")
                    )
                seen[rule.id] = name
                for position, key in enumerate(rule.suggest):
                    if key not in phrases and not self.phrases_broken:
                        self.problems.append(
                            source.problem(
                                ["rules", index, "suggest", position], f"phrasebook 里没有 {key!r}"
                            )
                        )
                if rule.status != "retired":
                    rules.append(rule)
        if not files:
            self.problems.append(Problem("rules/", 0, 0, "", f"目录里没有规则文件：{self.rules_dir}"))
        return rules

    def must_says(self, packs: tuple[str, ...]) -> tuple[MustSayRule, ...]:
        places = [(self.rules_dir / MUST_SAYS, f"rules/{MUST_SAYS}", "site")]
        places += [
            (self.rules_dir / "packs" / pack / MUST_SAYS, f"rules/packs/{pack}/{MUST_SAYS}", pack)
            for pack in packs
        ]
        made: dict[str, MustSayRule] = {}
        for path, name, stem in places:
            if not path.exists():
                continue
            model, source = self.read(path, name, MustSaysFile)
            if model is None or source is None:
                continue
            for index, entry in enumerate(model.must_says):
                if entry.id in made:
                    place: list[str | int] = ["must_says", index, "id"]
                    self.problems.append(source.problem(place, f"{entry.id!r} 写了两次"))
                made[entry.id] = compile_must_say(entry, source, index, compiler=self.compiler, stem=stem)
        return tuple(made.values())

    def opinion(self, phrases: dict[str, Phrase]) -> Opinion | None:
        path = self.rules_dir / SECOND_OPINION
        if not self.second_opinion or not path.exists():
            return None
        file, source = self.read(path, f"rules/{SECOND_OPINION}", OpinionFile)
        if file is None or source is None:
            return None
        opinion, problems = compile_opinion(file, source, self.rules_dir, phrases=phrases)
        self.problems += problems
        if opinion is not None:
            self.digest.update((self.rules_dir / file.model).read_bytes())
        return opinion

    def phrases(self) -> dict[str, Phrase]:
        phrases: dict[str, Phrase] = {}
        for path in sorted(self.phrasebook_dir.glob("*.yml")):
            name = f"phrasebook/{path.name}"
            model, source = self.read(path, name, PhraseFile)
            if model is None or source is None:
                self.phrases_broken = True
                continue
            for index, entry in enumerate(model.phrases):
                phrase = self.compiler.phrase(entry, source, index)
                if phrase.id.split("/", 1)[0] != path.stem:
                    self.problems.append(
                        source.problem(
                            ["phrases", index, "id"], f"{phrase.id!r} 应以文件名 {path.stem}/ 开头"
                        )
                    )
                if phrase.id in phrases:
                    self.problems.append(source.problem(["phrases", index, "id"], f"{phrase.id!r} 写了两次"))
                phrases[phrase.id] = phrase
        return phrases

    def overridden(self, rules: list[Rule]) -> tuple[list[Rule], tuple[OverrideModel, ...], tuple[str, ...]]:
        if not self.overrides.exists():
            return rules, (), ()
        name = f"rules/{self.overrides.name}"
        model, source = self.read(self.overrides, name, OverridesFile)
        if model is None or source is None:
            return rules, (), ()
        by_id = {rule.id: rule for rule in rules}
        expired: list[str] = []
        for index, override in enumerate(model.overrides):
            rule = by_id.get(override.rule)
            if rule is None:
                self.problems.append(
                    source.problem(["overrides", index, "rule"], f"没有规则 {override.rule!r}")
                )
            elif override.until is not None and date.fromisoformat(override.until) < self.today:
                expired.append(rule.id)
            elif override.disable and rule.severity == "violation":
                self.problems.append(
                    source.problem(["overrides", index, "disable"], f"{rule.id} 是 violation，不能停用")
                )
            elif override.disable:
                del by_id[rule.id]
            else:
                exceptions = self.compiler.exceptions(override.except_, source, ["overrides", index])
                by_id[rule.id] = replace(
                    rule,
                    severity=override.severity or rule.severity,
                    exceptions=rule.exceptions + exceptions,
                )
        return list(by_id.values()), tuple(model.overrides), tuple(expired)
