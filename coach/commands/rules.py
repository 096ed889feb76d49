"""`coach rules`: look at, check and explain the rules."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from coach.commands.health import health
from coach.commands.options import Json, Packs, PhrasebookDir, RulesDir, load_book
from coach.errors import ConfigError, TranscriptError, cause

if TYPE_CHECKING:
    from coach.rulebook.book import Rulebook

app = typer.Typer(
    no_args_is_help=True,
    help="查看、检查和解释规则。\n\n退出码：0 没有问题；1 规则有问题；2 参数有误，或没有规则目录。",
    rich_markup_mode=None,
)
app.command(name="health")(health)


@app.command(name="list")
def list_rules(
    *,
    category: Annotated[str | None, typer.Option(help="只列一个类别，如 ignorance。")] = None,
    json: Json = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
) -> None:
    """列出规则。

    示例：coach rules list --category ignorance
    """
    book = load_book(rules, phrasebook, packs=pack, check_examples=False)
    chosen = [rule for rule in book.tellers if category in {None, rule.category}]
    if category is not None and not chosen:
        there = "、".join(sorted({rule.category for rule in book.tellers}))
        raise ConfigError(f"--category: 收到 {category!r}，应为 {there} 之一")
    if json:
        _print_json(
            {
                "digest": book.digest,
                "rules": [
                    {
                        "id": rule.id,
                        "category": rule.category,
                        "title": rule.title,
                        "severity": rule.severity,
                        "status": rule.status,
                        "source": rule.source,
                        "file": rule.file,
                    }
                    for rule in chosen
                ],
            }
        )
        return
    for rule in chosen:
        print(f"{rule.id:<36} {rule.severity:<9} {rule.status:<6} {rule.title}")
    print(f"共 {len(chosen)} 条，规则集 {book.digest}")


@app.command()
def lint(
    *,
    only: Annotated[
        str | None, typer.Option("--only", help="只列名字里有这些字的，如 ignorance 或 words.yml。")
    ] = None,
    quiet: Annotated[bool, typer.Option("--errors", help="只列错误，不列提醒。")] = False,
    json: Json = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
) -> None:
    """检查规则文件和评分卡：写错的、例句不过的、用不上的。

    有错误时退出码为 1；只有提醒时为 0。

    示例：coach rules lint --rules ./rules --only refusal
    """
    from coach.commands.scorecards import lint_scorecards  # noqa: PLC0415 - only this command needs it
    from coach.rulebook.lint import lint as find  # noqa: PLC0415

    book = load_book(rules, phrasebook, packs=pack, check_examples=True)
    findings = [
        finding
        for finding in find(book) + lint_scorecards(rules, book)
        if (only is None or only in finding.where) and not (quiet and finding.level != "error")
    ]
    errors = [finding for finding in findings if finding.level == "error"]
    if json:
        _print_json([{"level": f.level, "where": f.where, "message": f.message} for f in findings])
    else:
        for finding in findings:
            print(finding)
        print(f"{len(errors)} 个错误，{len(findings) - len(errors)} 个提醒")
    raise typer.Exit(1 if errors else 0)


@app.command(name="test")
def run_all(
    *, json: Json = False, rules: RulesDir = None, phrasebook: PhrasebookDir = None, pack: Packs = None
) -> None:
    """运行规则里的全部例句。

    有例句不过时退出码为 1。示例：coach rules test
    """
    from coach.rulebook.examples import mark, run_examples  # noqa: PLC0415 - only this command needs it

    book = load_book(rules, phrasebook, packs=pack, check_examples=False)
    matcher = book.matcher(statuses=("draft", "trial", "stable"))
    results = [result for rule in book.rules for result in run_examples(rule, matcher)]
    failed = [result for result in results if not result.passed]
    if json:
        _print_json(
            [
                {
                    "rule": each.rule.id,
                    "text": each.text,
                    "wanted": each.wanted,
                    "got": each.got,
                    "tokens": each.tokens,
                    "passed": each.passed,
                }
                for each in results
            ]
        )
    else:
        for each in failed:
            print(f"{each.rule.file} {each.rule.id}")
            print(f"    应为  {mark(each.text, each.wanted)}")
            print(f"    实为  {mark(each.text, each.got)}")
            print(f"    分词  {'/'.join(each.tokens)}")
        print(f"{len(results)} 句例句，{len(failed)} 句不过")
    raise typer.Exit(1 if failed else 0)


@app.command(name="try")
def try_text(
    text: Annotated[str, typer.Argument(help="坐席的一句话。")],
    *,
    json: Json = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
) -> None:
    """解释一句话：为什么提示，或为什么不提示。

    显示规整后的文字、分词、哪条句式命中了哪里、被哪个例外拦下、会给出什么话术。

    示例：coach rules try 不知道您方便吗
    """
    from coach.rulebook.explain import explain  # noqa: PLC0415 - only this command needs it

    explanation = explain(load_book(rules, phrasebook, packs=pack, check_examples=False), text)
    if json:
        _print_json(explanation.as_dict())
    else:
        print(explanation.as_text())


@app.command()
def schema(
    kind: Annotated[
        Literal["rules", "words", "phrasebook", "overrides", "must-says"], typer.Argument(help="哪一种文件。")
    ] = "rules",
) -> None:
    """输出 YAML 文件的 JSON Schema，供编辑器补全和检查。

    示例：coach rules schema words > words.schema.json
    """
    from coach.rulebook.schema import schema as describe  # noqa: PLC0415 - only this command needs it

    _print_json(describe(kind))


@app.command()
def doc(*, rules: RulesDir = None, phrasebook: PhrasebookDir = None, pack: Packs = None) -> None:
    """把规则写成 Markdown 文档。

    示例：coach rules doc > 话术规则.md
    """
    from coach.rulebook.document import document  # noqa: PLC0415 - only this command needs it

    print(document(load_book(rules, phrasebook, packs=pack, check_examples=False)))


@app.command()
def score(
    files: Annotated[list[Path], typer.Argument(help='JSON 行：{"id","text","labels":[…],"also":[…]}')],
    *,
    errors: Annotated[bool, typer.Option(help="逐句列出错误及原因。")] = True,
    trial: Annotated[bool, typer.Option("--trial", help="试用中的规则也算。")] = False,
    rules_only: Annotated[bool, typer.Option("--rules-only", help="不用第二意见，只看规则。")] = False,
    json: Json = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
) -> None:
    """用标注过的句子给规则打分：精确率、召回率、F1、每千句误报、混淆和每个错误的原因。

    labels 是必须命中的类别，also 是命中也可以的类别；[] 表示这句话没有问题。

    示例：coach rules score 标注.jsonl --no-errors
    """
    from coach.coaching.checker import Checker  # noqa: PLC0415 - only this command needs it
    from coach.coaching.score import score as score_sentences  # noqa: PLC0415
    from coach.commands.scoring import print_score, read_labelled, score_as_dict  # noqa: PLC0415

    sentences = [sentence for file in files for sentence in read_labelled(_lines(file), name=file.name)]
    book = load_book(rules, phrasebook, packs=pack, check_examples=False, second_opinion=not rules_only)
    result = score_sentences(Checker(book), sentences, trial=trial)
    if json:
        _print_json(score_as_dict(result, digest=book.digest))
    else:
        print_score(result, sys.stdout, digest=book.digest, errors=errors)


@app.command()
def train(
    files: Annotated[list[Path], typer.Argument(help='JSON 行：{"id","text","labels":[…],"also":[…]}')],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="写到哪个文件，默认规则目录里的 second-opinion.json.gz。"),
    ] = None,
    json: Json = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
    pack: Packs = None,
) -> None:
    """用标注过的句子训练第二意见（需要 pip install 'coach[train]'）。

    规则改过以后重新训练：第二意见只否决训练时已有的句式。训练句里不要有客户的个人信息。

    示例：coach rules train 标注/*.jsonl --rules ./rules
    """
    from coach import shipped  # noqa: PLC0415 - only this command needs it
    from coach.coaching.training import train as train_opinion  # noqa: PLC0415
    from coach.commands.scoring import read_labelled  # noqa: PLC0415
    from coach.rulebook.opinion import MODEL_FILE, dump  # noqa: PLC0415

    sentences = [sentence for file in files for sentence in read_labelled(_lines(file), name=file.name)]
    book = load_book(rules, phrasebook, packs=pack, check_examples=False, second_opinion=False)
    model = train_opinion(sentences, book)
    target = out or (rules or shipped.rules_dir()) / MODEL_FILE
    written = dump(model)
    # Whole or not at all: a running service may read it at any moment.
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(written)
    part.replace(target)
    if json:
        _print_json(
            {
                "file": str(target),
                "sentences": model.sentences,
                "grams": len(model.grams),
                "bytes": len(written),
            }
        )
    else:
        print(
            f"{target}：由 {len(sentences)} 句标注和 {model.sentences - len(sentences)} 句规则例句学到"
            f" {len(model.grams)} 个字串，{len(written) // 1024} KB"
        )


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(help="旧规则目录。")],
    new: Annotated[Path, typer.Argument(help="新规则目录。")],
    calls: Annotated[list[Path], typer.Argument(help="录好的通话：JSON，或每行一通的 JSON 行。")],
    *,
    json: Json = False,
    phrasebook: PhrasebookDir = None,
) -> None:
    """在录好的通话上比较两套规则：哪些命中会新增，哪些会消失。

    目录里若有 rules/ 和 phrasebook/ 两个子目录，就一起读；否则话术取自 --phrasebook 或随包话术。

    示例：coach rules compare 上月的规则 ./rules 通话.jsonl
    """
    from coach.coaching.checker import Checker  # noqa: PLC0415 - only this command needs it
    from coach.coaching.compare import compare as compare_rules  # noqa: PLC0415
    from coach.commands.scoring import comparison_as_dict, print_comparison, read_turns  # noqa: PLC0415

    checkers = [Checker(_book_of(folder, phrasebook)) for folder in (old, new)]
    turns = [turn for file in calls for turn in read_turns(file)]
    result = compare_rules(checkers[0], checkers[1], turns)
    if json:
        _print_json(comparison_as_dict(result))
    else:
        print_comparison(result, sys.stdout)


def _book_of(folder: Path, phrasebook: Path | None) -> Rulebook:
    """Load a rule book from a folder of rules, or from one that holds rules/ and phrasebook/."""
    if (folder / "rules").is_dir():
        inner = folder / "phrasebook"
        return load_book(folder / "rules", inner if inner.is_dir() else phrasebook, check_examples=False)
    return load_book(folder, phrasebook, check_examples=False)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptError(f"{file.name}: 读不到文件：{cause(error)}") from error


def _print_json(value: object) -> None:
    import orjson  # noqa: PLC0415 - not needed for people

    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
