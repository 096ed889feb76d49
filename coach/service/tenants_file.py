"""The file of the tenants (`tenants.toml`): who they are, and what each has of its own.

What a tenant does not say it has from the settings of the service. `default` may be named too, to be given quotas.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from coach.config import Store  # noqa: TC001 - pydantic reads the annotations
from coach.errors import ConfigError
from coach.service.database import DEFAULT_TENANT, TENANTS_FOLDER
from coach.service.messages import shown
from coach.validation import explain

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    """

    name: str
    title: str
    settings: Settings
    quotas: Quotas

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
    file = tenants_file(settings)
    declared: dict[str, TenantModel] = {}
    if file.exists():
        declared = _read(file)
    elif settings.tenants_file is not None:
        raise ConfigError(f"tenants_file: 没有文件 {file}")
    names = (DEFAULT_TENANT, *(name for name in declared if name != DEFAULT_TENANT))
    return tuple(_plan(name, declared.get(name, TenantModel()), settings, file) for name in names)


def _read(file: Path) -> dict[str, TenantModel]:
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: 无法读取：{error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: 不是 TOML：{error}") from error
    try:
        declared = _File.model_validate({"tenants": tables}).tenants
    except ValidationError as error:
        raise ConfigError("\n".join(_told(file, each) for each in error.errors())) from error
    problems = [
        f"{file}: [{name}] {field}: 收到 {shown(given)}，没有这个文件或目录 {_beside(file, given)}"
        for name, tenant in declared.items()
        for field in _PATHS
        if (given := getattr(tenant, field)) is not None and not _beside(file, given).exists()
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    return declared


def _told(file: Path, error: Mapping[str, Any]) -> str:
    place = [str(part) for part in error["loc"][1:] if part != "[key]"]
    where = f"[{place[0]}] {'.'.join(place[1:])}".rstrip() if place else "文件"
    return f"{file}: {where}: {explain(error, wording=_WORDING)}"


def _plan(name: str, tenant: TenantModel, settings: Settings, file: Path) -> TenantPlan:
    own: dict[str, Any] = {
        field: _beside(file, given) for field in _PATHS if (given := getattr(tenant, field)) is not None
    }
    own |= {
        field: tuple(given) if isinstance(given, list) else given
        for field in ("packs", "masking", "origins", "retention_days", "store")
        if (given := getattr(tenant, field)) is not None
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
    return TenantPlan(
        name,
        tenant.name or name,
        settings.model_copy(update=own),
        tenant.quotas,
    )


def _beside(file: Path, path: str) -> Path:
    return (file.parent / path).resolve()
