"""Writing security events: each beside its audit entry, in the same transaction, saying the same.

An event is first a mapping under `security` of the entry's fact, which the chain seals; its row is made of that fact.
Both logs therefore share the request's id, and `pos audit verify` can hold one against the other.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import peewee as pw

from pos_core import clock
from pos_core.audit.chain import Deferred, plain
from pos_core.errors import Kind, PosError
from pos_core.ids import is_uuid7, uuid7
from pos_core.logs.masking import masked_value
from pos_core.rbac.models import User
from pos_core.security.kinds import Severity, find_kind
from pos_core.security.models import SecurityEvent
from pos_core.stores.models import Device

if TYPE_CHECKING:
    from pos_core.actions import Action, Query
    from pos_core.context import Context
    from pos_core.db.unit_of_work import Entry, UnitOfWork
    from pos_core.kernel import Kernel

log = logging.getLogger("pos.security")

#: Columns of an event's row by where the audit entry's fact says them: in the event itself, else around it.
FROM_EVENT = {
    "id": "id", "kind": "kind", "result": "result", "severity": "severity", "user_id": "user", "name_digest": "name",
    "count": "count", "details": "details", "store_id": "store", "register_id": "register", "device_id": "device",
    "session_id": "session",
}  # fmt: skip
FROM_FACT = {
    "at": "at", "action": "action", "actor_id": "actor", "actor_name": "actor_name", "app_context": "context",
    "channel": "channel", "ip": "ip", "request_id": "request",
}  # fmt: skip
_PLACES = ("store", "register", "device", "session")
_LEVELS: Mapping[str, int] = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}


def note(
    ctx: Context, kind: str, *, result: str = "done", user_id: str | None = None, severity: Severity | None = None,
    store_id: str | None = None, count: int = 1, details: Mapping[str, Any] | None = None,
) -> None:
    """Add a security event to the running action: for what has no action of its own.

    It is written with the action and undone with it. user_id and store_id: whom and where it is about, without them
    the actor and the actor's store. details: plain JSON without secrets. RuntimeError outside an action.
    """
    entry = ctx.writing.current
    assert entry is not None
    made = _event(ctx, kind, result, user_id or ctx.actor.id or None)
    made["severity"] = severity or made["severity"]
    made |= {"count": count, "store": store_id or made["store"]}
    if details:
        made["details"] = orjson.loads(orjson.dumps(masked_value("", dict(details)), default=plain))
    entry.fact.setdefault("security", []).append(made)


def done(ctx: Context, chosen: Action, entry: Entry, command: Any, result: Mapping[str, Any]) -> None:
    """The events of an action that was done: what it declares and what was noted in it."""
    if chosen.security:
        subject = _user_of(chosen, result) or _user_of(chosen, command)
        made = _event(ctx, chosen.security, "done", subject or (chosen.public and ctx.actor.id) or None)
        for place in _PLACES:
            made[place] = made[place] or result.get(f"{place}_id")
        if chosen.entity == "session" and made["session"] is None:
            made["session"] = result.get("id")
        entry.fact.setdefault("security", []).append(made)
    write(ctx, ctx.writing, entry)
    if ctx.kernel.floods.holds:
        ctx.writing.on_commit(partial(settle, ctx.kernel, ctx.at))


def attempted(
    ctx: Context, chosen: Action | Query, entry: Entry, command: Any, outcome: str, error: BaseException
) -> None:
    """The events of an attempt that came to nothing: what the action is, what its errors are, and every denial."""
    found = _kinds_of(chosen, outcome, error)
    if not found:
        return
    subject, digest = _user_of(chosen, command), None
    name = None if ctx.actor.name else getattr(command, "username", None)
    if subject is None and isinstance(name, str):
        subject = User.select(User.id).where(pw.fn.lower(User.username) == name.lower()).scalar()
        if subject is None:
            digest = name_digest(ctx, name)
            entry.fact["command"] = _without_name(entry.fact.get("command"), digest)
    places = _place_of(ctx, command)
    for kind in found:
        made = _event(ctx, kind, outcome, subject or (None if digest else ctx.actor.id or None))
        made["name"] = digest
        for place, value in places.items():
            made[place] = made[place] or value
        entry.fact.setdefault("security", []).append(made)


def exported(ctx: Context, entry: Entry, details: Mapping[str, Any]) -> None:
    """The event of data that leaves the system."""
    made = _event(ctx, "export", "done", ctx.actor.id or None)
    made["details"] = masked_value("", dict(details))
    entry.fact.setdefault("security", []).append(made)


def write(ctx: Context, uow: UnitOfWork, entry: Entry) -> None:
    """Hand over the rows of an entry's events, once its fact is whole, and tell the log after the commit."""
    for made in entry.fact.get("security", ()):
        row = {**row_of(entry.fact, made), "chain_id": uow.chain_id, "seq": Deferred(lambda: entry.seq)}
        uow.insert(SecurityEvent, row)
        uow.on_commit(partial(_tell, row))


def row_of(fact: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """An event's row, without its place in the chain, by what the audit entry says."""
    row = {column: made[name] for column, name in FROM_EVENT.items()}
    return row | {column: fact[name] for column, name in FROM_FACT.items()}


def name_digest(ctx: Context, name: str) -> str:
    """A typed name as it may be kept: people type passwords into the wrong field."""
    key = hashlib.sha256(b"pos.security.name" + ctx.kernel.secrets.data_keys[0].encode()).digest()
    return "hmac-sha256:" + hmac.new(key, name.strip().lower().encode(), hashlib.sha256).hexdigest()


def _event(ctx: Context, kind: str, result: str, user_id: str | None) -> dict[str, Any]:
    return {
        "id": uuid7(), "kind": kind, "result": result, "severity": find_kind(kind).severity_of(result),
        "user": user_id, "name": None, "count": 1, "details": None, "store": ctx.store_id,
        "register": ctx.register_id, "device": ctx.device_id, "session": ctx.session_id,
    }  # fmt: skip


def _kinds_of(chosen: Action | Query, outcome: str, error: BaseException) -> list[str]:
    """The kinds of a failed attempt, each once: the action's own, its error codes', and a denial's."""
    codes = []
    if isinstance(error, PosError):
        codes = [error.code, *(violation.code for violation in error.violations)]
    named = [code.security for code in codes if code.security]
    found = [chosen.security] if chosen.security else []
    denied = any(code.kind is Kind.DENIED for code in codes)
    if denied and not named and (outcome == "denied" or not found):
        named = ["permission_denied"]
    return list(dict.fromkeys(found + named))


def _user_of(chosen: Action | Query, source: Any) -> str | None:
    """Whom an action is about, by its answer or its command; None where neither says."""
    if source is None:
        return None
    read = source.get if isinstance(source, Mapping) else partial(_attribute, source)
    found = read("user_id") or (read("id") if chosen.entity == "user" else None)
    return str(found) if isinstance(found, str) and is_uuid7(found) else None


def _attribute(source: Any, name: str) -> Any:
    return getattr(source, name, None)


def _place_of(ctx: Context, command: Any) -> dict[str, str | None]:
    """The store, register and device that somebody who is not signed in claims to be at, where they exist."""
    if ctx.actor.name:
        return {}
    device = getattr(getattr(command, "device", None), "id", None)
    row = Device.get_or_none(Device.id == device) if device is not None else None
    if row is not None:
        return {"store": row.store_id, "register": row.register_id, "device": row.id}
    store = getattr(command, "store_id", None)
    known = {entry.id for entry in ctx.kernel.stores.all(ctx.revision)}
    return {"store": store} if store in known else {}


def _without_name(shown: Any, digest: str) -> Any:
    return {**shown, "username": digest} if isinstance(shown, dict) and "username" in shown else shown


def _tell(row: Mapping[str, Any]) -> None:
    """One structured log line per event, after its commit."""
    on_terminal = row["channel"] in ("cli", "installer")  # where somebody reads what they have just done
    level = _LEVELS[row["severity"]] if not on_terminal else logging.INFO
    if log.isEnabledFor(level):
        shown = ("kind", "result", "severity", "action", "user_id", "actor_id", "session_id", "store_id",
                 "register_id", "device_id", "ip", "request_id", "count")  # fmt: skip
        log.log(level, "security event", extra={"event_id": row["id"], **{name: row[name] for name in shown}})


def settle(kernel: Kernel, now: datetime | None) -> None:
    """Record what was only counted in minutes that are over (`now` None: in all of them), one event each."""
    for flood in kernel.floods.due(now):
        command = {
            "origin": flood.origin, "count": flood.held, "recorded": flood.recorded,
            "began_at": clock.to_text(flood.began), "last_at": clock.to_text(flood.last or flood.began),
        }  # fmt: skip
        kernel.perform(kernel.system_context("security log", channel="system"), "security:gather", command)
