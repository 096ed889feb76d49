"""The list of vendors, by the name they have in addresses and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coach.connectors.aliyun import Aliyun
from coach.connectors.aliyun_report import AliyunReport
from coach.connectors.audiohook import AudioHook
from coach.connectors.contact_lens import ContactLens
from coach.connectors.funasr import FunASR
from coach.connectors.genesys import Genesys
from coach.connectors.google import Google
from coach.connectors.huawei import Huawei
from coach.connectors.iflytek import IFlytek
from coach.connectors.tencent import Tencent
from coach.connectors.twilio import Twilio
from coach.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from coach.connectors.model import Connector, Options

_CONNECTORS: Final[dict[str, Callable[[Options], Connector]]] = {
    each.vendor: each
    for each in (
        FunASR,
        Aliyun,
        AliyunReport,
        Tencent,
        IFlytek,
        Huawei,
        ContactLens,
        Twilio,
        Genesys,
        AudioHook,
        Google,
    )
}
VENDORS: Final = tuple(_CONNECTORS)


def connector_for(vendor: str, options: Options) -> Connector:
    """Return the connector of a vendor.

    Raises:
        MessageError: `not_found`, if there is none of that name.
    """
    make = _CONNECTORS.get(vendor)
    if make is None:
        raise MessageError(
            "not_found", f"vendor: 收到 {vendor!r}，应为 {'、'.join(VENDORS)} 之一", field="vendor"
        )
    return make(options)
