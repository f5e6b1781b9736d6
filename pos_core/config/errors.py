"""What can be wrong with a setting beyond its kind and range (those stand with the store of settings)."""

from __future__ import annotations

from pos_core.errors import Kind, define

NUMBERING_INVALID = define(
    "numbering_invalid", Kind.INVALID,
    en="{key} is no usable number format: {reason}.", es="{key} no es un formato de número válido: {reason}.",
    cure="Write the text as {store}-{register}-{number:06}: register and number once each, a - or / beside the number.",
)
