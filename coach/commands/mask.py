"""`coach mask`: show what masking hides."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from coach.commands.options import Json  # noqa: TC001 - typer reads the annotations
from coach.commands.standard_streams import Texts


def mask(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="要脱敏的文字。")] = None,
    *,
    json: Json = False,
    orders: Annotated[bool, typer.Option("--orders", help="订单号、运单号也脱敏。")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="按还没说完的文字处理：末尾可能还会变长的号码也遮住。")
    ] = False,
) -> None:
    """遮住文字里的个人信息，长度不变。

    手机、座机、身份证、银行卡、邮箱、车牌、地址、姓名、护照、微信和 QQ 号，写成数字或一个一个念出来都认得；
    金额、日期、工号、客服热线保持原样。不给 TEXT 时从标准输入读，一行一句。

    加 --json 时每行输出 {"masked", "spans": [{"kind", "start", "end"}]}，位置按字符数计。

    退出码：0 完成；2 输入不是 UTF-8。

    示例：

      coach mask 我叫王小明，电话幺三八一二三四五六七八

      coach mask < transcript.txt > masked.txt
    """
    from coach.language.masking import DEFAULT_KINDS, KINDS, find  # noqa: PLC0415 - only once the flags are right
    from coach.language.masking import mask as mask_text  # noqa: PLC0415

    if not texts and sys.stdin.isatty():
        raise typer.BadParameter("请给出要脱敏的文字，或从标准输入送入。例：coach mask 我叫王小明")
    kinds = KINDS if orders else DEFAULT_KINDS
    given = Texts.of(texts)
    for text in given:
        masked = mask_text(text, final=not partial, kinds=kinds)
        if not json:
            print(masked)
            continue
        import orjson  # noqa: PLC0415 - not needed for people

        spans = [
            {"kind": each.kind, "start": each.start, "end": each.end}
            for each in find(text, final=not partial, kinds=kinds)
        ]
        sys.stdout.buffer.write(orjson.dumps({"masked": masked, "spans": spans}) + b"\n")
    raise typer.Exit(2 if given.wrong else 0)
