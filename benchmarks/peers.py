"""What coach is compared with: jieba and a loop over all rules, and spaCy with its Matcher."""

from __future__ import annotations

import importlib.util
import random
from typing import TYPE_CHECKING, Any

from coach.language.compiled import Encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.synthetic import RuleBooks
    from coach.rulebook.book import Rulebook

Span = tuple[str, int, int]


def reference_jieba(words: tuple[str, ...] = ()) -> Any:
    """Return a jieba tokenizer with `words` added the way coach adds them."""
    from coach.language.tokens import Tokenizer

    tokenizer = Tokenizer(words)
    return tokenizer._reference()  # noqa: SLF001 - the very jieba that coach falls back on


def naive_loop(book: Rulebook) -> Callable[[str], list[Span]]:
    """Search every rule in every utterance, after jieba has cut it; no index of any kind."""
    cut = reference_jieba(book.tokenizer.words).lcut
    tokenizer, rules = book.tokenizer, book.rules

    def check(text: str) -> list[Span]:
        encoded = Encoded(cut(text, HMM=False), closed=True, tokenizer=tokenizer)
        found: list[Span] = []
        for rule in rules:
            for pattern in rule.patterns:
                found += [
                    (rule.id, place.start, place.end)
                    for place in pattern.find(encoded)
                    if not any(
                        place.start < other.end and other.start < place.end
                        for exception in rule.exceptions
                        for other in exception.pattern.find(encoded)
                    )
                ]
        return sorted(found)

    return check


def has_spacy() -> bool:
    """Tell whether spaCy is installed."""
    return importlib.util.find_spec("spacy") is not None


def spacy_matcher(books: RuleBooks, size: int) -> Callable[[str], object]:
    """Give spaCy's Matcher the same rules, without their exceptions, over its own jieba tokens."""
    import spacy
    from spacy.matcher import Matcher

    from coach.language.pattern import Gap, Literal, WordClass

    pipeline = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})
    cut = reference_jieba().lcut
    matcher = Matcher(pipeline.vocab)
    for rule in books.rules[:size]:
        tokens: list[dict[str, object]] = []
        for item in rule.patterns[0].tree.items:
            match item:
                case Literal(text):
                    tokens += [{"ORTH": token} for token in cut(text, HMM=False)]
                case Gap(low, high):
                    tokens.append({"OP": f"{{{low},{high}}}"})
                case WordClass(name):
                    tokens.append({"ORTH": {"IN": list(books.vocabulary.classes[name])}})
        matcher.add(rule.id, [tokens])
    return lambda text: matcher(pipeline(text))


def spacy_shipped(book: Rulebook) -> Callable[[str], object]:
    """Give spaCy's Matcher every pattern of a compiled rule book, without exceptions, modifiers and sound."""
    import spacy
    from spacy.matcher import Matcher

    pipeline = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})
    cut = reference_jieba(book.tokenizer.words).lcut
    matcher = Matcher(pipeline.vocab)
    for rule in book.rules:
        # The most telling words of a pattern, in order, with a gap between: less work than the pattern itself.
        for pattern in rule.patterns:
            tokens: list[dict[str, object]] = []
            for words in pattern.anchors[:2]:
                tokens += [{"OP": "{0,4}"}] * bool(tokens)
                tokens.append({"ORTH": {"IN": sorted({cut(word, HMM=False)[0] for word in words})}})
            matcher.add(rule.id, [tokens])
    return lambda text: matcher(pipeline(text))


def word_salad(*, count: int, seed: int) -> list[str]:
    """String dictionary words together at random: harder for a tokenizer than real sentences."""
    from jieba import Tokenizer

    with Tokenizer().get_dict_file() as lines:
        words = [line.decode("utf-8").split(" ", 1)[0] for line in lines]
    rng = random.Random(seed)
    return ["".join(rng.choices(words, k=rng.randint(3, 9))) for _ in range(count)]
