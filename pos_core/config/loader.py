"""Configuration: a TOML file, environment variables over it, profiles, and a refusal to start with a bad value.

Order, later wins: the profile's defaults, `pos.toml` (in the data directory, or where --config points), environment
variables `POS_<SECTION>__<KEY>` (`POS_HTTP__PORT=9000`). A misspelt key is an error in both places. Secrets stand in
`secrets.toml`, made at init with mode 0600, and in no other file; nothing prints them.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pos_core.plugins import StartError

PROFILES: dict[str, dict[str, Any]] = {
    "dev": {"log": {"level": "debug", "format": "text"}},
    "test": {"auth": {"argon2_memory_kib": 64, "argon2_rounds": 1}, "database": {"synchronous": "OFF"}},
    "prod": {},
}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseConfig(Section):
    """url: sqlite:///file (relative to the data directory) or postgresql://user:secret@host/name."""

    url: str = "sqlite:///pos.sqlite3"
    max_connections: int = Field(16, ge=2, le=200)
    prepared: bool = True
    synchronous: Literal["FULL", "OFF"] = "FULL"


class HttpConfig(Section):
    """Where the server listens and what it accepts. workers 0: one on SQLite, one per core on PostgreSQL.

    secure_cookies: browsers reach the server by https, although it is a proxy before it that ends TLS.

    requests_per_minute: what one session (or one address without a session) may send to each worker; 0: no limit.
    """

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    workers: int = Field(0, ge=0, le=64)
    threads: int = Field(4, ge=1, le=64)
    max_body_bytes: int = Field(2 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    max_upload_bytes: int = Field(10 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    max_header_bytes: int = Field(32 * 1024, ge=4096, le=262_144)
    connection_limit: int = Field(200, ge=4, le=10_000)
    secure_cookies: bool = False
    drain_seconds: int = Field(10, ge=0, le=120)
    requests_per_minute: int = Field(0, ge=0, le=1_000_000)


class AuthConfig(Section):
    """Token life, the cost of a password hash (argon2id), and where failed sign-ins are counted.

    counters: database, or the URL of a Redis (redis://host:6379/0, rediss://, unix:///path) that all servers share.
    """

    access_minutes: int = Field(15, ge=1, le=1440)
    counters: str = Field("database", pattern=r"^(database|(redis|rediss|unix)://.+)$")
    argon2_memory_kib: int = Field(65_536, ge=64, le=1_048_576)
    argon2_rounds: int = Field(3, ge=1, le=20)
    argon2_parallelism: int = Field(1, ge=1, le=8)


class LogConfig(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class AllowedDistribution(Section):
    """A distribution whose modules may load; a version or hash that is left out may be any."""

    distribution: str
    version: str = ""
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")


class ModulesConfig(Section):
    """disabled: modules that stay off, whatever is switched. allow: where it is given, nothing else is loaded.
    slow_hook_ms: a handler that takes longer is named in the log.
    """

    disabled: tuple[str, ...] = ()
    allow: tuple[AllowedDistribution, ...] | None = None
    slow_hook_ms: int = Field(50, ge=1, le=60_000)


class Config(Section):
    """Everything that is decided before the database can be asked."""

    profile: Literal["dev", "test", "prod"] = "prod"
    language: Literal["en", "es"] = "en"
    data_dir: Path = Path("pos-data")
    database: DatabaseConfig = DatabaseConfig()
    http: HttpConfig = HttpConfig()
    auth: AuthConfig = AuthConfig()
    log: LogConfig = LogConfig()
    modules: ModulesConfig = ModulesConfig()

    @property
    def secrets_file(self) -> Path:
        return self.data_dir / "secrets.toml"

    def directory(self, name: str) -> Path:
        """A storage path under the data directory: logs, backups, exports."""
        return self.data_dir / name


def load(
    data_dir: Path, *, file: Path | None = None, environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration of a data directory. Raises StartError naming every key that is wrong and where it stands."""
    environment = os.environ if environment is None else environment
    path = file or data_dir / "pos.toml"
    given = _read(path, required=file is not None)
    _merge(given, _from_environment(environment))
    _merge(given, dict(overrides or {}))
    profile = given.get("profile", "prod")
    if profile not in PROFILES:
        raise StartError(f"profile must be one of {', '.join(PROFILES)}, not {profile!r}")
    merged: dict[str, Any] = {"data_dir": data_dir.resolve()}
    _merge(merged, PROFILES[profile])
    _merge(merged, given)
    try:
        config = Config.model_validate(merged)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise StartError(f"configuration ({path} and POS_* variables) is not valid: {wrong}") from error
    return _with_absolute_database(config)


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if required:
            raise StartError(f"there is no configuration file {path}") from error
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"{path} is not valid TOML: {error}") from error


#: POS_ variables that are not configuration keys: where things are, and switches of tools.
NOT_CONFIG = frozenset(
    {"POS_DATA_DIR", "POS_CONFIG", "POS_SHARED", "POS_REPLAY_PASSWORD", "POS_TOKEN", "POS_TRACE_HOOKS"}
)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if not name.startswith("POS_") or name in NOT_CONFIG or name.startswith(("POS_TEST_", "POS_BENCH_")):
            continue
        path = name.removeprefix("POS_").lower().split("__")
        place = found
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = [v.strip() for v in value.split(",") if v.strip()] if path[-1] == "disabled" else value
    return found


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _with_absolute_database(config: Config) -> Config:
    url = config.database.url
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////") and url != "sqlite:///:memory:":
        path = config.data_dir / url.removeprefix("sqlite:///")
        changed = config.database.model_copy(update={"url": f"sqlite:///{path}"})
        return config.model_copy(update={"database": changed})
    return config
