"""What an operator says about vendors' webhooks, and the signature of the vendor that signs: Twilio.

Settings of their own, `COACH_CONNECTOR_*` in the environment: they hold secrets and belong to no file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from coach.connectors.model import read_roles
from coach.connectors.vendors import VENDORS
from coach.errors import ConfigError, MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.events import Speaker

TWILIO_SIGNATURE: Final = "x-twilio-signature"


class ConnectorSettings(BaseSettings):
    """Everything an operator can set about webhooks."""

    model_config = SettingsConfigDict(env_prefix="COACH_CONNECTOR_", env_ignore_empty=True, frozen=True)

    roles: str = Field(
        default="",
        description="Who is who, comma-separated: vendor/label:role, as in twilio/inbound_track:customer.",
    )
    twilio_token: SecretStr = Field(
        default=SecretStr(""),
        description="Twilio's auth token; with it X-Twilio-Signature stands for an API key.",
    )
    url: str = Field(
        default="",
        description="Address the vendor calls, up to the path, as in https://coach.example.com; empty takes it "
        "from the request, which is wrong behind a proxy that ends TLS.",
    )

    @field_validator("url")
    @classmethod
    def _base(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if value and (scheme not in {"http", "https"} or not separator or not rest or "?" in rest):
            raise ValueError(f"收到 {value!r}，应为 https://主机[:端口]，不带参数")
        return value.rstrip("/")

    @field_validator("roles")
    @classmethod
    def _known_vendors(cls, value: str) -> str:
        try:
            labels = read_roles(value, name="roles")
        except MessageError as error:
            raise ValueError(error.message) from error
        for label in labels:
            vendor, slash, rest = label.partition("/")
            if vendor not in VENDORS or not slash or not rest:
                raise ValueError(f"收到 {label!r}，应为“厂商/标签:角色”，厂商是 {'、'.join(VENDORS)} 之一")
        return value

    def roles_of(self, vendor: str) -> dict[str, Speaker]:
        """Return the roles that were set for one vendor, by its label in lower case."""
        prefix = f"{vendor}/"
        roles = read_roles(self.roles, name="COACH_CONNECTOR_ROLES")
        return {label.removeprefix(prefix): role for label, role in roles.items() if label.startswith(prefix)}

    def check_twilio(self, signature: str, *, url: str, params: Iterable[tuple[str, str]]) -> None:
        """Check that a form was signed by Twilio for the address it came to.

        Args:
            signature: the header.
            url: the address with its query, as Twilio calls it.
            params: the fields of the form.

        Raises:
            MessageError: `not_authenticated`.
        """
        token = self.twilio_token.get_secret_value()
        if not token:
            raise MessageError(
                "not_authenticated",
                "收到 X-Twilio-Signature，但没有设置 COACH_CONNECTOR_TWILIO_TOKEN（Twilio 的 Auth Token）",
            )
        if not hmac.compare_digest(
            sign_twilio(token, url=url, params=params).encode(), signature.encode("utf-8", "surrogatepass")
        ):
            raise MessageError(
                "not_authenticated",
                f"X-Twilio-Signature 与 {url} 不符；地址要与 Twilio 里填的一字不差，服务在代理后面时"
                "用 COACH_CONNECTOR_URL 指明",
            )


def sign_twilio(token: str, *, url: str, params: Iterable[tuple[str, str]]) -> str:
    """Return Twilio's signature of a form: HMAC-SHA1 over the address and the sorted fields."""
    signed = url + "".join(name + value for name, value in sorted(set(params)))
    return base64.b64encode(
        hmac.digest(token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1)
    ).decode()


def load_connector_settings() -> ConnectorSettings:
    """Read the settings.

    Raises:
        ConfigError: a setting is wrong; names all of them.
    """
    try:
        return ConnectorSettings()
    except ValidationError as error:
        lines = [
            f"COACH_CONNECTOR_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}"
            for each in error.errors()
        ]
        raise ConfigError("\n".join(lines)) from None
