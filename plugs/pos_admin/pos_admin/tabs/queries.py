"""Which tabs somebody sees."""

from __future__ import annotations

from typing import Any

from pos_core.actions import Action, Query, query
from pos_core.auth.tokens import TOKEN_MISSING
from pos_core.context import Context
from pos_core.tabs import Tab


@query("tab:list", public=True)
def list_tabs(ctx: Context) -> list[dict[str, Any]]:
    """The tabs of this user in this application, in their order; what is not installed or off is marked unavailable."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    handlers = ctx.kernel.handlers("register_tabs", ctx.store_id, ctx.revision)
    tabs = [tab for handler in handlers for tab in handler.call({})]
    shown = sorted((tab for tab in tabs if ctx.app_context in tab.contexts), key=lambda tab: (tab.position, tab.code))
    return [
        {"code": tab.code, "label": tab.label(ctx.language), "available": _available(ctx, tab)}
        for tab in shown if _permitted(ctx, tab)
    ]  # fmt: skip


def _offered(ctx: Context, tab: Tab) -> list[Action | Query]:
    """What the page lives by, as far as it is installed and on here."""
    everything: list[Action | Query] = [*ctx.kernel.actions(), *ctx.kernel.queries()]
    return [one for one in everything if one.name in tab.opens and ctx.has(one.name)]


def _available(ctx: Context, tab: Tab) -> bool:
    on = all(ctx.kernel.registry.enabled(module, ctx.store_id, ctx.revision) for module in tab.modules)
    return on and (not tab.opens or bool(_offered(ctx, tab)))


def _permitted(ctx: Context, tab: Tab) -> bool:
    """Whether the user may use the page; of one that is not there nobody can say, so it is shown as unavailable."""
    offered = _offered(ctx, tab)
    return not offered or any(
        one.public or ctx.actor.is_super_admin or not ctx.actor.permissions.isdisjoint(one.permissions)
        for one in offered
    )
