"""What can be wrong at a drawer."""

from __future__ import annotations

from pos_core.errors import Kind, define

TILL_REQUIRED = define(
    "till_required", Kind.RULE,
    en="Registers are opened and closed at a till, by somebody who is signed in there.",
    es="Las cajas se abren y cierran en un terminal, por alguien que ha iniciado sesión en él.",
    cure="Sign in with app_context pos on a device that is enrolled for a register.",
)
REGISTER_INACTIVE = define(
    "register_inactive", Kind.RULE,
    en="Register {register} is out of use.", es="La caja {register} está fuera de uso.",
    cure="Use another register, or let an administrator bring this one back into use.",
)
SESSION_OPEN = define(
    "register_session_open", Kind.CONFLICT,
    en="Register {register} has an open session already.", es="La caja {register} ya tiene una sesión abierta.",
    cure="Go on with the open session (GET /register-sessions/current), or close it first.",
)
CASHIER_BUSY = define(
    "cashier_has_open_session", Kind.CONFLICT,
    en="You have an open session at register {register}: go on there, or close it first.",
    es="Tiene una sesión abierta en la caja {register}: continúe allí o ciérrela primero.",
    cure="A cashier has one open session. Resume it at its register, or close it there.",
)
SESSION_CLOSED = define(
    "register_session_closed", Kind.CONFLICT,
    en="This session is closed; what was declared is final.",
    es="Esta sesión está cerrada; lo declarado es definitivo.",
    cure="Read the closed session. A declared sum is never changed afterwards.",
)
NOT_YOUR_SESSION = define(
    "register_session_of_another", Kind.DENIED,
    en="This session belongs to another cashier.", es="Esta sesión es de otro cajero.",
    cure="Its cashier closes it, or somebody with the permission pos:register.force_close.",
)
FLOAT_WITHOUT_CASH = define(
    "float_without_cash_tender", Kind.RULE,
    en="No cash tender is in use, so there is no drawer for a float.",
    es="No hay ninguna forma de pago en efectivo activa, así que no hay cajón para un fondo.",
    cure="Open with a float of 0, or bring a cash tender into use.",
)
DENOMINATIONS_DISAGREE = define(
    "denominations_disagree", Kind.INVALID,
    en="The denominations add up to {sum}, not to {stated}.",
    es="Las denominaciones suman {sum}, no {stated}.",
    cure="Correct the count of a denomination or the sum; amounts are minor units.",
)
DENOMINATION_TWICE = define(
    "denomination_twice", Kind.INVALID,
    en="The denomination {value} is listed more than once.", es="La denominación {value} aparece más de una vez.",
    cure="Give each denomination once, with all of its pieces.",
)
TENDER_UNKNOWN = define(
    "counted_tender_unknown", Kind.INVALID,
    en="There is no tender {tender}.", es="No existe la forma de pago {tender}.",
    cure="`GET /api/v1/tenders` lists the tenders by code.",
)
TENDER_TWICE = define(
    "tender_counted_twice", Kind.INVALID,
    en="{tender} is counted more than once.", es="{tender} se contó más de una vez.",
    cure="Give one count per tender.",
)
CASH_UNCOUNTED = define(
    "cash_not_counted", Kind.RULE,
    en="{tender} must be counted to close.", es="Hay que contar {tender} para cerrar.",
    cure="Count the drawer and give counted_minor for the tender, 0 if it is empty.",
)
QUICK_FLOATS_INVALID = define(
    "quick_floats_invalid", Kind.INVALID,
    en="Quick floats are amounts in minor units, separated by commas, such as 5000,10000,20000.",
    es="Los fondos rápidos son importes en unidades menores separados por comas, por ejemplo 5000,10000,20000.",
    cure="Give up to eight whole numbers with commas between them, or nothing.",
)
SESSION_NOT_CLOSED = define(
    "register_session_not_closed", Kind.CONFLICT,
    en="This session is still open; its slip is printed when it is closed.",
    es="Esta sesión sigue abierta; su comprobante se imprime al cerrarla.",
    cure="Close the session first.",
)
VARIANCE_ABOVE_LIMIT = define(
    "register_variance_above_limit", Kind.RULE,
    en="A tender is over or short by {variance}; above {limit} (minor units) somebody else has to agree.",
    es="A una forma de pago le sobran o faltan {variance}; por encima de {limit} (unidades menores) debe aceptarlo "
    "otra persona.",
    cure="Count again, or let a supervisor agree: the setting registers.over_short_approval_minor.",
)
