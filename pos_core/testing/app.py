"""The whole product with a pack in it: what the fixture `make_app` gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import orjson

from pos_core.audit.models import AuditEntry
from pos_core.outbox import Outbox
from pos_core.testing import harness
from pos_core.testing.factories import Shop
from pos_core.testing.harness import Business, Client

if TYPE_CHECKING:
    from pos_core.clock import FrozenClock
    from pos_core.kernel import Kernel

#: A module under test: the name of an installed one, or (name, plugin) of one that is not.
Given = str | tuple[str, ModuleType]


class App:
    """A business ready to sell, with its HTTP server: `app.shop` makes things, `app.client_as("cashier")` asks."""

    def __init__(self, business: Business) -> None:
        self.business = business
        self.shop = Shop(business)

    @property
    def kernel(self) -> Kernel:
        return self.business.kernel

    @property
    def clock(self) -> FrozenClock:
        """The clock stands still until it is moved: `app.clock.advance(timedelta(hours=1))`."""
        return self.business.clock

    def perform(self, action: str, command: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """Run an action: perform("sale:complete", {...}, role="cashier", till=1, key=None)."""
        return self.business.perform(action, command, **options)

    def query(self, name: str, **options: Any) -> Any:
        """Ask a named read: query("sale:get", role="cashier", id=...)."""
        return self.business.query(name, **options)

    def set(self, key: str, value: Any, store: bool = False) -> None:
        """Change a business setting, for the business or for the store alone."""
        store_id = self.business.store_id if store else None
        self.perform("setting:change", {"key": key, "value": value, "store_id": store_id})

    @cached_property
    def server(self) -> harness.Server:
        """The HTTP server, started when first asked for."""
        return harness.Server(self.kernel)

    def client_as(self, role: str, till: int = 1) -> Client:
        """An HTTP client that signed in: "admin" (hq), "manager" (store) or "cashier" (at a till)."""
        return sign_in(self.business, self.server, role, till)

    def outbox(self, event: str | None = None) -> list[dict[str, Any]]:
        """The events that have been written for delivery, oldest first; only those of one name where it is given."""
        return outbox(event)

    def audit(self, action: str | None = None) -> list[dict[str, Any]]:
        """The facts of the audit, in the order of their times; only those of one action where it is given."""
        return audit(action)

    def close(self) -> None:
        """End the server if it was started; the business is its maker's to end."""
        if "server" in self.__dict__:
            self.server.close()


def outbox(event: str | None = None) -> list[dict[str, Any]]:
    """See `App.outbox`."""
    rows = Outbox.select().order_by(Outbox.created_at, Outbox.id)
    return [
        {"event": row.event, "entity_type": row.entity_type, "entity_id": row.entity_id, "store_id": row.store_id,
         "data": row.data or {}, "status": row.status}
        for row in rows if event in (None, row.event)
    ]  # fmt: skip


def audit(action: str | None = None) -> list[dict[str, Any]]:
    """See `App.audit`."""
    rows = AuditEntry.select(AuditEntry.payload).order_by(AuditEntry.at, AuditEntry.chain_id, AuditEntry.seq)
    if action is not None:
        rows = rows.where(AuditEntry.action == action)
    return [orjson.loads(row.payload) for row in rows]


def sign_in(business: Business, server: harness.Server, role: str, till: int = 1) -> Client:
    """Sign in over HTTP as the administrator, the manager or a till's cashier."""
    client = server.client()
    body: dict[str, Any] = {"username": role, "password": harness.PASSWORD, "app_context": "hq"}
    if role == "manager":
        body |= {"app_context": "store", "store_id": business.store_id}
    if role == "cashier":
        device = {"id": business.ids[f"device{till}"], "key": business.keys[f"device{till}"]}
        body |= {"username": f"cashier{till}", "app_context": "pos", "device": device, "delivery": "body"}
    answer = client.post("/auth/login", body)
    assert answer.status == 201, answer.text
    client.token = answer.data["access_token"]
    return client


def switch_on(business: Business, modules: Iterable[Given]) -> None:
    """See that installed modules are there and on; AssertionError says why one is not."""
    known = {module.name: module for module in business.kernel.modules}
    for given in modules:
        name = given if isinstance(given, str) else given[0]
        assert name in known, f"{name} is not installed: pip install the distribution that brings it"
        assert known[name].running, f"{name} was set aside: {known[name].error}"
        if not business.kernel.registry.enabled(name, business.store_id):
            business.perform("module:enable", {"module": name})
