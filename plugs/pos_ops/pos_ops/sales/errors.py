"""What can be wrong with a sale, in words for the person at the till."""

from __future__ import annotations

from pos_core import Kind, define

REGISTER_CLOSED = define(
    "register_closed", Kind.CONFLICT,
    en="This register has no open session.", es="Esta caja no tiene una sesión abierta.",
    cure="Open the register with its float first: POST /api/v1/register-sessions.",
)
REGISTER_WRONG = define(
    "register_wrong", Kind.INVALID,
    en="This device sells at another register.", es="Este dispositivo vende en otra caja.",
    cure="Leave register_id out, or sign in on the device of that register.",
)
REGISTER_NEEDED = define(
    "register_needed", Kind.INVALID,
    en="This device belongs to no register.", es="Este dispositivo no pertenece a ninguna caja.",
    cure="Enrol the device with a register.",
)
PRODUCT_UNKNOWN = define(
    "product_unknown", Kind.RULE,
    en="There is no product {product}.", es="No existe el producto {product}.",
    cure="Check the code, or sell it as an open line with a name and a price.",
)
PRODUCT_INACTIVE = define(
    "product_inactive", Kind.RULE,
    en="{product} is no longer sold.", es="{product} ya no se vende.",
    cure="An administrator can activate the product again.",
)
PRICE_NEEDED = define(
    "price_needed", Kind.RULE,
    en="{product} needs a price at the till.", es="{product} necesita un precio en la caja.",
    cure="Give unit_price_minor with the line.",
)
PRICE_DIFFERS = define(
    "price_differs", Kind.RULE,
    en="{product} costs {expected}, not {given} (minor units for {per}).",
    es="{product} cuesta {expected}, no {given} (unidades menores por {per}).",
    cure="Leave the price out, or fetch the product again: the server's price holds.",
)
DISCOUNT_ABOVE_LIMIT = define(
    "discount_above_limit", Kind.RULE,
    en="A discount of {percent} % is above the {limit} % that a till gives alone.",
    es="Un descuento del {percent} % supera el {limit} % que la caja da por sí sola.",
    cure="Let a supervisor agree, or give less: the setting sales.discount_approval_percent.",
)
PRICE_ABOVE_LIMIT = define(
    "price_override_above_limit", Kind.RULE,
    en="A price that differs by {percent} % is above the {limit} % that a till changes alone.",
    es="Un precio que difiere un {percent} % supera el {limit} % que la caja cambia por sí sola.",
    cure="Let a supervisor agree, or change less: the setting sales.price_override_approval_percent.",
)
DISCOUNT_TOO_LARGE = define(
    "discount_too_large", Kind.RULE,
    en="A discount is larger than what it is taken from: {reason}.",
    es="Un descuento es mayor que el importe al que se aplica: {reason}.",
    cure="Give a smaller discount.",
)
TOO_MANY_LINES = define(
    "too_many_lines", Kind.RULE,
    en="A sale has at most {limit} lines here, this one has {count}.",
    es="Una venta tiene aquí como máximo {limit} líneas, esta tiene {count}.",
    cure="Split the sale, or raise the setting sales.maximum_lines.",
)
AMOUNT_TOO_LARGE = define(
    "amount_too_large", Kind.INVALID,
    en="The amounts are larger than the system can hold.", es="Los importes superan lo que el sistema admite.",
    cure="Check quantities and prices.",
)
TENDER_UNKNOWN = define(
    "tender_not_in_use", Kind.RULE,
    en="There is no tender {tender} in use.", es="No hay ningún medio de pago {tender} en uso.",
    cure="`GET /api/v1/tenders` lists the tenders.",
)
TENDER_REFERENCE = define(
    "tender_reference_needed", Kind.RULE,
    en="The tender {tender} needs a reference.", es="El medio de pago {tender} necesita una referencia.",
    cure="Give the reference, such as the terminal's receipt number.",
)
TENDER_SHORT = define(
    "tender_short", Kind.RULE,
    en="The tenders give {paid}, but {payable} is to be paid (minor units).",
    es="Los pagos suman {paid}, pero hay que pagar {payable} (unidades menores).",
    cure="Take the rest with another tender.",
)
TENDER_ABOVE = define(
    "tender_above_total", Kind.RULE,
    en="Tenders that give no change exceed the total by {excess} (minor units).",
    es="Los pagos que no dan cambio superan el total en {excess} (unidades menores).",
    cure="Charge the exact amount; only cash gives change.",
)
CUSTOMER_UNKNOWN = define(
    "customer_unknown", Kind.RULE,
    en="There is no active customer {customer}.", es="No existe un cliente activo {customer}.",
    cure="Check the id, or leave it out.",
)
REPRESENTATIVE_UNKNOWN = define(
    "representative_unknown", Kind.RULE,
    en="There is no active sales representative {representative}.",
    es="No existe un representante activo {representative}.",
    cure="Check the id, or leave it out.",
)
TAX_GROUP_UNKNOWN = define(
    "tax_group_unknown", Kind.RULE,
    en="There is no tax group {group}.", es="No existe el grupo de impuestos {group}.",
    cure="`GET /api/v1/tax-groups` lists them.",
)
PRINTED_DIFFERS = define(
    "printed_total_differs", Kind.RULE,
    en="The till printed {printed}, the server makes it {computed} (minor units).",
    es="La caja imprimió {printed}, el servidor calcula {computed} (unidades menores).",
    cure="The sale stands as printed; look at the till's prices and taxes.",
)
SOLD_IN_FUTURE = define(
    "sold_in_future", Kind.RULE,
    en="The till's clock is ahead: sold at {sold_at}.",
    es="El reloj de la caja va adelantado: vendido a las {sold_at}.",
    cure="Set the till's clock.",
)
