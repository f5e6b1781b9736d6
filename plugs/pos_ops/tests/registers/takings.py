"""A module for these tests that stands where sales stand: it knows what was taken in a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pos_core import Context, Manifest, Violation, action, before, query
from pos_core.hookspecs import hookimpl
from pos_core.schemas import Command

MANIFEST = Manifest(name="test.takings", version="1.0")

#: (tender code, amount) by session id, as committed.
TAKEN: dict[str, list[tuple[str, int]]] = {}
#: What the next close's rules do in passing, once.
MEANWHILE: list[Callable[[], Any]] = []
#: What the next close is refused with.
VETOES: list[Violation] = []


class Take(Command):
    tender: str
    amount_minor: int


@action("taking:add", command=Take, permission="pos:register.open")
def add_taking(ctx: Context, command: Take) -> dict[str, Any]:
    """Take an amount into the open session of this till."""
    session = ctx.writing.fence
    assert session is not None, "nothing is taken without an open session"
    ctx.writing.on_commit(lambda: TAKEN.setdefault(session, []).append((command.tender, command.amount_minor)))
    return {"id": session}


@query("sale:session_totals")
def session_totals(ctx: Context, *, session_id: str) -> dict[str, Any]:
    """The number of sales and the sum per tender."""
    tenders, sums = ctx.query("tender:directory"), {}
    for code, amount in TAKEN.get(session_id, []):
        sums[code] = sums.get(code, 0) + amount
    return {
        "sales": len(TAKEN.get(session_id, [])),
        "tenders": [
            {"tender_id": tenders[code].id, "code": code, "kind": tenders[code].kind, "amount_minor": amount}
            for code, amount in sums.items()
        ],
    }


@before("register_session:close", priority=200)
def between(ctx: Context) -> Iterable[Violation]:
    """Let something happen between a close's reckoning and its commit, or refuse it."""
    while MEANWHILE:
        MEANWHILE.pop()()
    return tuple(VETOES)


@hookimpl
def register_routes() -> tuple[()]:
    return ()
