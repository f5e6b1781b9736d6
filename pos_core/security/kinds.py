"""The kinds of security events: a sentence each in English and Spanish, and how grave it is.

A kind is declared where it is used: `@action(..., security="sign_in")` makes an event of every attempt of the action,
`define(..., security="escalation_attempt")` of every attempt refused with that code, `note(ctx, "token_reuse")` of
what has no action of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[str, ...] = get_args(Severity)


@dataclass(frozen=True, slots=True)
class SecurityKind:
    """A registered kind. severity: of what was done; otherwise: of an attempt that was refused, denied or failed."""

    name: str
    en: str
    es: str
    severity: Severity = "info"
    otherwise: Severity = "warning"

    def sentence(self, language: str = "en") -> str:
        return self.es if language == "es" else self.en

    def severity_of(self, result: str) -> Severity:
        return self.otherwise if result in ("refused", "denied", "failed") else self.severity


_CATALOGUE: dict[str, SecurityKind] = {}


def define_kind(
    name: str, *, en: str, es: str, severity: Severity = "info", otherwise: Severity = "warning"
) -> SecurityKind:
    """Register a kind of security event. Raises ValueError when it was defined before with other words."""
    made = SecurityKind(name, en, es, severity, otherwise)
    if _CATALOGUE.setdefault(name, made) != made:
        raise ValueError(f"the kind of security event {name!r} is defined twice")
    return made


def find_kind(name: str) -> SecurityKind:
    """The kind of that name; one that nobody defined is grave, because evidence is not dropped for want of words."""
    return _CATALOGUE.get(name) or SecurityKind(name, name, name, "warning")


def is_defined(name: str) -> bool:
    return name in _CATALOGUE


def kinds() -> list[SecurityKind]:
    """Every kind that loaded modules have defined, by name."""
    return sorted(_CATALOGUE.values(), key=lambda kind: kind.name)


define_kind("sign_in", en="Somebody signed in, or tried to.", es="Alguien inició sesión o lo intentó.")
define_kind("sign_out", en="Somebody signed out.", es="Alguien cerró su sesión.")
define_kind("account_locked", en="An account was locked after too many wrong attempts.",
            es="Una cuenta fue bloqueada tras demasiados intentos fallidos.", severity="warning")
define_kind("account_unlocked", en="A locked account was opened again.", es="Una cuenta bloqueada fue reabierta.")
define_kind("permission_denied", en="Somebody tried what they hold no permission for.",
            es="Alguien intentó algo para lo que no tiene permiso.", severity="warning")
define_kind("escalation_attempt", en="Somebody tried to give or take rights beyond their own.",
            es="Alguien intentó dar o tomar derechos por encima de los suyos.", severity="critical",
            otherwise="critical")
define_kind("privilege_change", en="Users, roles or who holds them were changed.",
            es="Se cambiaron usuarios, roles o quién los tiene.", severity="warning")
define_kind("export", en="Data left the system in bulk.", es="Salieron datos del sistema en bloque.")
define_kind("token_reuse", en="A refresh token was used again after it had been spent.",
            es="Un token de renovación se usó de nuevo después de gastado.", severity="critical", otherwise="critical")
define_kind("first_run", en="The business was set up, or somebody tried to set it up again.",
            es="El negocio fue configurado, o alguien intentó configurarlo de nuevo.", otherwise="critical")
define_kind("key_rotation", en="The keys that sign tokens were changed.",
            es="Se cambiaron las claves que firman los tokens.", severity="warning")
define_kind("password_changed", en="A user changed the own password.", es="Un usuario cambió su contraseña.")
define_kind("password_reset", en="Somebody gave a user a new password.",
            es="Alguien dio a un usuario una contraseña nueva.", severity="warning")
define_kind("pin_set", en="A till PIN was set or removed.", es="Se estableció o quitó un PIN de caja.")
define_kind("mfa_enrolled", en="A second factor was added to an account.",
            es="Se añadió un segundo factor a una cuenta.")
define_kind("mfa_removed", en="A second factor was removed from an account.",
            es="Se quitó el segundo factor de una cuenta.", severity="warning")
define_kind("session_revoked", en="Sessions were ended from outside.", es="Se terminaron sesiones desde fuera.")
define_kind("device_enrolled", en="A machine was enrolled, or given a new key.",
            es="Se registró una máquina o se le dio una clave nueva.", severity="warning")
define_kind("device_blocked", en="A machine was blocked, or let in again.",
            es="Se bloqueó una máquina o se la admitió de nuevo.", severity="warning")
define_kind("module_toggled", en="A module was switched on or off.", es="Se activó o desactivó un módulo.",
            severity="warning")
define_kind("security_setting", en="A setting that guards the system was changed.",
            es="Se cambió un ajuste que protege el sistema.", severity="warning")
define_kind("attempts_gathered",
            en="Attempts of one origin came too fast to be recorded one by one; they were counted.",
            es="Los intentos de un origen llegaron demasiado rápido para registrarse uno a uno; se contaron.",
            severity="critical")
define_kind("suspicion", en="A detector found a suspicious pattern.", es="Un detector encontró un patrón sospechoso.",
            severity="warning")
