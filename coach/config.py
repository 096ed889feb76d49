"""The settings of the live service.

One table: each field is a setting with its default and one sentence. A command line flag wins over the
environment (`COACH_PORT=8600`), the environment over `coach.toml`, the file over the default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, TomlConfigSettingsSource

from coach import shipped
from coach.errors import ConfigError
from coach.setting_errors import explain_file, explain_missing, explain_settings

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]
Store = Literal["words", "nothing"]
Metrics = Literal["loopback", "key", "open", "off"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table."""

    name: str
    default: str
    sentence: str


class Settings(BaseSettings):
    """Everything an operator can set. Sizes are counts, times are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="COACH_", env_ignore_empty=True, extra="forbid", frozen=True, validate_default=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on; anything but loopback is a decision.")
    port: int = Field(8600, ge=0, le=65535, description="TCP port; 0 lets the system choose one.")
    data_dir: Path = Field(
        Path("coach-data"), description="Folder of the database, the API key hashes and the signing secret."
    )
    database_url: SecretStr | None = Field(
        None,
        description="Address of a PostgreSQL server, postgresql://user:password@host/name; empty means a SQLite file "
        "in `data_dir`.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="Address of a Redis or Valkey server, redis://user:password@host:port/0, over which several "
        "processes share their events; empty means one process.",
    )
    workers: int = Field(
        1, ge=1, le=64, description="Processes that share the port; more than one need `redis_url`."
    )
    database_pool: int = Field(
        5,
        ge=2,
        le=200,
        description="Connections to a PostgreSQL server at once, for each tenant and process.",
    )
    secret: SecretStr | None = Field(
        None,
        description="Signing secret of at least 32 characters; several, newest first, while one takes the other's "
        "place. Empty means the file `secret` in `data_dir`.",
    )
    tenants_file: Path | None = Field(
        None,
        description="File that declares the tenants; empty means `tenants.toml` in `data_dir`, if it is there.",
    )
    jwt_issuer: str = Field(
        "", description="`iss` of the identity provider's tokens; empty: only our own tokens."
    )
    jwt_audience: str = Field("", description="`aud` of the identity provider's tokens.")
    jwks_url: str = Field("", description="Address of the identity provider's public keys (JWKS).")
    jwt_subject_claim: str = Field("sub", description="Claim with the agent's or user's id.")
    jwt_role_claim: str = Field("role", description="Claim with one role or several; dots lead into objects.")
    jwt_roles: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Names of the identity provider for roles, comma-separated: `qa-team=reviewer,boss=admin`.",
    )
    jwt_tenant_claim: str = Field(
        "tenant", description="Claim with the tenant; needed where there are several."
    )
    jwt_teams_claim: str = Field("teams", description="Claim with a supervisor's teams.")
    jwt_leeway_s: int = Field(
        30, ge=0, le=300, description="Seconds that the identity provider's clock may differ."
    )
    rules_dir: Path | None = Field(None, description="Folder of the rules; empty means the shipped ones.")
    phrasebook_dir: Path | None = Field(
        None, description="Folder of the phrases; empty means the shipped ones."
    )
    packs: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Optional rule packs, comma-separated, to apply besides the rules: see rules/packs/."
    )
    overrides: Path | None = Field(
        None, description="File of the site's overrides; empty means `overrides.yml` beside the rules."
    )
    web_dir: Path | None = Field(None, description="Folder of the built pages; empty means the shipped ones.")
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Web origins, comma-separated, that may open sockets and embed the sidebar, besides the "
        "service's own.",
    )
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names, comma-separated, the service answers to; empty means any, except on "
        "loopback, where it means loopback names only.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks, comma-separated, of the proxies whose X-Forwarded-For and -Proto are "
        "believed; empty means nobody's.",
    )
    tls_cert: Path | None = Field(
        None, description="Certificate chain (PEM), to serve HTTPS without a proxy; needs tls_key."
    )
    tls_key: Path | None = Field(None, description="Private key (PEM) of tls_cert.")
    demo: bool = Field(
        default=False, description="Serve the demo page, whose visitors need no key; loopback only."
    )
    masking: bool = Field(
        default=True,
        description="Mask personal data in all that is shown, stored and logged; see privacy.md.",
    )
    log_level: LogLevel = Field(
        "info", description="debug, info, warning or error; customers' words only at debug."
    )
    log_format: LogFormat = Field("text", description="text for people or json, one object a line.")
    access_log: bool = Field(default=False, description="Log a line for each request and socket.")
    otel: bool = Field(
        default=False,
        description="Send traces by OpenTelemetry, as the OTEL_* variables say; needs the extra `otel`.",
    )
    metrics: Metrics = Field(
        "loopback",
        description="Who may read /metrics: loopback (this machine without a key, others with one), key, open, off.",
    )
    max_connections: int = Field(25_000, ge=1, description="Open sockets, both kinds together.")
    max_calls: int = Field(20_000, ge=1, description="Calls in memory at once.")
    max_calls_per_connection: int = Field(
        5_000, ge=1, description="Calls one producer connection may carry at once."
    )
    requests_per_minute: int = Field(
        0, ge=0, description="HTTP requests a minute with one API key; 0 means no limit."
    )
    token_requests_per_minute: int = Field(
        600, ge=0, description="HTTP requests a minute by one person, with a token; 0 means no limit."
    )
    failed_logins_per_minute: int = Field(
        60,
        ge=0,
        description="Wrong keys and tokens a minute from one address before it gets 429; 0 means no limit.",
    )
    max_waiting: int = Field(
        10_000,
        ge=1,
        description="Events waiting for the disk before producers are told `busy`; at half of it they are asked to wait.",
    )
    send_buffer: int = Field(
        256, ge=1, description="Messages a sidebar may lag behind before it is resynchronised."
    )
    resume_events: int = Field(
        64,
        ge=0,
        description="Events kept per agent, so that a reconnecting sidebar gets just what it missed.",
    )
    call_idle_s: int = Field(
        7200,
        ge=1,
        description="Seconds without an event after which a call leaves memory (it stays on disk).",
    )
    call_timeout_s: int = Field(
        1800,
        ge=0,
        description="Seconds without an event after which the service ends a call; 0 means never.",
    )
    escalate_after: int = Field(
        3,
        ge=1,
        le=100,
        description="Cards of a call neither adopted nor made up for, after which its supervisor is asked for.",
    )
    review_dir: Path | None = Field(
        None,
        description="Folder of recorded calls that may be reviewed over the API; empty means uploads only.",
    )
    review_parallel: int = Field(1, ge=1, le=16, description="Reviews that run at once; others wait.")
    review_workers: int = Field(
        0, ge=0, le=256, description="Processes of one review; 0 means one for each core but one."
    )
    review_upload_mb: int = Field(2048, ge=1, description="Megabytes of one upload for review.")
    review_upload_files: int = Field(1000, ge=1, description="Files of one upload for review.")
    review_kept: int = Field(200, ge=1, description="Reviews kept at once; one more is refused.")
    review_keep_days: int = Field(
        90, ge=1, description="Days after which a review is deleted with its files; decisions stay."
    )
    webhook_private: bool = Field(
        default=False,
        description="Deliver webhooks to addresses inside this network too, and over plain http to them.",
    )
    webhook_tries: int = Field(8, ge=1, le=50, description="Tries of a webhook before it is a dead letter.")
    webhook_timeout_s: float = Field(
        10.0, ge=0.1, le=60, description="Seconds a receiver of webhooks has to answer."
    )
    webhook_parallel: int = Field(
        8, ge=1, le=100, description="Webhooks under way at once, for each endpoint and process."
    )
    webhook_disable_h: float = Field(
        72.0, gt=0, description="Hours of nothing but failures after which an endpoint is disabled."
    )
    retention_days: int = Field(
        0,
        ge=0,
        description="Days after which a call is deleted with all that was kept of it; 0 keeps it for ever.",
    )
    store: Store = Field(
        "words",
        description="words keeps what was said; nothing keeps it in memory only: an ack means received, not safe.",
    )
    reload_rules: bool = Field(
        default=True, description="Load rules, phrases and the tenants' file again when they change."
    )

    @field_validator("origins", "hosts", "packs", "trusted_proxies", "jwt_roles", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("database_url")
    @classmethod
    def _no_other_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_database_url(value.get_secret_value())
        return value

    @field_validator("origins")
    @classmethod
    def _no_path(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            scheme, separator, rest = origin.partition("://")
            if scheme not in {"http", "https"} or not separator or not rest or "/" in rest or "*" in rest:
                raise ValueError(f"收到 {origin!r}，应为 https://主机[:端口]，不带路径和通配符")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(f"收到 {proxy!r}，应为 IP 地址或网段，如 10.0.0.5 或 10.0.0.0/24") from None
        return value

    @model_validator(mode="after")
    def _both_of_tls(self) -> Settings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert: 证书（tls_cert）和私钥（tls_key）应同时设置")
        return self

    @model_validator(mode="after")
    def _no_words_in_the_log(self) -> Settings:
        if self.store == "nothing" and self.log_level == "debug":
            raise ValueError("log_level: store 为 nothing 时不能用 debug，debug 日志里有通话内容")
        return self

    @model_validator(mode="after")
    def _demo_on_loopback(self) -> Settings:
        if self.demo and not is_loopback(self.host):
            raise ValueError(f"host: 演示模式只能监听本机地址，收到 {self.host!r}")
        return self

    @model_validator(mode="after")
    def _workers_need_a_bus(self) -> Settings:
        if self.workers > 1 and self.redis_url is None:
            raise ValueError(
                f"workers: {self.workers} 个进程之间需要 Redis 或 Valkey 传递事件，请设置 redis_url"
                "（COACH_REDIS_URL=redis://主机:6379/0）；只用一个进程则不需要"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, file."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=_toml_file())
        return init_settings, env_settings, toml

    @property
    def rules(self) -> Path:
        """The folder of the rules in force."""
        return self.rules_dir or shipped.rules_dir()

    @property
    def phrasebook(self) -> Path:
        """The folder of the phrases in force."""
        return self.phrasebook_dir or shipped.phrasebook_dir()

    @property
    def web(self) -> Path:
        """The folder of the built pages."""
        return self.web_dir or shipped.web_dir()


def load_settings(**flags: object) -> Settings:
    """Read the settings; flags that are None were not given.

    Raises:
        ConfigError: a setting is unknown, of the wrong type or out of range; names all of them. Or the file that
            COACH_CONFIG names is not there.
    """
    named = os.environ.get("COACH_CONFIG", "")
    if named and not Path(named).is_file():
        raise ConfigError(explain_missing(named))
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        fields = Settings.model_fields
        secret = {name for name, info in fields.items() if "SecretStr" in str(info.annotation)}
        told = explain_settings(error, flags=given, file=_toml_file(), known=fields, secret=secret)
        raise ConfigError(told) from error
    except (OSError, ValueError) as error:
        raise ConfigError(explain_file(error, _toml_file())) from error


def settings_table() -> tuple[Setting, ...]:
    """List every setting with its default, in the order of docs/operations.md."""
    return tuple(
        Setting(name=name, default=_shown(info.default), sentence=str(info.description))
        for name, info in Settings.model_fields.items()
    )


def check_database_url(url: str) -> None:
    """Refuse what is no address of a PostgreSQL server; the message does not show it, for the password in it.

    Raises:
        ValueError: with what was expected.
    """
    expected = "应为 postgresql://用户:密码@主机:端口/库名，或留空使用数据目录里的 SQLite"
    if url.partition("://")[0] not in {"postgresql", "postgres"}:
        raise ValueError(f"不是 PostgreSQL 的地址，{expected}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"读不懂这个地址，{expected}") from None
    beyond = f"{parts.path}{parts.query}{parts.fragment}"
    if parts.fragment or "@" in beyond or any(character.isspace() for character in url):
        raise ValueError(f"用户名和密码里的 /、?、#、@ 和空白要写成 %2F、%3F、%23、%40 和 %20，{expected}")
    if not parts.path.strip("/"):
        raise ValueError(f"没有写库名，{expected}")
    for host in parts.netloc.rpartition("@")[2].split(","):
        port = host.rpartition("]")[2].partition(":")[2]
        if port and not (port.isascii() and port.isdigit() and int(port) < 65536):  # noqa: PLR2004 - of TCP
            raise ValueError(f"端口应为 0 到 65535 的数，{expected}")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _toml_file() -> Path:
    return Path(os.environ.get("COACH_CONFIG") or "coach.toml")


def _shown(default: object) -> str:
    if default in (None, (), ""):
        return "empty"
    return str(default).lower() if isinstance(default, bool) else str(default)
