"""Actions and queries, and `perform()`: THE pipeline. Every write of the product goes through here.

    begin (idempotency: replay or refuse) -> prepare (a frozen draft, writes nothing) -> before rules (all gathered)
    -> service (draft into rows) -> after rules -> audit entry, outbox, stored answer -> commit -> after commit

A whole transaction is tried again on contention, a bounded number of times. What was refused, denied or failed is
rolled back and then recorded in a short transaction of its own.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson
import peewee as pw
from pydantic import BaseModel

from pos_core import clock, rules
from pos_core.approvals import engine
from pos_core.audit.chain import Deferred, plain
from pos_core.audit.models import AuditEntry
from pos_core.audit.personal import digested
from pos_core.db import errors as db_errors
from pos_core.db.unit_of_work import Entry, FenceMoved, Stored, UnitOfWork
from pos_core.errors import (
    CONTENTION,
    KEY_REUSED,
    OUTCOME_UNKNOWN,
    PERMISSION_DENIED,
    RESTRICTED,
    Kind,
    PosError,
    Violation,
    refused,
)  # fmt: skip
from pos_core.idempotency import Idempotency, fingerprint
from pos_core.reasons import checking as reasons
from pos_core.security import recording

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.kernel import Kernel

log = logging.getLogger("pos.actions")

ATTEMPTS = 8
#: After this long no further attempt is begun: each may wait for a lock, and somebody stands at the till.
PATIENCE_S = 15.0
KEY_LIFE = timedelta(days=30)
_COMMAND_IN_REFUSAL = 8_192


@dataclass(frozen=True, slots=True)
class Action:
    """A named state change: `entity:verb`, who may do it, what it takes, and the function that does it.

    permissions: any one of them suffices (one per app context, usually); empty with `public` only.
    beforehand: what must not happen inside a transaction (a password hash), done before it opens; its result is an
    argument of prepare and service. prepare: reads and computes a frozen draft.
    key_field: the command's field that is the client-made id and so a key of its own.
    tolerates: whether a command tells of what has happened already, so that violations are handed to the service as
    `violations` (to be recorded) instead of refusing.
    audited_answer: the answer is the audited fact itself; it is not stored twice, and its key is kept for ever.
    secrets: fields of the answer that are shown once and neither audited nor stored. personal: fields that enter the
    chain as salted digests. constraints: the module's own words for database constraints.
    security: the kind of security event that this action is, done or refused ("" for none).
    approval: (ctx, command, draft) to what others have to agree to, see `pos_core.approvals.needs`.
    reason: whether the command has to carry a reason code: True, "optional", or (ctx, command, draft) to a bool.
    unrecorded: fields of the command that stand in no record of a refused attempt.
    """

    name: str
    function: Callable[..., Any]
    command: type[BaseModel]
    permissions: tuple[str, ...] = ()
    module: str = ""
    entity: str = ""
    beforehand: Callable[[Context, Any], Any] | None = None
    prepare: Callable[..., Any] | None = None
    key_field: str | None = None
    tolerates: Callable[[Any], bool] | None = None
    audited_answer: bool = False
    public: bool = False
    secrets: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    constraints: Mapping[str, Violation] = field(default_factory=dict)
    status: int = 200
    security: str = ""
    approval: Callable[[Context, Any, Any], Any] | None = None
    reason: bool | str | Callable[[Context, Any, Any], bool] = False
    unrecorded: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or self.name).strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Query:
    """A named read: `entity:what`, and who may ask it over HTTP (other modules may always, in the actor's store).

    exports: whether a read with these arguments takes data out of the system; it is then an audit entry.
    sensitive: the code of the sensitive field ("user.personal") that makes each read over HTTP by those who see it an
    audit entry, but for what somebody reads about themselves.
    """

    name: str
    function: Callable[..., Any]
    permissions: tuple[str, ...] = ()
    module: str = ""
    public: bool = False
    exports: Callable[[Mapping[str, Any]], bool] | None = None
    sensitive: str = ""
    security: str = ""

    @property
    def entity(self) -> str:
        return self.name.partition(":")[0]

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or self.name).strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action answered; `replayed` when the key was known and nothing was done again."""

    data: dict[str, Any]
    status: int
    replayed: bool = False


def action(
    name: str, *, command: type[BaseModel], permission: str | tuple[str, ...] = (), entity: str = "", **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a service function as the action `name`; it takes (ctx, command[, draft]) and returns a plain mapping."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        permissions = (permission,) if isinstance(permission, str) else tuple(permission)
        if options.get("reason") and "reason" not in command.model_fields:
            raise TypeError(f"{name} takes a reason: its command {command.__name__} must be Reasoned")
        wanted = rules.wanted_arguments(function, ("ctx", "command", "draft", "beforehand", "violations"))
        function.__dict__["__pos_action__"] = Action(
            name, function, command, permissions, entity=entity or name.partition(":")[0], arguments=wanted, **options
        )
        return function

    return mark


def query(
    name: str, *, permission: str | tuple[str, ...] = (), public: bool = False,
    exports: Callable[[Mapping[str, Any]], bool] | None = None, sensitive: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function (ctx, **arguments) as the named read `name`."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        permissions = (permission,) if isinstance(permission, str) else tuple(permission)
        function.__dict__["__pos_query__"] = Query(
            name, function, permissions, public=public, exports=exports, sensitive=sensitive
        )
        return function

    return mark


def require_permission(ctx: Context, permissions: tuple[str, ...], public: bool = False) -> None:
    """Denied unless granted: any one of `permissions`. A super admin holds all."""
    if public or ctx.actor.is_super_admin or not ctx.actor.permissions.isdisjoint(permissions):
        return
    if ctx.restriction:
        raise RESTRICTED[ctx.restriction]()
    own = [p for p in permissions if p.startswith(f"{ctx.app_context}:")] or list(permissions)
    raise PERMISSION_DENIED(permission=" or ".join(own) or "(none exists)")


def perform(kernel: Kernel, ctx: Context, name: str, command: Any, key: str | None = None) -> Outcome:
    """Run an action to its end. Raises PosError for every refusal; anything else it raises is a bug."""
    chosen = kernel.action(name)
    if ctx.uow is not None:
        kernel.require_enabled(chosen.module, ctx.store_id, ctx.revision)
        ctx.uow.write_pending()
        return _nested(kernel, ctx, chosen, command, ctx.uow)
    try:
        kernel.require_enabled(chosen.module, ctx.store_id, ctx.revision)
        require_permission(ctx, chosen.permissions, chosen.public)
    except PosError as error:
        record(kernel, ctx, chosen, command, "denied", error)
        raise
    command = _typed(chosen, command)
    try:
        kernel.masks.require_may_set(ctx.actor, chosen, command)
    except PosError as error:
        record(kernel, ctx, chosen, command, "denied", error)
        raise
    found = None
    if chosen.beforehand is not None or ctx.approvals is not None:
        try:
            if chosen.beforehand is not None:
                found = chosen.beforehand(ctx, command)
            if chosen.approval is not None:
                engine.prove(ctx, chosen, command)
        except PosError as error:
            record(kernel, ctx, chosen, command, "refused", error)
            raise
    return _transact(kernel, ctx, chosen, command, _keys(ctx, chosen, command, key), found)


def _nested(kernel: Kernel, ctx: Context, chosen: Action, command: Any, uow: UnitOfWork) -> Outcome:
    """Run an action as a part of the running one. Its failure is the whole's, even where the caller catches it: what
    it had done by then cannot be taken back alone."""
    try:
        command = _typed(chosen, command)
        found = chosen.beforehand(ctx, command) if chosen.beforehand is not None else None
        return Outcome(_run(kernel, ctx, chosen, command, uow, found), chosen.status)
    except Exception as error:
        uow.broken = uow.broken or error
        raise


def _typed(chosen: Action, command: Any) -> Any:
    return command if isinstance(command, chosen.command) else chosen.command.model_validate(command)


def _keys(ctx: Context, chosen: Action, command: Any, key: str | None) -> list[tuple[str, str, bool]]:
    """(key, scope, kept for ever): the client-made id first, then the header's key where it differs."""
    found = []
    if chosen.key_field is not None:
        # only an answer that stands in the chain anyway is kept for ever; others hold what may have to be erased
        found.append((str(getattr(command, chosen.key_field)), chosen.name, chosen.audited_answer))
    if key is not None and (not found or key != found[0][0]):
        found.append((key, f"{chosen.name}|{ctx.store_id or ''}|{ctx.device_id or ctx.actor.id}", False))
    return found


def _transact(
    kernel: Kernel, ctx: Context, chosen: Action, command: Any, keys: list[tuple[str, str, bool]], beforehand: Any
) -> Outcome:
    until = time.monotonic() + PATIENCE_S
    for attempt in range(1, ATTEMPTS + 1):
        uow = UnitOfWork(kernel.db, ctx.register_id or kernel.instance_id)
        ctx.uow, committing = uow, False
        try:
            first_key, first_scope, _ = keys[0] if keys else ("", "", False)
            known, ctx.known_head = ctx.known_head, None
            uow.begin(first_key, first_scope, known)
            replay = _replay(kernel, ctx, chosen, command, keys, uow)
            if replay is not None:
                uow.rollback()
                return replay
            data = _run(kernel, ctx, chosen, command, uow, beforehand)
            _store_answer(ctx, chosen, command, keys, uow, data)
            committing = True
            uow.commit()
        except BaseException as error:
            uow.rollback()
            ctx.uow = None
            if keys and not uow.looked_up and isinstance(error, PosError):
                continue  # it may be a repeat of what was done: now the key is looked up first
            last = ATTEMPTS if time.monotonic() > until else attempt
            final = _judge(kernel, chosen, error, last, committing, bool(keys))
            if final is None:
                time.sleep(random.uniform(0, 0.004 * attempt))  # noqa: S311 - spreads retries, guards nothing
                continue
            if isinstance(error, Exception):
                record(kernel, ctx, chosen, command, _outcome_of(final), final)
            if final is error:
                raise
            raise final from error
        finally:
            ctx.uow = None
        _after_commit(kernel, ctx, uow)
        if uow.verdict is not None:
            raise uow.verdict
        return Outcome({k: v.value if type(v) is Deferred else v for k, v in data.items()}, chosen.status)
    raise AssertionError("the last attempt either answers or raises")


def _outcome_of(final: BaseException) -> str:
    """refused: somebody decided so. failed: it could not be done (a fault, contention, a lost connection)."""
    decided = isinstance(final, PosError) and final.code.kind not in (Kind.FAULT, Kind.UNAVAILABLE)
    return "refused" if decided else "failed"


def _judge(
    kernel: Kernel, chosen: Action, error: BaseException, attempt: int, committing: bool, keyed: bool
) -> BaseException | None:
    """What an exception in the transaction means: None to try again, else what to raise."""
    again = attempt < ATTEMPTS
    if isinstance(error, pw.IntegrityError):
        kind, name = db_errors.broken_constraint(error, kernel.index_names)
        if name == "core_idempotency.key,scope":  # the same request, a moment earlier, elsewhere: replay it
            return None if again else CONTENTION()
        if name in kernel.start_over_on:
            return None if again else CONTENTION()
        if kind == "unique" and keyed and attempt == 1:  # the twin's own row may have been met before its key's
            return None
        return db_errors.as_pos_error(kind, name, chosen.constraints)
    if isinstance(error, FenceMoved) or db_errors.is_transient(error):
        return None if again else CONTENTION()
    if db_errors.is_connection_lost(error):
        # A commit whose answer was lost may have happened: only a key makes trying again safe.
        return None if again and (keyed or not committing) else OUTCOME_UNKNOWN()
    return error


def _replay(
    kernel: Kernel, ctx: Context, chosen: Action, command: Any, keys: list[tuple[str, str, bool]], uow: UnitOfWork
) -> Outcome | None:
    if not uow.looked_up:
        return None
    stored = uow.stored if keys else None
    if stored is None and len(keys) > 1:
        key, scope, _ = keys[1]
        row = Idempotency.get_or_none((Idempotency.key == key) & (Idempotency.scope == scope))
        stored = row and Stored(row.fingerprint, row.status, row.answer, row.chain_id, row.seq)
    if stored is None:
        return None
    if stored.fingerprint != fingerprint(command):
        raise KEY_REUSED(chosen.key_field or "")
    entry = AuditEntry.get((AuditEntry.chain_id == stored.chain_id) & (AuditEntry.seq == stored.seq))
    if ctx.store_id not in (None, entry.store_id):  # another store's id: its answer is not for this one
        raise KEY_REUSED(chosen.key_field or "")
    if entry.actor_id != (ctx.actor.id or None) and kernel.masks.sets_hidden(ctx.actor, chosen, command):
        raise KEY_REUSED(chosen.key_field or "")  # "the same content" would tell that a guess was right
    if stored.answer is not None:
        return Outcome(orjson.loads(stored.answer), stored.status, replayed=True)
    return Outcome(orjson.loads(entry.payload)["after"], stored.status, replayed=True)


def _run(
    kernel: Kernel, ctx: Context, chosen: Action, command: Any, uow: UnitOfWork, beforehand: Any = None
) -> dict[str, Any]:
    """Prepare, rules, service, rules, audit: the part that nested actions share."""
    entry = Entry({}, chosen.name, "done", chosen.entity, None, ctx.store_id, ctx.actor.id or None, uow.current)
    uow.entries.append(entry)
    uow.current, outer = entry, uow.current
    try:
        state = kernel.db.pos
        state.sealed, sealed = True, state.sealed
        try:
            arguments = {"ctx": ctx, "action": chosen, "command": command, "draft": None, "beforehand": beforehand}
            if chosen.prepare is not None:
                arguments["draft"] = chosen.prepare(ctx, command)
            plan = kernel.plan(chosen.name, ctx.store_id, ctx.revision)
            violations = [v for rule in plan.before for v in rules.judgement(rule, arguments)]
            claims: list[engine.Claim] = []
            if chosen.reason:
                violations += reasons.check(ctx, chosen, command, arguments["draft"])
            if chosen.approval is not None:
                missing, claims = engine.find(ctx, chosen, command, arguments["draft"])
                violations += missing
        finally:
            state.sealed = sealed
        if violations and not (chosen.tolerates is not None and chosen.tolerates(command)):
            raise refused(violations)
        if claims and (lost := engine.use(ctx, chosen, command, claims)):
            violations += lost
            if chosen.tolerates is None or not chosen.tolerates(command):
                raise refused(lost)
        if chosen.reason:
            reasons.note(ctx, command)
        arguments["violations"] = violations
        result = chosen.function(*[arguments[name] for name in chosen.arguments])
        arguments["result"] = result
        for rule in plan.after:
            rule.call(arguments)
        _complete_entry(kernel, ctx, chosen, entry, result)
        if chosen.security or "security" in entry.fact:
            recording.done(ctx, chosen, entry, command, result)
        for observe in plan.audit:
            observe.call({"ctx": ctx, "entry": MappingProxyType(entry.fact)})
        return result  # type: ignore[no-any-return]
    finally:
        uow.current = outer


def _complete_entry(kernel: Kernel, ctx: Context, chosen: Action, entry: Entry, result: dict[str, Any]) -> None:
    entry.entity_id = result.get("id")
    after: Any = {k: v for k, v in result.items() if k not in chosen.secrets} if chosen.secrets else result
    before = entry.before
    if chosen.personal:
        after, before = digested(ctx, chosen.personal, chosen.entity, entry.entity_id, after, before)
    entry.fact.update(_surroundings(ctx, chosen, "done"))
    entry.fact |= {"entity": chosen.entity, "id": entry.entity_id, "after": after}
    if before is not None:
        entry.fact["before"] = before
    if entry.notes:
        entry.fact["notes"] = entry.notes


def _surroundings(ctx: Context, chosen: Action | Query, outcome: str) -> dict[str, Any]:
    """Who, where, when, with which request: the part of every entry that the action does not decide."""
    return {
        "v": 1, "action": chosen.name, "module": chosen.module, "outcome": outcome, "at": clock.to_text(ctx.at),
        "actor": ctx.actor.id or None, "actor_name": ctx.actor.name, "roles": list(ctx.actor.roles),
        "context": ctx.app_context, "store": ctx.store_id, "register": ctx.register_id, "device": ctx.device_id,
        "session": ctx.session_id, "request": ctx.request_id, "ip": ctx.ip, "channel": ctx.channel,
    }  # fmt: skip


def _store_answer(
    ctx: Context, chosen: Action, command: Any, keys: list[tuple[str, str, bool]], uow: UnitOfWork, data: dict[str, Any]
) -> None:
    """Hand over the rows that make a repeat of this request answer the same; made once numbers are known."""
    if not keys or uow.verdict is not None:
        return
    mark = fingerprint(command)
    entry = uow.entries[0]

    for key, scope, for_ever in keys:

        def row(key: str = key, scope: str = scope, for_ever: bool = for_ever) -> tuple[type[pw.Model], dict[str, Any]]:
            shown = {k: v for k, v in data.items() if k not in chosen.secrets} if chosen.secrets else data
            answer = None if chosen.audited_answer else orjson.dumps(shown, default=plain).decode()
            return Idempotency, {
                "key": key, "scope": scope, "fingerprint": mark, "status": chosen.status, "answer": answer,
                "chain_id": uow.chain_id, "seq": entry.seq, "created_at": ctx.at,
                "expires_at": None if for_ever else ctx.at + KEY_LIFE,
            }  # fmt: skip

        uow.answers.append(row)


def record(
    kernel: Kernel, ctx: Context, chosen: Action | Query, command: Any, outcome: str, error: BaseException
) -> None:
    """Record an attempt that changed nothing, in a short transaction of its own.

    Of attempts that one origin makes faster than they can be meant, the number alone is recorded (`security.floods`).
    Where even recording fails (the database is gone) the attempt stands in the log; the caller's own error goes on.
    """
    try:
        if kernel.floods.admit(ctx):
            _record(kernel, ctx, chosen, command, outcome, error)
        recording.settle(kernel, ctx.at)
    except Exception:
        log.exception("an attempt could not be recorded", extra={"action": chosen.name, "outcome": outcome})


def _record(
    kernel: Kernel, ctx: Context, chosen: Action | Query, command: Any, outcome: str, error: BaseException
) -> None:
    entry = Entry({}, chosen.name, outcome, chosen.entity, None, ctx.store_id, ctx.actor.id or None)
    entry.fact.update(_surroundings(ctx, chosen, outcome))
    entry.fact |= {"entity": chosen.entity, "id": None, "error": _described(error), "command": _shown(chosen, command)}
    recording.attempted(ctx, chosen, entry, command, outcome, error)
    _write_alone(kernel, ctx, entry)


def record_export(kernel: Kernel, ctx: Context, asked: Query, arguments: Mapping[str, Any]) -> None:
    """Record that data left the system, before it does; where that fails nothing leaves."""
    entry = Entry({}, asked.name, "done", "export", None, ctx.store_id, ctx.actor.id or None)
    entry.fact.update(_surroundings(ctx, asked, "done"))
    shown = {name: orjson.loads(orjson.dumps(value, default=plain)) for name, value in arguments.items()}
    entry.fact |= {"entity": "export", "id": None, "after": {"arguments": shown}}
    recording.exported(ctx, entry, {"arguments": shown})
    _write_alone(kernel, ctx, entry)


def record_read(kernel: Kernel, ctx: Context, asked: Query, arguments: Mapping[str, Any]) -> None:
    """Record that somebody read what is sensitive, before it is told; where that fails nothing is."""
    entry = Entry({}, asked.name, "done", asked.entity, arguments.get("id"), ctx.store_id, ctx.actor.id or None)
    entry.fact.update(_surroundings(ctx, asked, "done"))
    shown = {name: value for name, value in arguments.items() if value is not None and name != "cursor"}
    entry.fact |= {"entity": asked.entity, "id": arguments.get("id"), "after": {"arguments": shown}}
    _write_alone(kernel, ctx, entry)


def _write_alone(kernel: Kernel, ctx: Context, entry: Entry) -> None:
    """Seal one entry that belongs to no action's transaction, in a short one of its own."""
    uow = UnitOfWork(kernel.db, ctx.register_id or kernel.instance_id)
    try:
        uow.begin("", "")
        uow.entries.append(entry)
        recording.write(ctx, uow, entry)
        for observe in kernel.plan(entry.action, ctx.store_id, ctx.revision).audit:
            try:
                observe.call({"ctx": ctx, "entry": MappingProxyType(entry.fact)})
            except Exception:  # there is nothing left to refuse, and an attempt must not go unrecorded
                log.exception("an observer of the audit failed", extra={"action": entry.action, "rule": observe.name})
        uow.commit()
    except BaseException:
        uow.rollback()
        raise
    for function in uow.after_commit:
        function()


def _described(error: BaseException) -> dict[str, Any]:
    if isinstance(error, PosError):
        found = error.violations or (Violation(error.code, error.path, error.params),)
        listed = [{"code": v.code.code, "path": v.path, "rule": v.rule} for v in found]
        return {"code": error.code.code, "errors": listed}
    return {"code": "internal_error", "type": type(error).__name__}


def _shown(chosen: Action | Query, command: Any) -> Any:
    """The command as it may stand in an entry: secrets masked by their type, persons left out, a long one hashed."""
    if not isinstance(command, BaseModel):
        return None
    text = command.__pydantic_serializer__.to_json(command, exclude=_hidden(chosen) or None)
    return orjson.loads(text) if len(text) <= _COMMAND_IN_REFUSAL else {"sha256": fingerprint(command).hex()}


def _hidden(chosen: Action | Query) -> set[str]:
    return {*chosen.personal, *chosen.unrecorded} if isinstance(chosen, Action) else set()


def _after_commit(kernel: Kernel, ctx: Context, uow: UnitOfWork) -> None:
    """What follows a commit that is certain: failures are logged, because the answer cannot change any more."""
    if uow.bumps:
        try:
            ctx.revision = kernel.revision()
        except pw.PeeweeException:
            log.exception("the revision could not be read", extra={"request_id": ctx.request_id})
    for event in uow.events:
        kernel.publish(ctx, event)
    for function in uow.after_commit:
        try:
            function()
        except Exception:
            log.exception("something that follows a commit failed", extra={"request_id": ctx.request_id})
