"""Train the second opinion from labelled sentences; needs scikit-learn (the extra `train`).

Deterministic: the same sentences and rules give the same model.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from coach.errors import ConfigError
from coach.language.text import normalize
from coach.rulebook.examples import split_customer, unmark
from coach.rulebook.models import CATEGORIES
from coach.rulebook.opinion import ANY, LONGEST_GRAM, OpinionModel, fingerprint, spell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coach.coaching.score import LabelledSentence
    from coach.rulebook.book import Rulebook

# Inverse strength of the regularisation, chosen on the learning part by leaving files out.
_STRENGTH: Final = 0.5
# A gram seen in one sentence only says more about that sentence than about the language.
_FEWEST: Final = 2
# Grams that move no category by this many log odds are left out of the file.
_SLIGHT: Final = 0.02
_ITERATIONS: Final = 500


def train(sentences: Iterable[LabelledSentence], book: Rulebook) -> OpinionModel:
    """Learn what sentences of each category look like.

    Args:
        sentences: labelled by people; what is labelled `also` counts neither for nor against.
        book: its patterns are those that may be vetoed, and its examples are learnt from too.

    Raises:
        ConfigError: scikit-learn is not installed, or a category has no sentence.
    """
    try:
        from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415 - an extra
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("训练第二意见需要 scikit-learn：pip install 'coach[train]'") from error
    texts: list[str] = []
    labels: list[frozenset[str]] = []
    unsure: list[frozenset[str]] = []
    for sentence in sentences:
        texts.append(spell(normalize(sentence.text).text))
        labels.append(sentence.labels)
        unsure.append(sentence.also)
    for text, category, is_hit in _examples(book):
        texts.append(spell(normalize(text).text))
        labels.append(frozenset((category,)) if is_hit else frozenset())
        # An example speaks for its own category; what else it may be, nobody has labelled.
        unsure.append(frozenset(CATEGORIES) - {category})
    vectorizer = CountVectorizer(
        analyzer="char", ngram_range=(1, LONGEST_GRAM), min_df=_FEWEST, binary=True, lowercase=False
    )
    counts = vectorizer.fit_transform(texts)
    learnt: dict[str, tuple[list[float], float]] = {}
    for name in (*CATEGORIES, ANY):
        wanted = [bool(each) if name == ANY else name in each for each in labels]
        sure = [1.0 if name == ANY else float(name not in each) for each in unsure]
        if not any(wanted):
            raise ConfigError(f"没有一句标注为 {name}，学不了；每个类别至少要有几十句")
        model = LogisticRegression(C=_STRENGTH, max_iter=_ITERATIONS)
        model.fit(counts, wanted, sample_weight=sure)
        learnt[name] = (model.coef_[0].tolist(), float(model.intercept_[0]))
    grams = vectorizer.get_feature_names_out().tolist()
    telling = [
        number
        for number in range(len(grams))
        if any(abs(weights[number]) >= _SLIGHT for weights, _ in learnt.values())
    ]
    return OpinionModel(
        grams=tuple(grams[number] for number in telling),
        weights={
            name: array("f", [weights[number] for number in telling]) for name, (weights, _) in learnt.items()
        },
        bias={name: bias for name, (_, bias) in learnt.items()},
        patterns=frozenset(
            fingerprint(rule.id, pattern.source) for rule in book.rules for pattern in rule.patterns
        ),
        sentences=len(texts),
    )


def _examples(book: Rulebook) -> Iterator[tuple[str, str, bool]]:
    """Yield the examples of the agent rules, their category, and whether they are hits.

    Examples that need a customer's words are left out: the second opinion hears the agent only.
    """
    for rule in book.rules:
        if rule.speaker != "agent" or rule.status != "stable" or rule.category not in CATEGORIES:
            continue
        for is_hit, examples in ((True, rule.hits), (False, rule.misses)):
            for example in examples:
                customer, said = split_customer(example)
                if not customer:
                    yield unmark(said)[0], rule.category, is_hit
