"""What can be wrong with an approval."""

from __future__ import annotations

from pos_core.errors import Kind, define

APPROVAL_REQUIRED = define(
    "approval_required", Kind.RULE,
    en="This needs somebody else's approval: {why}", es="Esto necesita la aprobación de otra persona: {why}",
    cure="`errors[].approval` says which kind, with which figures, and who may decide. Ask with POST /approvals and "
    "send the action again with `approval.ids`, or let a supervisor type name and PIN (`approval.username`, `.pin`).",
)
APPROVAL_MISMATCH = define(
    "approval_mismatch", Kind.RULE,
    en="The approval was given for something else ({differs}): {why}",
    es="La aprobación se dio para otra cosa ({differs}): {why}",
    cure="Send exactly what was approved, or ask again for what it has become.",
)
APPROVAL_PENDING = define(
    "approval_pending", Kind.CONFLICT,
    en="The approval is not decided yet; level {level} decides.",
    es="La aprobación aún no está decidida; decide el nivel {level}.",
    cure="Wait for the decision: GET /approvals/{id} shows it.",
)
APPROVAL_UNUSABLE = define(
    "approval_not_usable", Kind.CONFLICT,
    en="The approval cannot be used: it is {state}.", es="La aprobación no se puede usar: está {state}.",
    cure="An approval is used once, while it is approved and not expired. Ask again.",
)
APPROVAL_OWN = define(
    "approval_of_ones_own", Kind.DENIED,
    en="Nobody approves what they asked for themselves.", es="Nadie aprueba lo que ha pedido para sí.",
    cure="Let somebody else decide.", security="escalation_attempt",
)
APPROVAL_TWICE = define(
    "approval_decided_by_you", Kind.DENIED,
    en="You have decided a level of this already; each level is another person.",
    es="Usted ya decidió un nivel de esta solicitud; cada nivel es otra persona.",
    cure="Let somebody else decide this level.",
)
APPROVAL_NOT_YOURS = define(
    "approval_not_yours", Kind.DENIED,
    en="{name} may not decide this: level {level} needs {permission}.",
    es="{name} no puede decidir esto: el nivel {level} requiere {permission}.",
    cure="Let somebody decide who holds one of the level's permissions in this store.",
)
APPROVAL_LEVELS = define(
    "approval_needs_more_levels", Kind.RULE,
    en="{levels} people have to agree, one after the other: {why}",
    es="Deben aceptar {levels} personas, una tras otra: {why}",
    cure="Ask with POST /approvals; one person's PIN is not enough.",
)
APPROVAL_PIN_ELSEWHERE = define(
    "approval_pin_elsewhere", Kind.DENIED,
    en="A PIN agrees to something at an enrolled device alone.",
    es="Un PIN solo aprueba algo en un dispositivo registrado.",
    cure="Ask with POST /approvals, and let the other person decide it in a sign-in of their own.",
)
APPROVAL_NOT_NEEDED = define(
    "approval_not_needed", Kind.CONFLICT,
    en="{action} needs no approval of that kind.", es="{action} no necesita una aprobación de ese tipo.",
    cure="Send the action itself.",
)
APPROVAL_KIND = define(
    "approval_kind_needed", Kind.INVALID,
    en="This needs several approvals, ask for each: {kinds}.",
    es="Esto necesita varias aprobaciones, pida cada una: {kinds}.",
    cure="Send one request for each `kind`.",
)
APPROVAL_DECIDED = define(
    "approval_decided", Kind.CONFLICT,
    en="This request is {state} already.", es="Esta solicitud ya está {state}.",
    cure="GET /approvals/{id} shows what was decided, and by whom.",
)
APPROVAL_MOVED = define(
    "approval_moved_on", Kind.CONFLICT,
    en="This request has moved on; level {level} decides now.",
    es="Esta solicitud ha avanzado; ahora decide el nivel {level}.",
    cure="Read it again and decide the level that it is at.",
)
APPROVAL_TOP = define(
    "approval_at_the_top", Kind.CONFLICT,
    en="Nobody stands above level {level}; approve or reject it.",
    es="Nadie está por encima del nivel {level}; apruébela o rechácela.",
    cure="Approve or reject the request.",
)
DEPUTY_SELF = define(
    "deputy_of_oneself", Kind.INVALID,
    en="Nobody is their own deputy.", es="Nadie es su propio suplente.", cure="Name somebody else.",
)
DEPUTY_PERIOD = define(
    "deputy_period_wrong", Kind.INVALID,
    en="A deputy decides from one moment to a later one, at most {days} days on.",
    es="Un suplente decide desde un momento hasta otro posterior, como máximo {days} días después.",
    cure="Give `ends_at` after `begins_at` and after now.",
)
