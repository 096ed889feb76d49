"""The names under which centers keep the fields of a transcript, Chinese and English.

Serves the columns of tables, the keys of JSON records and the head lines of plain text alike.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, get_args

Field = Literal[
    "call",
    "speaker",
    "text",
    "start",
    "end",
    "duration",
    "agent",
    "team",
    "started_at",
    "customer",
    "org",
    "dialogue",
]
FIELDS: Final[tuple[Field, ...]] = get_args(Field)

_NAMES: Final[dict[Field, str]] = {
    "call": (
        "通话id 通话编号 通话号 通话流水 通话流水号 通话标识 通话唯一标识 流水号 录音id 录音编号 "
        "录音流水号 录音号 录音文件 录音文件名 录音名称 文件名 会话id 会话编号 会话标识 呼叫id 呼叫编号 "
        "话单号 id call callid callno contactid conversationid sessionid recordingid recording filename "
        "interactionid ucid callsid uuid tid"
    ),
    "speaker": (
        "角色 说话人 讲话人 发言人 说话者 话者 说话方 发言方 身份 声道 通道 speaker role participant "
        "participantrole participantid channel channelid mediachannel spk spkid speakerid speakerlabel "
        "speakername identity"
    ),
    "text": (
        "内容 文本 文字 话 说话内容 发言内容 说话文本 转写 转写文本 转写内容 转写结果 识别结果 识别文本 "
        "识别内容 原文 语句 句子 text content transcript utterance sentence message words"
    ),
    "start": (
        "开始 开始时间 起始 起始时间 开始时刻 起始时刻 说话开始时间 句子开始时间 开始偏移 起始偏移 "
        "起始位置 时间 时间点 时间戳 说话时间 发言时间 start starttime begin begintime beginoffset "
        "beginoffsetmillis offset timestamp time"
    ),
    "end": (
        "结束 结束时间 终止时间 截止时间 结束时刻 说话结束时间 句子结束时间 结束偏移 end endtime stop "
        "stoptime endoffset endoffsetmillis"
    ),
    "duration": "时长 持续时间 持续时长 句长 说话时长 duration length",
    "agent": (
        "工号 坐席 座席 客服 坐席工号 座席工号 客服工号 坐席id 座席id 客服id 坐席编号 座席编号 客服编号 "
        "坐席姓名 座席姓名 客服姓名 坐席名称 员工号 员工编号 员工工号 agent agentid agentname agentno "
        "operatorid"
    ),
    "team": (
        "班组 组 小组 组别 团队 班次组 部门 技能组 坐席组 座席组 客服组 所属班组 所属团队 team teamname "
        "group queue skill skillgroup department"
    ),
    "started_at": (
        "通话开始时间 通话时间 通话日期 来电时间 呼叫时间 呼入时间 呼出时间 拨打时间 外呼时间 接通时间 "
        "应答时间 录音时间 录音日期 录音开始时间 会话开始时间 会话时间 日期 startedat callstart "
        "callstarttime calltime calldate startdate date datetime initiationtimestamp "
        "connectedtosystemtimestamp recordingtime"
    ),
    "customer": (
        "客户 客户id 客户编号 客户号 客户代码 用户id 用户编号 会员号 会员id customer customerid clientid "
        "memberid"
    ),
    "org": "公司 公司名称 企业 企业名称 品牌 商户 org organization company brand",
    "dialogue": (
        "对话 对话内容 对话文本 对话记录 对话全文 通话内容 通话文本 通话记录 通话全文 通话转写 会话内容 "
        "会话文本 会话记录 会话全文 聊天记录 聊天内容 转写全文 全文 录音文本 录音转写 录音内容 dialogue "
        "dialog conversation fulltext fulltranscript"
    ),
}
_FIELDS: Final[dict[str, Field]] = {name: field for field, names in _NAMES.items() for name in names.split()}
_UNIT: Final = re.compile(r"[(\[]\s*(ms|毫秒|s|sec|seconds?|秒|millis(?:econds)?)\s*[)\]]$")
_TAIL: Final = re.compile(r"_(ms|s|sec|seconds?|millis(?:econds)?)$")
_CAMEL_MS: Final = re.compile(r"(?<=[a-z])(Ms|Millis)$")
_NOISE: Final = re.compile(r"[\s_\-./:#*]+|\(.*?\)|\[.*?\]")


def field_of(header: str) -> tuple[Field | None, str]:
    """Return the field that a header names, and its unit ("ms", "s", "" when not told)."""
    text = unicodedata.normalize("NFKC", header).strip().strip('"\ufeff')
    unit = ""
    if match := _CAMEL_MS.search(text):
        unit, text = "ms", text[: match.start()]
    text = text.casefold()
    for pattern in (_UNIT, _TAIL):
        if match := pattern.search(text):
            unit = "ms" if match.group(1).startswith(("ms", "milli", "毫")) else "s"
            text = text[: match.start()]
    return _FIELDS.get(_NOISE.sub("", text)), unit


def examples(field: Field) -> str:
    """Return a few names of a field, for an error message."""
    return "、".join(_NAMES[field].split()[:3])
