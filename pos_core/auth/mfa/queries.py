"""Reads about one's own second factors."""

from __future__ import annotations

from typing import Any

from pos_core import clock
from pos_core.actions import query
from pos_core.auth.credentials_models import Factor
from pos_core.auth.mfa import factors, recovery
from pos_core.auth.tokens import TOKEN_MISSING
from pos_core.context import Context


@query("mfa:own", public=True)
def own(ctx: Context) -> dict[str, Any]:
    """What one has set up, what one could set up, and whether one has to."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    known = factors.providers(ctx)
    rows = Factor.select().where(Factor.user == ctx.actor.id).order_by(Factor.method)
    language = "es" if ctx.language == "es" else "en"
    return {
        "enabled": factors.enabled(ctx),
        "needed": ctx.restriction == "mfa" or not factors.roles_needing(ctx).isdisjoint(ctx.actor.roles),
        "factors": [
            {
                "method": row.method,
                "title": known[row.method].title[language] if row.method in known else row.method,
                "confirmed_at": clock.to_text(row.confirmed_at) if row.confirmed_at else None,
                "used_at": clock.to_text(row.used_at) if row.used_at else None,
            }
            for row in rows
        ],
        "available": sorted(known),
        "recovery_codes_left": recovery.left(ctx.actor.id),
    }
