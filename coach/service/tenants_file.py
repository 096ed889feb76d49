"""The file of the tenants (`tenants.toml`): who they are, and what each has of its own.

What a tenant does not say it has from the settings of the service. `default` may be named too, to be given quotas.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from coach.config import Store  # noqa: TC001 - pydantic reads the annotations
from coach.errors import ConfigError
from coach.service.connector_settings import check_base_url, check_vendor_roles
from coach.service.database import DEFAULT_TENANT, TENANTS_FOLDER
from coach.service.messages import shown
from coach.service.toml_places import TomlPlaces
from coach.setting_errors import explain_file
from coach.validation import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from coach.config import Settings

FILE: Final = "tenants.toml"
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")]
_Count = Annotated[int, Field(ge=1)]
_PATHS: Final = ("rules_dir", "phrasebook_dir", "overrides", "review_dir")
_WORDING: Final = {
    "string_pattern_mismatch": "租户名应为小写字母、数字、“-”或“_”，最多 41 个",
    "model_type": "应为一个表，如 [bank.quotas]",
}


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Quotas(_Model):
    """What a tenant may use; None: what the service has."""

    max_calls: _Count | None = None
    max_connections: _Count | None = None
    events_per_second: _Count | None = None
    requests_per_minute: _Count | None = None

    @property
    def counted(self) -> bool:
        """Whether workers have to count together for it; requests are counted in Redis anyway."""
        return (self.max_calls, self.max_connections, self.events_per_second) != (None, None, None)


class Connectors(_Model):
    """What a tenant says about vendors' webhooks; None: what the service says. The secret is in a file of its own."""

    roles: str | None = None
    url: str | None = None
    twilio_token_file: str | None = None

    @field_validator("roles")
    @classmethod
    def _known_vendors(cls, value: str | None) -> str | None:
        return value if value is None else check_vendor_roles(value)

    @field_validator("url")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        return value if value is None else check_base_url(value)


class TenantModel(_Model):
    """One table of the file. Paths are relative to the folder of the file."""

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    rules_dir: str | None = None
    phrasebook_dir: str | None = None
    packs: list[str] | None = None
    overrides: str | None = None
    review_dir: str | None = None
    masking: bool | None = None
    origins: list[str] | None = None
    retention_days: Annotated[int, Field(ge=0)] | None = None
    store: Store | None = None
    quotas: Quotas = Quotas()
    connectors: Connectors = Connectors()

    @field_validator("origins")
    @classmethod
    def _no_path(cls, value: list[str] | None) -> list[str] | None:
        for origin in value or ():
            scheme, separator, rest = origin.partition("://")
            if scheme not in {"http", "https"} or not separator or not rest or "/" in rest or "*" in rest:
                raise ValueError(f"收到 {origin!r}，应为 https://主机[:端口]，不带路径和通配符")
        return value


class _File(BaseModel):
    tenants: dict[_Name, TenantModel]


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """One tenant as it is to be.

    Attributes:
        title: the name for people.
        settings: of the service, with the tenant's own in their place.
        twilio_tokens: those in `connectors.twilio_token_file`; a tenant never has another's.
        places: where its table and fields stand in the file.
    """

    name: str
    title: str
    settings: Settings
    quotas: Quotas
    connectors: Connectors = field(default_factory=Connectors)
    twilio_tokens: tuple[SecretStr, ...] = ()
    places: TomlPlaces = field(default_factory=lambda: TomlPlaces(""), compare=False, repr=False)

    @property
    def rules(self) -> tuple[object, ...]:
        """What makes its rules: tenants with the same share them."""
        settings = self.settings
        return settings.rules, settings.phrasebook, settings.packs, settings.overrides


def tenants_file(settings: Settings) -> Path:
    """Return where the tenants are declared."""
    return settings.tenants_file or settings.data_dir / FILE


def load_tenants(settings: Settings) -> tuple[TenantPlan, ...]:
    """Read the tenants, the default one first; without a file there is only that.

    Raises:
        ConfigError: names file, tenant and field of everything that is wrong.
    """
    return plan_tenants(settings, read_text(settings))


def read_text(settings: Settings) -> str:
    """Return the words of the file; "" where there is none.

    Raises:
        ConfigError: it cannot be read, or is not where the settings say.
    """
    file = tenants_file(settings)
    if not file.exists():
        if settings.tenants_file is not None:
            raise ConfigError(f"tenants_file: 没有文件 {file}")
        return ""
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(explain_file(error, file)) from error


def plan_tenants(settings: Settings, text: str) -> tuple[TenantPlan, ...]:
    """Return the tenants that the words of the file declare, the default one first; reads the secrets they name.

    Raises:
        ConfigError: names file, tenant and field of everything that is wrong.
    """
    file = tenants_file(settings)
    read, places = _read(file, text)
    declared = read.tenants
    names = (DEFAULT_TENANT, *(name for name in declared if name != DEFAULT_TENANT))
    return tuple(_plan(name, declared.get(name, TenantModel()), settings, file, places) for name in names)


def secret_files(file: Path, plans: Iterable[TenantPlan]) -> tuple[Path, ...]:
    """Return the files of secrets that the tenants of a file name."""
    named = (plan.connectors.twilio_token_file for plan in plans)
    return tuple(_beside(file, name) for name in named if name is not None)


def told_at(file: Path, places: TomlPlaces, path: tuple[str, ...], message: str) -> str:
    """Say something about a tenant's table or field: file, line, field, message."""
    line = places.line(*path)
    where = f"[{path[0]}] {'.'.join(path[1:])}".rstrip() if path else "文件"
    return f"{file}:{line}: {where}: {message}" if line else f"{file}: {where}: {message}"


def _read(file: Path, text: str) -> tuple[_File, TomlPlaces]:
    try:
        tables = tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(explain_file(error, file)) from error
    places = TomlPlaces(text)
    try:
        read = _File.model_validate({"tenants": tables})
    except ValidationError as error:
        raise ConfigError("\n".join(_told(file, places, each) for each in error.errors())) from error
    problems = [
        told_at(file, places, (name, *path), problem)
        for name, tenant in read.tenants.items()
        for path, problem in _missing(file, tenant)
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    return read, places


def _missing(file: Path, tenant: TenantModel) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the fields of a tenant that name what is not there, with what is wrong."""
    for name in _PATHS:
        given = getattr(tenant, name)
        if given is not None and not _beside(file, given).exists():
            yield (name,), f"收到 {shown(given)}，没有这个文件或目录 {_beside(file, given)}"
    given = tenant.connectors.twilio_token_file
    if given is not None:
        try:
            _tokens(_beside(file, given))
        except ConfigError as error:
            yield ("connectors", "twilio_token_file"), f"收到 {shown(given)}，{error}"


def _tokens(file: Path) -> tuple[SecretStr, ...]:
    """Read secrets, one a line: a vendor may have two while one takes the other's place.

    Raises:
        ConfigError: there is none; no secret is shown.
    """
    try:
        lines = file.read_text("utf-8").split()
    except OSError as error:
        raise ConfigError(f"无法读取 {file}：{error.strerror or error}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file} 不是 UTF-8 文本，应为一行一个 Auth Token") from None
    if not lines:
        raise ConfigError(f"{file} 是空的，应为一行一个 Auth Token")
    return tuple(SecretStr(line) for line in lines)


def _told(file: Path, places: TomlPlaces, error: Mapping[str, Any]) -> str:
    path = tuple(str(part) for part in error["loc"][1:] if part != "[key]")
    return told_at(file, places, path, explain(error, wording=_WORDING))


def _plan(name: str, tenant: TenantModel, settings: Settings, file: Path, places: TomlPlaces) -> TenantPlan:
    own: dict[str, Any] = {
        each: _beside(file, given) for each in _PATHS if (given := getattr(tenant, each)) is not None
    }
    own |= {
        each: tuple(given) if isinstance(given, list) else given
        for each in ("packs", "masking", "origins", "retention_days", "store")
        if (given := getattr(tenant, each)) is not None
    }
    if name != DEFAULT_TENANT:
        own["data_dir"] = settings.data_dir / TENANTS_FOLDER / name
        if tenant.rules_dir is not None:
            # Overrides are of rules.
            own.setdefault("overrides", None)
        # What lies on the server is the default tenant's, unless this one has recordings of its own.
        own.setdefault("review_dir", None)
    if tenant.quotas.max_calls is not None:
        own["max_calls"] = tenant.quotas.max_calls
    secret = tenant.connectors.twilio_token_file
    return TenantPlan(
        name,
        tenant.name or name,
        settings.model_copy(update=own),
        tenant.quotas,
        tenant.connectors,
        _tokens(_beside(file, secret)) if secret is not None else (),
        places,
    )


def _beside(file: Path, path: str) -> Path:
    return (file.parent / path).resolve()
