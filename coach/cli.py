"""The `coach` command. Each subcommand lives in `commands` and imports what it needs only when it runs.

Exit codes: 0 done; 1 it failed, or problems were found; 2 an argument, a name or the input is wrong.
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated, Final

import typer

from coach import __version__
from coach.commands import (
    audit,
    check,
    connect_test,
    data,
    db,
    doctor,
    keys,
    mask,
    relay,
    replay,
    review,
    rules,
    schema,
    serve,
    tenants,
    transcripts,
    webhooks,
)
from coach.commands.standard_streams import drop_output, prepare_streams
from coach.commands.usage import UsageError, explain_usage
from coach.errors import CoachError, cause, exit_code

_NOT_THE_PATH: Final = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EMFILE, errno.ENFILE}

app = typer.Typer(
    name="coach",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="呼叫中心话术实时辅导：读转写，查规则，给坐席更好的说法。\n\n"
    "Real-time call-script coaching for Chinese-language contact centers.\n\n"
    "退出码：0 完成；1 连不上、做不到或发现问题；2 参数、名称、设置或输入有误。",
)
app.command(name="serve")(serve.serve)
app.command(name="check")(check.check)
app.command(name="doctor")(doctor.doctor)
app.command(name="audit")(audit.audit)
app.command(name="mask")(mask.mask)
app.command(name="replay")(replay.replay)
app.command(name="connect-test")(connect_test.connect_test)
app.command(name="relay")(relay.relay)
app.command(name="review")(review.review)
app.command(name="transcripts")(transcripts.transcripts)
app.command(name="schema")(schema.schema)
app.add_typer(rules.app, name="rules")
app.add_typer(keys.app, name="keys")
app.add_typer(tenants.app, name="tenants")
app.add_typer(data.app, name="data")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(db.app, name="db")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"coach {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="显示版本。")
    ] = False,
) -> None:
    """Hold the options of `coach` itself."""


def main() -> None:
    """Run the command line; errors meant for people are printed without a trace."""
    prepare_streams()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        print(explain_usage(error), file=sys.stderr)
        sys.exit(2)
    except typer.Abort:
        sys.exit(1)
    except CoachError as error:
        print(error, file=sys.stderr)
        sys.exit(exit_code(error))
    except OSError as error:
        if error.filename is None:
            if error.errno not in _NOT_THE_PATH:
                raise
            drop_output()
            print(f"无法写出结果：{cause(error)}", file=sys.stderr)
            sys.exit(1)
        # Whatever command met it: a path that was given, and that may not be used.
        print(f"{error.filename}: 无法读写：{cause(error)}", file=sys.stderr)
        sys.exit(1 if error.errno in _NOT_THE_PATH else 2)
    sys.exit(code if isinstance(code, int) else 0)
