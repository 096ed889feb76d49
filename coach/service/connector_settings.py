"""What an operator says about vendors' webhooks, and the signature of the vendor that signs: Twilio.

Of the default tenant in the environment (`COACH_CONNECTOR_*`), of each tenant in its table of `tenants.toml`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from coach.connectors.model import read_roles
from coach.connectors.vendors import VENDORS
from coach.errors import ConfigError, MessageError
from coach.service.database import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coach.coaching.events import Speaker
    from coach.service.tenants_file import TenantPlan

log = logging.getLogger(__name__)

TWILIO_SIGNATURE: Final = "x-twilio-signature"
_NOBODYS: Final = "nobody's token"
# Characters of the names of fields that a refusal repeats.
_MOST_NAMES: Final = 300


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
        return check_base_url(value)

    @field_validator("roles")
    @classmethod
    def _known_vendors(cls, value: str) -> str:
        return check_vendor_roles(value)


def check_base_url(value: str) -> str:
    """Return the address that vendors call, without a slash at its end.

    Raises:
        ValueError: it is none.
    """
    scheme, separator, rest = value.partition("://")
    if value and (scheme not in {"http", "https"} or not separator or not rest or "?" in rest):
        raise ValueError(f"收到 {value!r}，应为 https://主机[:端口]，不带参数")
    return value.rstrip("/")


def check_vendor_roles(value: str) -> str:
    """Return a list of roles.

    Raises:
        ValueError: it cannot be read, or names a vendor that there is none of.
    """
    try:
        labels = read_roles(value, name="roles")
    except MessageError as error:
        raise ValueError(error.message) from error
    for label in labels:
        vendor, slash, rest = label.partition("/")
        if vendor not in VENDORS or not slash or not rest:
            raise ValueError(f"收到 {label!r}，应为“厂商/标签:角色”，厂商是 {'、'.join(VENDORS)} 之一")
    return value


@dataclass(frozen=True, slots=True)
class TenantConnectors:
    """What is in force for one tenant.

    Attributes:
        url: address that vendors call; "" takes it from the request.
        twilio_tokens: any of them may have signed; none: nobody can sign.
    """

    tenant: str
    roles: str = ""
    url: str = ""
    twilio_tokens: tuple[SecretStr, ...] = ()

    def roles_of(self, vendor: str) -> dict[str, Speaker]:
        """Return the roles that were set for one vendor, by its label in lower case."""
        prefix = f"{vendor}/"
        roles = read_roles(self.roles, name="roles")
        return {label.removeprefix(prefix): role for label, role in roles.items() if label.startswith(prefix)}

    def check_twilio(
        self, signature: str, *, url: str, params: Iterable[tuple[str, str]], form: bool = True
    ) -> None:
        """Check that a form was signed by Twilio for the address it came to.

        Args:
            signature: the header.
            url: the address with its query, as Twilio calls it.
            params: the fields of the form.
            form: it is one; nothing else is signed.

        Raises:
            MessageError: `not_authenticated`. It says what was expected, and the same for a tenant that has no secret
                or does not exist: only the log tells them apart.
        """
        fields = list(params)
        given = signature.encode("utf-8", "surrogatepass")
        # A tenant without a secret takes as long.
        tokens = [token.get_secret_value() for token in self.twilio_tokens] or [_NOBODYS]
        right = [
            hmac.compare_digest(sign_twilio(token, url=url, params=fields).encode(), given)
            for token in tokens
        ]
        if any(right) and self.twilio_tokens:
            if not form:
                raise MessageError("not_authenticated", "带签名的请求应为表单，签名不含其他格式的内容")
            return
        own = f"tenants.toml 里 [{self.tenant}.connectors] 的 twilio_token_file"
        where = f"COACH_CONNECTOR_TWILIO_TOKEN 或 {own}" if self.tenant == DEFAULT_TENANT else own
        if not self.twilio_tokens:
            log.info("收到带 X-Twilio-Signature 的请求，但租户 %s 没有设置 Twilio 的 Auth Token", self.tenant)
        names = "、".join(sorted({name for name, _ in fields})) or "没有字段"
        raise MessageError(
            "not_authenticated",
            f"X-Twilio-Signature 不符；应为用租户 {self.tenant} 的 Twilio Auth Token（{where}）对地址 {url} 和表单"
            f"（{names[:_MOST_NAMES]}）算出的签名。地址要与 Twilio 里填的一字不差，服务在代理后面时用 COACH_CONNECTOR_URL"
            "（或租户的 connectors.url）指明；租户写在地址里，如 ?tenant=bank",
        )


def connectors_of(plan: TenantPlan, settings: ConnectorSettings) -> TenantConnectors:
    """Return what is in force for a tenant. Secrets in the environment are the default tenant's alone."""
    own, tokens = plan.connectors, plan.twilio_tokens
    if not tokens and plan.name == DEFAULT_TENANT and settings.twilio_token.get_secret_value():
        tokens = (settings.twilio_token,)
    return TenantConnectors(
        tenant=plan.name,
        roles=settings.roles if own.roles is None else own.roles,
        url=settings.url if own.url is None else own.url,
        twilio_tokens=tokens,
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
