"""Who acts, where, when, with which request: the one object that the pipeline and every handler are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pos_core.clock import business_date
from pos_core.errors import TRANSITION_REFUSED, Violation
from pos_core.ids import uuid7

if TYPE_CHECKING:
    from pos_core.actions import Outcome
    from pos_core.approvals.needs import Given
    from pos_core.db.unit_of_work import ChainHead, UnitOfWork
    from pos_core.kernel import Kernel


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a service account, with what it may do here and now (read from the database for this request)."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    is_super_admin: bool = False

    def may(self, permission: str) -> bool:
        """Whether the actor holds the permission; a super admin holds every one of them."""
        return self.is_super_admin or permission in self.permissions


NOBODY = Actor(id="", name="")


@dataclass(slots=True)
class Context:
    """A request's surroundings. Handlers read it; only `uow` is for writing, and only inside an action.

    store_id, register_id and device_id are None where the actor is not at a store, a till or a machine. `at` is the
    moment of the request (aware UTC): one request has one time.
    """

    kernel: Kernel
    actor: Actor = NOBODY
    app_context: str = "system"
    store_id: str | None = None
    register_id: str | None = None
    device_id: str | None = None
    session_id: str | None = None
    request_id: str = field(default_factory=uuid7)
    ip: str = ""
    language: str = "en"
    channel: str = "api"
    user_agent: str = ""
    at: datetime = field(default=None)  # type: ignore[assignment]
    revision: int = -1
    #: What the person has to do before anything else: "password", "mfa", or "" for nothing.
    restriction: str = ""
    #: What a read masked by itself (a report's columns), for the answer's `meta.masked`.
    masked: tuple[str, ...] = ()
    #: The chain's row as it was read with the session; good for one action, which then need not read it again.
    known_head: ChainHead | None = None
    uow: UnitOfWork | None = None
    #: What the request says of approvals: those asked for before, or a supervisor at the till.
    approvals: Given | None = None

    def __post_init__(self) -> None:
        if self.at is None:
            self.at = self.kernel.clock.now()

    @property
    def settings(self) -> Mapping[str, Any]:
        """The business settings as they hold in this store."""
        return self.kernel.settings.for_store(self.store_id, self.revision)

    @property
    def writing(self) -> UnitOfWork:
        """The unit of work of the running action; RuntimeError outside one."""
        if self.uow is None:
            raise RuntimeError("there is no unit of work here: rows are written inside an action only")
        return self.uow

    def query(self, name: str, /, **arguments: Any) -> Any:
        """Run another module's named read; PosError `module_disabled` where that module is off."""
        if self.uow is not None and self.uow.rows:
            self.uow.write_pending()
        return self.kernel.query(self, name, arguments)

    def has(self, name: str) -> bool:
        """Whether a named query or action exists and its module is on here: for optional neighbours."""
        return self.kernel.offers(name, self.store_id, self.revision)

    def perform(self, name: str, command: Any, *, key: str | None = None) -> Outcome:
        """Run an action: a whole transaction at the outside, a part of the running one inside another action."""
        return self.kernel.perform(self, name, command, key=key)

    def transition(self, entity: str, current: str, wanted: str) -> Violation | None:
        """None where the entity may go from one state to the other by its module's declaration, else what is wrong."""
        if wanted in self.kernel.transitions[entity].get(current, ()):
            return None
        return TRANSITION_REFUSED.at("status", entity=entity, current=current, wanted=wanted)

    def emit(self, name: str, entity_type: str, entity_id: str, **data: Any) -> None:
        """Publish a past-tense event after the commit, with its outbox row in the same transaction."""
        self.writing.emit(self, name, entity_type, entity_id, data)

    def business_date(self, at: datetime | None = None) -> date:
        """The store's business day of `at` (default: of this request); UTC's day where there is no store."""
        moment = at or self.at
        if self.store_id is None:
            return moment.date()
        store = self.kernel.stores.get(self.store_id, self.revision)
        return business_date(moment, store.time_zone, store.day_start_minutes)
