"""`coach rules`: look at, check and explain the rules."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from coach.commands.options import Json, PhrasebookDir, RulesDir, load_book

app = typer.Typer(
    no_args_is_help=True,
    help="查看、检查和解释规则。\n\n退出码：0 没有问题；1 规则有问题；2 参数有误。",
    rich_markup_mode=None,
)


@app.command(name="list")
def list_rules(
    *,
    category: Annotated[str | None, typer.Option(help="只列一个类别，如 ignorance。")] = None,
    json: Json = False,
    rules: RulesDir = None,
    phrasebook: PhrasebookDir = None,
) -> None:
    """列出规则。

    示例：coach rules list --category ignorance
    """
    book = load_book(rules, phrasebook, check_examples=False)
    chosen = [rule for rule in book.rules if category in {None, rule.category}]
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
def lint(*, json: Json = False, rules: RulesDir = None, phrasebook: PhrasebookDir = None) -> None:
    """检查规则文件：写错的、例句不过的、用不上的。

    有错误时退出码为 1；只有提醒时为 0。示例：coach rules lint --rules ./rules
    """
    from coach.rulebook.lint import lint as find  # noqa: PLC0415 - only this command needs it

    findings = find(load_book(rules, phrasebook, check_examples=True))
    errors = [finding for finding in findings if finding.level == "error"]
    if json:
        _print_json([{"level": f.level, "where": f.where, "message": f.message} for f in findings])
    else:
        for finding in findings:
            print(finding)
        print(f"{len(errors)} 个错误，{len(findings) - len(errors)} 个提醒")
    raise typer.Exit(1 if errors else 0)


@app.command(name="test")
def run_all(*, json: Json = False, rules: RulesDir = None, phrasebook: PhrasebookDir = None) -> None:
    """运行规则里的全部例句。

    有例句不过时退出码为 1。示例：coach rules test
    """
    from coach.rulebook.examples import mark, run_examples  # noqa: PLC0415 - only this command needs it

    book = load_book(rules, phrasebook, check_examples=False)
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
) -> None:
    """解释一句话：为什么提示，或为什么不提示。

    显示规整后的文字、分词、哪条句式命中了哪里、被哪个例外拦下、会给出什么话术。

    示例：coach rules try 不知道您方便吗
    """
    from coach.rulebook.explain import explain  # noqa: PLC0415 - only this command needs it

    explanation = explain(load_book(rules, phrasebook, check_examples=False), text)
    if json:
        _print_json(explanation.as_dict())
    else:
        print(explanation.as_text())


@app.command()
def schema(
    kind: Annotated[
        Literal["rules", "words", "phrasebook", "overrides"], typer.Argument(help="哪一种文件。")
    ] = "rules",
) -> None:
    """输出 YAML 文件的 JSON Schema，供编辑器补全和检查。

    示例：coach rules schema words > words.schema.json
    """
    from coach.rulebook.schema import schema as describe  # noqa: PLC0415 - only this command needs it

    _print_json(describe(kind))


@app.command()
def doc(*, rules: RulesDir = None, phrasebook: PhrasebookDir = None) -> None:
    """把规则写成 Markdown 文档。

    示例：coach rules doc > 话术规则.md
    """
    from coach.rulebook.document import document  # noqa: PLC0415 - only this command needs it

    print(document(load_book(rules, phrasebook, check_examples=False)))


def _print_json(value: object) -> None:
    import orjson  # noqa: PLC0415 - not needed for people

    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
