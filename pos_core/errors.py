"""Errors: a registered code each, a sentence in English and Spanish, and what the reader can do about it.

Domain code raises `PosError` (through its code: `raise REGISTER_CLOSED(register="R1")`) or returns `Violation`s from
rules; it never knows an HTTP status. `pos_core/http/problems.py` alone maps kinds to statuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What went wrong, in the pipeline's words; HTTP's words are somebody else's business."""

    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"
    NOT_ALLOWED = "not_allowed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STALE = "stale"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    RULE = "rule"
    UNAVAILABLE = "unavailable"
    FAULT = "fault"


#: OPX-12: the four classes a client decides by.
CLIENT_CLASS: Mapping[Kind, str] = {
    Kind.MALFORMED: "user_can_correct",
    Kind.UNSUPPORTED: "user_can_correct",
    Kind.NOT_ALLOWED: "user_can_correct",
    Kind.INVALID: "user_can_correct",
    Kind.TOO_LARGE: "user_can_correct",
    Kind.RULE: "user_can_correct",
    Kind.UNAUTHENTICATED: "not_permitted",
    Kind.DENIED: "not_permitted",
    Kind.NOT_FOUND: "user_can_correct",
    Kind.CONFLICT: "conflict",
    Kind.STALE: "conflict",
    Kind.TOO_MANY: "system_fault",
    Kind.UNAVAILABLE: "system_fault",
    Kind.FAULT: "system_fault",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong: its code, where (`lines.3.quantity`, "" for the whole) and the figures to tell it."""

    code: ErrorCode
    path: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    rule: str = ""

    def message(self, language: str = "en") -> str:
        return self.code.message(self.params, language)


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A registered code. Calling it makes the error to raise; `at` makes a violation for a path.

    security: the kind of security event that an attempt refused with this code is, "" for none.
    """

    code: str
    kind: Kind
    en: str
    es: str
    cure: str
    security: str = ""

    def __call__(self, path: str = "", /, **params: Any) -> PosError:
        return PosError(self, path=path, params=params)

    def at(self, path: str, /, **params: Any) -> Violation:
        return Violation(self, path, params)

    def message(self, params: Mapping[str, Any], language: str = "en") -> str:
        told = _Missing(params)
        for name, value in params.items():
            if isinstance(value, Violation):  # one thing is wrong because of another
                told[name] = value.message(language)
        return (self.es if language == "es" else self.en).format_map(told)


class _Missing(dict[str, Any]):
    """Params for `format_map`: a figure nobody gave shows as its name instead of hiding the whole error."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class PosError(Exception):
    """A refusal with a code. `violations` lists everything that was wrong when there is more than one thing."""

    def __init__(
        self,
        code: ErrorCode,
        *,
        path: str = "",
        params: Mapping[str, Any] | None = None,
        violations: Iterable[Violation] = (),
    ) -> None:
        self.code = code
        self.path = path
        self.params: Mapping[str, Any] = dict(params or {})
        self.violations = tuple(violations)
        super().__init__(f"{code.code}: {code.message(self.params)}")

    def message(self, language: str = "en") -> str:
        return self.code.message(self.params, language)


_CATALOGUE: dict[str, ErrorCode] = {}


def define(code: str, kind: Kind, *, en: str, es: str, cure: str, security: str = "") -> ErrorCode:
    """Register an error code. `en` and `es` are sentences with `{params}`; `cure` says what to do (for the catalogue).

    Raises ValueError when the code was defined before with other words: a code means one thing.
    """
    made = ErrorCode(code, kind, en, es, cure, security)
    if _CATALOGUE.setdefault(code, made) != made:
        raise ValueError(f"the error code {code!r} is defined twice")
    return made


def catalogue() -> list[ErrorCode]:
    """Every code that loaded modules have defined, by code."""
    return sorted(_CATALOGUE.values(), key=lambda entry: entry.code)


INVALID_REQUEST = define(
    "invalid_request", Kind.INVALID,
    en="Some fields are missing or not as they must be.", es="Faltan campos o no son como deben ser.",
    cure="Mend each field that `errors` names and send again.",
)
RULES_REFUSED = define(
    "rules_refused", Kind.RULE,
    en="The action was refused by {count} rule(s).", es="La acción fue rechazada por {count} regla(s).",
    cure="`errors` lists every rule that refused, with its field.",
)
PERMISSION_DENIED = define(
    "permission_denied", Kind.DENIED,
    en="You need the permission {permission} for this.", es="Necesita el permiso {permission} para esto.",
    cure="Ask an administrator for a role that holds the permission in this store and context.",
)
PASSWORD_CHANGE_NEEDED = define(
    "password_change_needed", Kind.DENIED,
    en="Change your password first.", es="Primero cambie su contraseña.",
    cure="POST /api/v1/auth/password with the old and a new one; then everything else is open.",
)
MFA_ENROLMENT_NEEDED = define(
    "mfa_enrolment_needed", Kind.DENIED,
    en="Your role needs a second factor: set one up first.",
    es="Su rol necesita un segundo factor: configúrelo primero.",
    cure="Enrol a factor at POST /api/v1/auth/mfa/totp and confirm it; then everything else is open.",
)
#: Why a restricted session is denied, by its restriction.
RESTRICTED: Mapping[str, ErrorCode] = {"password": PASSWORD_CHANGE_NEEDED, "mfa": MFA_ENROLMENT_NEEDED}
MODULE_DISABLED = define(
    "module_disabled", Kind.NOT_FOUND,
    en="The module {module} is switched off here.", es="El módulo {module} está desactivado aquí.",
    cure="An administrator can switch the module on for this store.",
)
NOT_FOUND = define(
    "not_found", Kind.NOT_FOUND,
    en="No {entity} {id} was found.", es="No se encontró {entity} {id}.",
    cure="Check the id, and that it belongs to your store.",
)
ALREADY_EXISTS = define(
    "already_exists", Kind.CONFLICT,
    en="There is already one with the same {fields}.", es="Ya existe uno con el mismo valor de {fields}.",
    cure="Use another value, or edit the one that exists.",
)
STILL_REFERENCED = define(
    "reference_broken", Kind.CONFLICT,
    en="Something named here does not exist, or is still in use ({constraint}).",
    es="Algo nombrado aquí no existe o todavía se usa ({constraint}).",
    cure="Check the ids that the request names.",
)
CONSTRAINT_BROKEN = define(
    "constraint_broken", Kind.CONFLICT,
    en="The database refused the values ({constraint}).", es="La base de datos rechazó los valores ({constraint}).",
    cure="Check the figures; the constraint's name says which rule they break.",
)
VERSION_MISMATCH = define(
    "version_mismatch", Kind.STALE,
    en="{entity} was changed meanwhile: it is now version {current}.",
    es="{entity} fue modificado entretanto: ahora es la versión {current}.",
    cure="Read it again, apply your change to what it is now, and send that with its ETag in If-Match.",
)
VERSION_REQUIRED = define(
    "version_required", Kind.STALE,
    en="An edit must say which version it changes.", es="Una edición debe indicar qué versión modifica.",
    cure="Send the ETag of the last read in the If-Match header.",
)
TRANSITION_REFUSED = define(
    "transition_refused", Kind.CONFLICT,
    en="{entity} cannot go from {current} to {wanted}.", es="{entity} no puede pasar de {current} a {wanted}.",
    cure="Allowed from {current}: see the entity's states in the documentation.",
)
KEY_REUSED = define(
    "idempotency_key_reused", Kind.INVALID,
    en="This id or Idempotency-Key was used before with other content.",
    es="Este id o Idempotency-Key ya se usó con otro contenido.",
    cure="A retry must repeat the same body; a new request needs a new id and key.",
)
CONTENTION = define(
    "too_much_contention", Kind.UNAVAILABLE,
    en="The database is busy; nothing was written.", es="La base de datos está ocupada; no se escribió nada.",
    cure="Send the same request again with the same key: it has no second effect.",
)
OUTCOME_UNKNOWN = define(
    "outcome_unknown", Kind.UNAVAILABLE,
    en="The database went away while saving; the outcome is not known.",
    es="La base de datos se perdió al guardar; no se conoce el resultado.",
    cure="Send the same request again with the same id or Idempotency-Key: it is answered with what happened.",
)
READ_ONLY_OUTSIDE = define(
    "write_outside_action", Kind.FAULT,
    en="A write was tried outside an action.", es="Se intentó escribir fuera de una acción.",
    cure="For pack authors: write only in service functions and after rules, through perform().",
)


def refused(violations: Iterable[Violation]) -> PosError:
    """The one error for a set of violations: a single one speaks for itself, several are gathered."""
    found = tuple(violations)
    if len(found) == 1:
        only = found[0]
        return PosError(only.code, path=only.path, params=only.params, violations=found)
    return PosError(RULES_REFUSED, params={"count": len(found)}, violations=found)
