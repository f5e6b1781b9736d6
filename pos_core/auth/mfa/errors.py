"""What can be refused about second factors."""

from __future__ import annotations

from pos_core.errors import Kind, define

MFA_REQUIRED = define(
    "mfa_required", Kind.UNAUTHENTICATED,
    en="A second factor is needed: {methods}.", es="Se necesita un segundo factor: {methods}.",
    cure="Send the same sign-in again with `mfa`: {\"method\": one of these, \"code\": ...}.",
)
MFA_WRONG = define(
    "mfa_code_wrong", Kind.UNAUTHENTICATED,
    en="The code is not right, or it was used before.", es="El código no es correcto o ya se usó.",
    cure="Take the code that is shown now, or one of your recovery codes; check the phone's clock.",
)
CODE_WRONG = define(
    "mfa_confirmation_wrong", Kind.INVALID,
    en="The code does not fit what was set up.", es="El código no corresponde a lo que se configuró.",
    cure="Take the code that is shown now, check the phone's clock, or begin again.",
)
MFA_OFF = define(
    "mfa_off", Kind.CONFLICT,
    en="Second factors are switched off in this business.",
    es="Los segundos factores están desactivados en este negocio.",
    cure="An administrator switches them on with the setting mfa.enabled.",
)
SESSION_WEAK = define(
    "mfa_session_needed", Kind.DENIED,
    en="This sign-in was made without your second factor.", es="Esta sesión se inició sin su segundo factor.",
    cure="Sign in by password and second factor, and change your second factors there.",
)
METHOD_UNKNOWN = define(
    "mfa_method_unknown", Kind.NOT_FOUND,
    en="There is no second factor called {method} here; there are {known}.",
    es="No hay ningún segundo factor llamado {method} aquí; hay {known}.",
    cure="Use one of those, or install the module that brings it.",
)
ALREADY_ENROLLED = define(
    "mfa_already_enrolled", Kind.CONFLICT,
    en="You have set up {method} before.", es="Ya configuró {method}.",
    cure="Remove it first, with your password; then set it up anew.",
)
NOT_ENROLLED = define(
    "mfa_not_enrolled", Kind.NOT_FOUND,
    en="You have not begun to set up {method}.", es="No ha empezado a configurar {method}.",
    cure="Begin with POST /api/v1/auth/mfa/{method}.",
)
ROLE_UNKNOWN = define(
    "mfa_role_unknown", Kind.INVALID,
    en="mfa.roles lists {unknown}, which is no role.", es="mfa.roles incluye {unknown}, que no es ningún rol.",
    cure="List codes of roles, separated by commas; GET /roles shows them.",
)
FACTOR_LOST = define(
    "mfa_factor_unreadable", Kind.FAULT,
    en="A second factor cannot be read with the keys of this installation.",
    es="Un segundo factor no puede leerse con las claves de esta instalación.",
    cure="Restore secrets.toml from the backup that belongs to this database, or remove the factor with "
    "`pos user reset-mfa NAME`.",
)
