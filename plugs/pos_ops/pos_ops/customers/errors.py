"""What can be wrong with a customer."""

from __future__ import annotations

from pos_core.errors import Kind, define

CUSTOMER_UNNAMED = define(
    "customer_unnamed", Kind.INVALID,
    en="A customer needs a first name, a last name or a company.",
    es="Un cliente necesita un nombre, un apellido o una empresa.",
    cure="Give at least one of first_name, last_name and company.",
)
CUSTOMER_UNREACHABLE = define(
    "customer_unreachable", Kind.INVALID,
    en="A customer needs a phone number, an e-mail address or a postal address.",
    es="Un cliente necesita un teléfono, un correo electrónico o una dirección postal.",
    cure="Give at least one of phone, email and address.",
)
