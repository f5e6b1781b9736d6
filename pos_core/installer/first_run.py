"""Setting up a new machine over HTTP: what is needed, the setup code, and the one request that makes the business.

Once a business exists nothing here does anything any more: neither after a restart, nor for the second of two requests
that come at once.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from pos_core import money
from pos_core.auth import passwords
from pos_core.config.loader import Config
from pos_core.db.database import connect_to
from pos_core.errors import Kind, PosError, Violation, define
from pos_core.installer import checks, setup
from pos_core.installer.countries import COUNTRIES
from pos_core.installer.survey import survey
from pos_core.rbac.schemas import NewPassword, NewUsername
from pos_core.schemas import BasisPoints, Code, Command, Currency, Name
from pos_core.stores.schemas import TimeZone

SETUP_CLOSED = define(
    "setup_closed", Kind.NOT_FOUND,
    en="There is nothing to set up: the business is there.", es="No hay nada que configurar: el negocio ya existe.",
    cure="Sign in at POST /api/v1/auth/login; settings change through the administration.",
)
SETUP_NEEDED = define(
    "setup_needed", Kind.UNAVAILABLE,
    en="This machine has no business yet.", es="Esta máquina aún no tiene ningún negocio.",
    cure="Set it up at POST /api/v1/setup, or stop the server and run `pos init`.",
)
SETUP_CODE_WRONG = define(
    "setup_code_wrong", Kind.UNAUTHENTICATED,
    en="The setup code is missing or wrong.", es="Falta el código de configuración o no es correcto.",
    cure="Send it in the header Setup-Code; the server shows it on its terminal and keeps it in the file setup-code.",
)
SETUP_NOT_READY = define(
    "setup_not_ready", Kind.CONFLICT,
    en="The machine is not ready: {found}.", es="La máquina no está lista: {found}.",
    cure="GET /api/v1/setup lists every check with what to do about it.",
)


def _in_use(value: str) -> str:
    if not money.is_currency(value):
        raise ValueError("must be a current ISO 4217 currency code")
    return value


class SetUp(Command):
    """The new business. `country` fills in what is left out; what is said holds. The currency stays for ever."""

    name: Name
    country: Literal[tuple(COUNTRIES)] | None = None  # type: ignore[valid-type]
    currency: Annotated[Currency, AfterValidator(_in_use)] | None = None
    time_zone: TimeZone | None = None
    store_code: Code = "S1"
    store_name: Name | None = Field(None, description="The business' name, unless said otherwise.")
    prices_include_tax: bool | None = None
    tax_standard: BasisPoints | None = None
    tax_reduced: BasisPoints | None = None
    admin_username: NewUsername = "admin"
    admin_password: NewPassword

    @model_validator(mode="after")
    def _decided(self) -> SetUp:
        if self.country is None and (self.currency is None or self.time_zone is None):
            raise ValueError("give `country`, or `currency` and `time_zone`")
        return self

    def choices(self) -> dict[str, Any]:
        """What the first run is told."""
        country = COUNTRIES[self.country].choices() if self.country is not None else {}
        said = self.model_dump(exclude={"country", "admin_password"}, exclude_none=True)
        return {
            "store_name": self.name, **country, **said, "admin_password": self.admin_password.get_secret_value(),
        }  # fmt: skip


#: What the fields of the request are called in the actions that it comes to.
_FIELDS = {"password": "admin_password", "username": "admin_username"}


def _as_asked(error: PosError) -> PosError:
    """A refusal of one of the first run's actions, with its paths as the request has them."""
    found = [Violation(v.code, _FIELDS.get(v.path, v.path), v.params, v.rule) for v in error.violations]
    path = _FIELDS.get(error.path, error.path)
    return PosError(error.code, path=path, params=error.params, violations=found)


def code_file(config: Config) -> Path:
    """Where the setup code stands while it is good."""
    return config.data_dir / "setup-code"


def is_needed(config: Config) -> bool:
    """Whether there is no business yet. StartError where a shop's own database does not answer."""
    path = checks.sqlite_path(config)
    if path is not None and not path.exists():
        return True
    db = connect_to(config.database.url, synchronous=config.database.synchronous)
    try:
        checks.require_database(db)
        return not checks.has_people(db)
    finally:
        checks.close(db)


class FirstRun:
    """One machine's first run: the setup code, and the business once it is made."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.code = passwords.generate()
        self.done = threading.Event()
        self._digest = hashlib.sha256(self.code.encode()).digest()
        self._one_at_a_time = threading.Lock()

    def publish(self) -> Path:
        """Write the code into its file, readable by this user only."""
        path = code_file(self.config)
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(self.code + "\n")
        return path

    def withdraw(self) -> None:
        """Remove the file: the code is good for this first run only."""
        code_file(self.config).unlink(missing_ok=True)

    def require_code(self, given: str | None) -> None:
        """PosError `setup_code_wrong` unless it is the code, or `setup_closed` once there is a business."""
        if self.done.is_set():
            raise SETUP_CLOSED()
        digest = hashlib.sha256((given or "").strip().encode()).digest()
        if not hmac.compare_digest(digest, self._digest):
            raise SETUP_CODE_WRONG()

    def state(self) -> dict[str, Any]:
        """What the machine has and lacks, and what a country usually starts with."""
        found = list(survey(self.config))
        return {
            "needed": not self.done.is_set(), "ready": all(f.level != "fail" for f in found),
            "checks": [{"check": f.check, "level": f.level, "text": f.text, "cure": f.cure} for f in found],
            "countries": [
                {"code": code, "name": country.name, **country.choices()} for code, country in COUNTRIES.items()
            ],
        }  # fmt: skip

    def set_up(self, command: SetUp) -> dict[str, Any]:
        """Make the business; PosError `setup_closed` where there is one, by whomever it was made."""
        with self._one_at_a_time:
            if self.done.is_set() or not is_needed(self.config):
                raise SETUP_CLOSED()
            lacking = [finding.text for finding in survey(self.config) if finding.level == "fail"]
            if lacking:
                raise SETUP_NOT_READY(found="; ".join(lacking))
            try:
                made = setup.first_run(self.config, command.choices())
            except PosError as error:
                raise _as_asked(error) from error
            try:
                if made.admin_password is None:
                    raise SETUP_CLOSED()
                answer = {
                    "id": made.kernel.instance_id, "name": made.kernel.instance_name,
                    "currency": made.kernel.currency, "administrator": made.admin_username,
                }  # fmt: skip
            finally:
                checks.close(made.kernel.db)
            self.done.set()
            self.withdraw()
            return answer
