"""What can be wrong with a tax rate or a tax group."""

from __future__ import annotations

from pos_core.errors import Kind, define

TAX_FIGURE = define(
    "tax_figure", Kind.INVALID,
    en="A tax of kind {kind} takes {wanted}.", es="Un impuesto de tipo {kind} lleva {wanted}.",
    cure="Percent kinds take basis points in `rate` (825 is 8.25 %), fixed ones an amount per unit in `amount`.",
)
TAX_GROUP_IMPOSSIBLE = define(
    "tax_group_impossible", Kind.RULE,
    en="The taxes of group {group} cannot be charged together: {reason}.",
    es="Los impuestos del grupo {group} no pueden cobrarse juntos: {reason}.",
    cure="Taxes on the gross price must stay below 100 % together; name each tax once in a group.",
)
