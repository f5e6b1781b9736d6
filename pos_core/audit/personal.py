"""Personal data stays out of the chain: an entry holds salted digests, the clear text stands outside.

Erasing a person means deleting the clear text and the salt; the chain keeps verifying and nobody can guess the text
back from the digest.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
import peewee as pw

from pos_core.db.fields import BytesField, IdField, TextField
from pos_core.db.model import Table

if TYPE_CHECKING:
    from pos_core.context import Context


class PersonalSalt(Table):
    """The salt of one person's digests; deleted when the person is erased."""

    entity_type = TextField()
    entity_id = IdField()
    salt = BytesField()

    class Meta:
        table_name = "core_personal_salt"
        primary_key = pw.CompositeKey("entity_type", "entity_id")


def digest(salt: bytes, field: str, value: Any) -> str:
    """HMAC-SHA256 of a field's JSON under the person's salt, as it stands in entries."""
    return "hmac-sha256:" + hmac.new(salt, field.encode() + b"\x00" + orjson.dumps(value), hashlib.sha256).hexdigest()


def digested(
    ctx: Context, fields: tuple[str, ...], entity_type: str, entity_id: str | None, *sides: Mapping[str, Any] | None
) -> list[dict[str, Any] | None]:
    """The sides (after, before) of a fact with their personal fields as digests under the entity's salt."""
    if entity_id is None:
        return [dict(side) if side is not None else None for side in sides]
    row = PersonalSalt.get_or_none(
        (PersonalSalt.entity_type == entity_type) & (PersonalSalt.entity_id == entity_id)
    )
    salt = row.salt if row is not None else secrets.token_bytes(32)
    if row is None:
        ctx.writing.insert(PersonalSalt, {"entity_type": entity_type, "entity_id": entity_id, "salt": salt})
    return [
        None if side is None else {
            name: digest(salt, name, value) if name in fields and value not in (None, "") else value
            for name, value in side.items()
        }
        for side in sides
    ]
