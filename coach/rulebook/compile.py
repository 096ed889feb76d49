"""From what an author wrote to what runs; every problem is collected, none stops the reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coach.language.compiled import CompiledPattern
from coach.language.pattern import PatternError
from coach.language.text import CLAUSE_MARKS, normalize_literal
from coach.language.written import Vocabulary
from coach.rulebook.context import Context
from coach.rulebook.models import CATEGORIES, SLOTS, ExampleModel
from coach.rulebook.phrasebook import Phrase
from coach.rulebook.rules import Modifier, Rule, RuleException, SentenceType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coach.errors import Problem
    from coach.rulebook.models import (
        ContextModel,
        ExceptionModel,
        ModifierModel,
        PhraseModel,
        RuleModel,
        SentenceModel,
        WordsFile,
    )
    from coach.rulebook.source import Source

FILLER_CLASS = "filler"
Path = list[str | int]
_MARKS = frozenset(CLAUSE_MARKS)


@dataclass(slots=True)
class Compiler:
    """Compiles the parts of one rule book against one vocabulary.

    Attributes:
        vocabulary: what patterns may refer to.
        problems: everything found wrong so far.
    """

    vocabulary: Vocabulary
    sentences: dict[str, SentenceType] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    used_classes: set[str] = field(default_factory=set)

    def check_classes(self, words: WordsFile, source: Source) -> None:
        """Note the words that no text can hold once it is normalised."""
        for name, members in words.classes.items():
            for index, word in enumerate(members):
                normalized = normalize_literal(word)
                if not normalized:
                    message = f"{word!r} 是语气词，匹配前会被去掉；请删掉这个词"
                elif not _MARKS.isdisjoint(normalized):
                    message = f"{word!r} 里有标点；一个词不能跨两个分句"
                else:
                    continue
                self.problems.append(source.problem(["classes", name, index], message))

    def patterns(self, texts: Sequence[str], source: Source, path: Path) -> tuple[CompiledPattern, ...]:
        """Compile a list of patterns; those that cannot be read become problems."""
        compiled = (self.pattern(text, source, [*path, index]) for index, text in enumerate(texts))
        return tuple(pattern for pattern in compiled if pattern is not None)

    def pattern(self, text: str, source: Source, path: Path) -> CompiledPattern | None:
        """Compile one pattern, or note why it cannot be read."""
        try:
            pattern = CompiledPattern(text, self.vocabulary)
        except PatternError as error:
            self.problems.append(source.problem(path, str(error), index=error.column))
            return None
        self.used_classes |= pattern.class_names
        return pattern

    def exceptions(
        self, models: list[ExceptionModel] | None, source: Source, path: Path
    ) -> tuple[RuleException, ...]:
        """Compile a list of exceptions."""
        compiled = (
            (self.pattern(model.pattern, source, [*path, "except", index, "pattern"]), model.because)
            for index, model in enumerate(models or ())
        )
        return tuple(RuleException(pattern, because) for pattern, because in compiled if pattern is not None)

    def sentence(self, name: str, model: SentenceModel, source: Source) -> SentenceType:
        """Compile a sentence type."""
        path: Path = ["sentences", name]
        return SentenceType(
            name,
            self.patterns(model.match, source, [*path, "match"]),
            self.exceptions(model.except_, source, path),
        )

    def modifier(self, name: str, model: ModifierModel, source: Source) -> Modifier:
        """Compile a modifier."""
        path: Path = ["modifiers", name]
        self.known_categories(model.categories, source, path)
        return Modifier(
            name=name,
            effect=model.effect,
            where=model.where,
            within=model.within,
            same_clause=model.same_clause,
            categories=frozenset(model.categories) if model.categories else None,
            because=model.because,
            patterns=self.patterns(model.match, source, [*path, "match"]),
            exceptions=self.exceptions(model.except_, source, path),
        )

    def context(self, name: str, model: ContextModel, source: Source) -> Context:
        """Compile a context."""
        path: Path = ["contexts", name]
        self.known_categories(model.categories, source, path)
        return Context(
            name=name,
            effect=model.effect,
            rules=frozenset(model.rules or ()),
            categories=frozenset(model.categories or ()),
            because=model.because,
            patterns=self.patterns(model.match, source, [*path, "match"]),
            exceptions=self.exceptions(model.except_, source, path),
        )

    def known_categories(self, names: list[str] | None, source: Source, path: Path) -> None:
        """Note each name that is no category."""
        for index, category in enumerate(names or ()):
            if category not in CATEGORIES:
                known = "、".join(CATEGORIES)
                self.problems.append(
                    source.problem([*path, "categories", index], f"没有类别 {category!r}；应为 {known} 之一")
                )

    def rule(self, model: RuleModel, source: Source, index: int, *, stem: str) -> Rule:
        """Compile a rule."""
        path: Path = ["rules", index]
        category = model.id.split("/", 1)[0]
        if category != stem:
            self.problems.append(
                source.problem(
                    [*path, "id"], f"{model.id!r} 应以文件名开头：{stem}/{model.id.split('/', 1)[1]}"
                )
            )
        sentence = None
        if model.sentence is not None:
            sentence = self.sentences.get(model.sentence)
            if sentence is None:
                known = "、".join(sorted(self.sentences)) or "（没有）"
                self.problems.append(
                    source.problem(
                        [*path, "sentence"], f"没有句类 {model.sentence!r}；words.yml 里有：{known}"
                    )
                )
        examples = [*model.hits, *model.misses]
        return Rule(
            id=model.id,
            category=category,
            title=model.title,
            severity=model.severity,
            status=model.status,
            speaker=model.speaker,
            phases=frozenset(model.phases) if model.phases else None,
            sentence=sentence,
            patterns=self.patterns(model.match, source, [*path, "match"]),
            exceptions=self.exceptions(model.except_, source, path),
            suggest=tuple(model.suggest),
            explain=model.explain,
            source=model.source,
            contexts=tuple(
                context for context in self.contexts.values() if context.concerns(model.id, category)
            ),
            hits=tuple(example for example in model.hits if isinstance(example, str)),
            misses=tuple(example for example in model.misses if isinstance(example, str)),
            todo=tuple(
                (example.text, example.todo) for example in examples if isinstance(example, ExampleModel)
            ),
            file=source.name,
            places=tuple(
                source.place([*path, key, position])
                for key, written in (("hits", model.hits), ("misses", model.misses))
                for position, example in enumerate(written)
                if isinstance(example, str)
            ),
        )

    def phrase(self, model: PhraseModel, source: Source, index: int) -> Phrase:
        """Compile a phrase."""
        path: Path = ["phrases", index]
        phrase = Phrase(
            id=model.id,
            say=model.say,
            without=model.without or "",
            when=model.when,
            said=self.patterns(model.said, source, [*path, "said"]),
        )
        for name in sorted(phrase.slots - set(SLOTS)):
            self.problems.append(
                source.problem([*path, "say"], f"没有空格 {{{name}}}；可用：{'、'.join(SLOTS)}")
            )
        if phrase.slots and not phrase.without:
            self.problems.append(
                source.problem([*path, "say"], "有空格的话术要写 without：不知道空格内容时说什么")
            )
        if "{" in phrase.without or "}" in phrase.without:
            self.problems.append(source.problem([*path, "without"], "without 里不能再有空格"))
        return phrase


def vocabulary_of(words: WordsFile) -> Vocabulary:
    """Collect the word classes; the class `filler` is passed over between items."""
    classes = {
        name: tuple(member for member in members if normalize_literal(member))
        for name, members in words.classes.items()
    }
    return Vocabulary(classes, classes.get(FILLER_CLASS, ()))
