"""How fast text becomes hits, against the bare automaton, jieba with a loop over all rules, and spaCy.

Run `python -m benchmarks.check`; `--quick` takes about half a minute, `--json` prints everything as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from typing import Any

import daachorse
import rjieba

from benchmarks.peers import has_spacy, naive_loop, reference_jieba, spacy_matcher, word_salad
from benchmarks.synthetic import TRIGGERS, RuleBooks, write_rules
from benchmarks.texts import Sample, sample
from benchmarks.timing import Cases, Goal, heading, machine, table, versions
from coach.coaching.checker import Checker
from coach.language.prefilter import Prefilter
from coach.language.text import normalize
from coach.language.tokens import Tokenizer
from coach.rulebook.book import Rulebook, load_rulebook
from coach.shipped import phrasebook_dir, rules_dir

PACKAGES = ("coach", "daachorse", "rjieba", "jieba", "opencc", "pypinyin", "spacy")
# Words a site might add: new ones, and ones that jieba's dictionary already holds.
SITE_WORDS = (
    "没收到",
    "价保",
    "运费险",
    "晨光银行",
    "先行赔付",
    "不知道",
    "应该",
    "订单",
    "客服",
    "快递",
    "没办法",
    "退款",
)
_NAIVE_TEXTS = {200: 300, 2000: 60, 20000: 8}


class Benchmark:
    """One run: builds everything, measures everything, keeps every number."""

    def __init__(self, *, quick: bool) -> None:
        self.rounds = 3 if quick else 7
        self.count = 1500 if quick else 4000
        self.sizes = (200, 2000) if quick else (200, 2000, 20000)
        self.build: dict[str, float] = {}
        self.facts: dict[str, Any] = {}
        self.times: dict[str, float] = {}
        self.goals: list[Goal] = []
        started = time.perf_counter()
        shipped = load_rulebook(rules_dir=rules_dir(), phrasebook_dir=phrasebook_dir(), check_examples=False)
        self.build["load the shipped rules, examples not run"] = time.perf_counter() - started
        started = time.perf_counter()
        self.books: RuleBooks = write_rules(shipped, count=max(self.sizes))
        self.build[f"compile {max(self.sizes):,} rules"] = time.perf_counter() - started
        avoid = frozenset(TRIGGERS) | {
            word for rule in self.books.rules for word in rule.patterns[0].anchors[0]
        }
        samples = {"short 5%": (False, 0.05), "short 10%": (False, 0.10), "long 10%": (True, 0.10)}
        self.samples: dict[str, Sample] = {
            name: sample(self.books.plants, count=self.count, long=long, rate=rate, seed=5, avoid=avoid)
            for name, (long, rate) in samples.items()
        }
        self.checkers = {size: self.checker(self.books.book(size), f"{size:,} rules") for size in self.sizes}
        self.shipped = self.checker(shipped, f"the {len(shipped.rules)} shipped rules")
        self.floors = {size: _bare_automaton(self.books.book(size)) for size in self.sizes}
        self.naive = {size: naive_loop(self.books.book(size)) for size in self.sizes}
        self.spacy = {}
        if has_spacy():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.spacy = {size: spacy_matcher(self.books, size) for size in (200, 2000)}

    def checker(self, book: Rulebook, name: str) -> Checker:
        started = time.perf_counter()
        checker = Checker(book)
        checker.warm()
        self.build[f"make a checker of {name}"] = time.perf_counter() - started
        return checker

    def run(self) -> None:
        """Measure, compare, judge."""
        cases = Cases(self.rounds)
        self.add_checks(cases)
        self.add_peers(cases)
        self.add_tokenizers(cases)
        self.add_literals(cases)
        self.times = cases.measure()
        self.agreement()
        self.identity()
        self.judge()

    def add_checks(self, cases: Cases) -> None:
        for size, checker in self.checkers.items():
            floor = self.floors[size]
            for name, texts in self.samples.items():
                cases.add_each(f"raw|{name}|{size}", floor, texts.texts)
                _direct(cases, f"partial|{name}|{size}", checker, texts.texts, final=False)
                _direct(cases, f"final|{name}|{size}", checker, texts.texts, final=True)
                cases.add_each(f"raw, no hit|{name}|{size}", floor, texts.quiet)
                _direct(cases, f"partial, no hit|{name}|{size}", checker, texts.quiet, final=False)
                _direct(cases, f"final, no hit|{name}|{size}", checker, texts.quiet, final=True)
                _direct(cases, f"partial, hit|{name}|{size}", checker, texts.planted, final=False)
                cases.add_each(f"rjieba, hit|{name}|{size}", _rjieba, texts.planted)
        self.add_partials(cases)
        self.add_bulk(cases)
        for name, texts in self.samples.items():
            _direct(cases, f"partial|{name}|shipped", self.shipped, texts.texts, final=False)
            _direct(cases, f"final|{name}|shipped", self.shipped, texts.texts, final=True)

    def add_partials(self, cases: Cases) -> None:
        """Each utterance grows by two characters per partial; every partial is checked whole."""
        for name in ("short 10%", "long 10%"):
            growing = [
                text[:end]
                for text in self.samples[name].texts[: self.count // 8]
                for end in (*range(2, len(text), 2), len(text))
            ]
            cases.add_each(f"raw, growing|{name}|2000", self.floors[2000], growing)
            _direct(cases, f"growing|{name}|2000", self.checkers[2000], growing, final=False)

    def add_bulk(self, cases: Cases) -> None:
        texts = self.samples["short 5%"].texts
        checker = self.checkers[2000]
        for final, kind in ((False, "partial"), (True, "final")):
            cases.add(
                f"bulk, {kind}|short 5%|2000",
                lambda final=final: list(checker.check_many(texts, final=final)),
                items=len(texts),
            )

    def add_peers(self, cases: Cases) -> None:
        for size, naive in self.naive.items():
            for name in ("short 10%", "long 10%"):
                cases.add_each(
                    f"jieba + loop|{name}|{size}", naive, self.samples[name].texts[: _NAIVE_TEXTS[size]]
                )
        for size, match in self.spacy.items():
            for name in ("short 10%", "long 10%"):
                cases.add_each(f"spaCy|{name}|{size}", match, self.samples[name].texts[: _NAIVE_TEXTS[size]])

    def add_tokenizers(self, cases: Cases) -> None:
        jieba = reference_jieba().lcut
        tokenizer = Tokenizer()
        for name in ("short 10%", "long 10%"):
            texts = self.samples[name].texts[:1000]
            cases.add_each(f"jieba|{name}", lambda text: jieba(text, HMM=False), texts)
            cases.add_each(f"tokenizer|{name}", tokenizer.cut, texts)

    def add_literals(self, cases: Cases) -> None:
        words = sorted({text[:4] for text in word_salad(count=12000, seed=3)})
        texts = self.samples["short 10%"].texts
        for count in (100, 10000):
            chosen = (
                words[: count * (len(words) // count)][:: len(words) // count]
                if count < len(words)
                else words
            )
            scan = Prefilter([[frozenset({word})] for word in chosen]).scan
            cases.add_each(f"literal scan|{count}", scan, texts)
            cases.add_each(
                f"daachorse find|{count}", daachorse.CharwiseDoubleArrayAhoCorasick(chosen).find, texts
            )

    def agreement(self) -> None:
        """Count utterances on which coach and the plain loop over all rules differ; there must be none."""
        differing = compared = hits = 0
        for size, naive in self.naive.items():
            quiet = Checker(self.books.book(size), sound=False)
            chosen = (
                self.samples["short 10%"].planted[: _NAIVE_TEXTS[size]]
                + self.samples["long 10%"].texts[: _NAIVE_TEXTS[size]]
            )
            for text in chosen:
                if normalize(text).text != text:
                    continue  # the loop takes the text as it is
                got = sorted(
                    (trace.rule.id, trace.start, trace.end)
                    for trace in quiet.examine(text).traces
                    if trace.stopped_by != "exception"
                )
                wanted = naive(text)
                compared += 1
                hits += len(got)
                differing += got != wanted
        growing = [
            text[:end] for text in self.samples["short 10%"].planted[:40] for end in range(1, len(text) + 1)
        ]
        matcher = self.books.book(2000).matcher(statuses=("stable",))
        partial = sum(
            matcher.find(text, closed=False).traces
            != matcher.find(text, closed=False, prefilter=False).traces
            for text in growing
        )
        self.facts |= {
            "utterances compared with the plain loop": compared,
            "finds in them": hits,
            "utterances that differ": differing,
            "partials compared with the index switched off": len(growing),
            "partials that differ": partial,
        }

    def identity(self) -> None:
        """Count sentences that coach's tokenizer cuts otherwise than jieba."""
        half = 2500 if self.rounds == 3 else 25000
        texts = (
            word_salad(count=half, seed=17)
            + [text for name in ("short 10%", "long 10%") for text in self.samples[name].texts][:half]
        )
        self.facts["sentences cut"] = len(texts)
        for words, name in (((), "without"), (SITE_WORDS, "with")):
            tokenizer, jieba = Tokenizer(words), reference_jieba(words)
            differing = sum(tokenizer.cut(text) != jieba.lcut(text, HMM=False) for text in texts)
            self.facts[f"cut otherwise than jieba, {name} site words"] = differing

    def judge(self) -> None:
        """Hold the medians against the goals."""
        t, goals = self.times, self.goals

        def ratio(name: str, floor: str) -> float:
            return t[name] / t[floor]

        def goal(
            row: str, what: str, value: float, limit: float, *, at_least: bool = False, note: str = ""
        ) -> None:
            goals.append(Goal(row, what, value, limit, at_least, note))

        goal("1", "tokenizer / jieba, long", ratio("tokenizer|long 10%", "jieba|long 10%"), 0.15)
        for name in ("without", "with"):
            what = f"sentences cut otherwise than jieba, {name} site words"
            goal(
                "1",
                what,
                self.facts[f"cut otherwise than jieba, {name} site words"],
                1,
                note=f"of {self.facts['sentences cut']:,}",
            )
        goal(
            "2",
            "literal scan / daachorse find, 10,000 words",
            ratio("literal scan|10000", "daachorse find|10000"),
            1.5,
        )
        goal(
            "2",
            "literal scan, growth 100 to 10,000 words",
            ratio("literal scan|10000", "literal scan|100"),
            3.5,
        )
        for size in self.sizes:
            for length in ("short 10%", "long 10%"):
                what = f"no hit, partial text / raw scan, {size:,} rules, {length.split()[0]}"
                goal(
                    "3", what, ratio(f"partial, no hit|{length}|{size}", f"raw, no hit|{length}|{size}"), 1.3
                )
        for length in ("short 10%", "long 10%"):
            goal(
                "4",
                f"check at 10% hits / raw scan, 2,000 rules, {length.split()[0]}",
                ratio(f"partial|{length}|2000", f"raw|{length}|2000"),
                4,
            )
            goal(
                "4",
                f"hit path / rjieba.cut, 2,000 rules, {length.split()[0]}",
                ratio(f"partial, hit|{length}|2000", f"rjieba, hit|{length}|2000"),
                2.5,
            )
        for kind in ("partial", "final"):
            top = max(self.sizes)
            goal(
                "5",
                f"growth 200 to {top:,} rules, {kind} text",
                ratio(f"{kind}|short 10%|{top}", f"{kind}|short 10%|200"),
                1.5,
            )
        for size, limit in ((200, 50), (2000, 300)):
            goal(
                "6",
                f"jieba + loop / check, {size:,} rules",
                ratio(f"jieba + loop|short 10%|{size}", f"partial|short 10%|{size}"),
                limit,
                at_least=True,
            )
        for size in self.spacy:
            goal(
                "7",
                f"spaCy / check, {size:,} rules",
                ratio(f"spaCy|short 10%|{size}", f"partial|short 10%|{size}"),
                100,
                at_least=True,
            )
        for length in ("short 10%", "long 10%"):
            goal(
                "8",
                f"per growing partial / raw scan, {length.split()[0]}",
                ratio(f"growing|{length}|2000", f"raw, growing|{length}|2000"),
                2,
            )
        goal(
            "8", "partials that differ from a search without the index", self.facts["partials that differ"], 0
        )
        for kind in ("partial", "final"):
            goal(
                "9",
                f"one by one / in bulk, 5% hits, {kind} text",
                ratio(f"{kind}|short 5%|2000", f"bulk, {kind}|short 5%|2000"),
                1.2,
                at_least=True,
            )

    def report(self) -> str:
        """Render everything for a terminal."""
        parts = [heading(machine(), versions(PACKAGES)), ""]
        parts += [f"{seconds:8.2f} s  {name}" for name, seconds in self.build.items()]
        lengths = ", ".join(f"{name}: {part.mean:.1f}" for name, part in self.samples.items())
        parts += [
            f"{self.count:,} utterances each, mean characters {lengths}; {self.rounds} rounds, medians",
            "",
        ]
        sizes = [*self.sizes, "shipped"]
        rows = []
        for key in dict.fromkeys(name.rsplit("|", 1)[0] for name in self.times if name.count("|") == 2):
            found = [self.times.get(f"{key}|{size}") for size in sizes]
            rows.append(
                [key.replace("|", " · "), *("" if value is None else f"{value:,.2f}" for value in found)]
            )
        parts += [
            table(
                [
                    "microseconds per utterance",
                    *(f"{size:,}" if isinstance(size, int) else size for size in sizes),
                ],
                rows,
            ),
            "",
        ]
        others = [
            [name.replace("|", " · "), f"{value:,.2f}"]
            for name, value in self.times.items()
            if name.count("|") == 1
        ]
        parts += [table(["microseconds per utterance", "median"], others), ""]
        parts += [f"{value:>10,}  {name}" for name, value in self.facts.items()]
        if not self.spacy:
            parts.append("spaCy is not installed (extra `bench`): row 7 is skipped")
        parts += ["", " row           value      limit  what", *(goal.line() for goal in self.goals)]
        return "\n".join(parts)

    def as_json(self) -> str:
        """Render everything for a program."""
        return json.dumps(
            {
                "machine": machine(),
                "versions": versions(PACKAGES),
                "build_s": self.build,
                "us_per_utterance": self.times,
                "facts": self.facts,
                "goals": [
                    {
                        "row": goal.row,
                        "what": goal.what,
                        "value": goal.value,
                        "limit": goal.limit,
                        "met": goal.met,
                    }
                    for goal in self.goals
                ],
            },
            ensure_ascii=False,
            indent=2,
        )


def _direct(cases: Cases, name: str, checker: Checker, texts: list[str], *, final: bool) -> None:
    """Add a case that calls `check` itself, without a wrapper in between."""
    check = checker.check

    def run() -> None:
        for text in texts:
            check(text, final=final)

    cases.add(name, run, items=len(texts))


def _bare_automaton(book: Rulebook) -> Any:
    """Return the least that any checker has to do: one scan for the most telling words of all rules."""
    words = {word for rule in book.rules for pattern in rule.patterns for word in pattern.anchors[0]}
    return daachorse.CharwiseDoubleArrayAhoCorasick(sorted(words)).find


_CUT = rjieba.Jieba().cut


def _rjieba(text: str) -> object:
    return _CUT(text, False)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; exit 1 only with --strict and a goal that is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, texts and rules")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    options = parser.parse_args(argv)
    benchmark = Benchmark(quick=options.quick)
    benchmark.run()
    print(benchmark.as_json() if options.json else benchmark.report())
    return int(options.strict and not all(goal.met for goal in benchmark.goals))


if __name__ == "__main__":
    sys.exit(main())
