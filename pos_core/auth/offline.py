"""Signing in while the headquarters is silent: a linked store goes on by its own copy of the accounts, for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pos_core import clock
from pos_core.actions import action
from pos_core.auth import schemas
from pos_core.auth.models import HeadquartersLink
from pos_core.context import Context
from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.errors import Kind, define

HQ_SILENT = define(
    "hq_silent_too_long", Kind.DENIED,
    en="The headquarters has not been heard of since {since}: nobody can sign in here before it is.",
    es="No se sabe nada de la central desde {since}: nadie puede iniciar sesión aquí hasta que responda.",
    cure="Mend the connection to the headquarters; a super administrator can sign in all the same. The setting "
    "auth.offline_hours says how long a store may go on.",
)
_HEARD = statement("SELECT last_heard_at FROM core_hq_link WHERE name = 'hq'")


def require_heard(ctx: Context, store_id: str | None) -> None:
    """PosError `hq_silent_too_long` where this server is linked to a headquarters that was silent for too long."""
    hours = ctx.kernel.settings.for_store(store_id, ctx.revision)["auth.offline_hours"]
    rows = database.obj.fetch(_HEARD) if hours else ()
    if not rows:
        return
    heard = rows[0][0]
    heard = clock.from_text(heard) if isinstance(heard, str) else clock.require_utc(heard)
    if ctx.at - heard > timedelta(hours=hours):
        raise HQ_SILENT(since=clock.to_text(heard))


@action("hq_link:heard", command=schemas.HeadquartersHeard, permission="hq:sessions.manage", entity="hq_link")
def heard(ctx: Context, command: schemas.HeadquartersHeard) -> dict[str, Any]:
    """Note that the headquarters answered just now; the first time links this server to it."""
    known = HeadquartersLink.update(last_heard_at=ctx.at).where(HeadquartersLink.name == "hq").execute()
    if not known:
        ctx.writing.insert(HeadquartersLink, {"name": "hq", "linked_at": ctx.at, "last_heard_at": ctx.at})
    return {"id": None, "last_heard_at": clock.to_text(ctx.at)}
