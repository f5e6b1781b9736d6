"""A business with two stores that have everything twice, people of every role in each, and HTTP to ask it all.

Whatever has an id stands in `Place.ids` under the name of its kind. `kind_of` says which kind a request's field or path
variable wants; a field that it does not know fails the tests that walk the routes, with a message saying what to add.
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pos_core.auth.schemas import SignIn
from pos_core.http import routes
from pos_core.http.routes import Door
from pos_core.ids import uuid7
from pos_core.rbac.catalogue import SUPER_ADMIN
from pos_core.rbac.models import Role, RolePermission
from pos_core.reporting import registry
from pos_core.testing.harness import PASSWORD, Answer, Business, Client, Server

#: Not bound to a store: every store of the business has the same ones, or the client makes the id up.
SHARED = "shared"
#: Names anything at all; only what lies within the actor's reach is looked through for it.
ANY = SHARED

#: The kind that a path's `{id}` wants, by the path before it.
COLLECTIONS = {
    "/approval-deputies": "approval_deputy", "/approvals": "approval", "/auth/sessions": "session",
    "/business-rules": SHARED,
    "/incidents": "incident", "/reasons": SHARED, "/roles": SHARED, "/security/findings": "finding",
    "/sessions": "session",
    "/brands": SHARED, "/categories": SHARED, "/customers": SHARED, "/departments": SHARED, "/devices": "device",
    "/products": SHARED, "/register-sessions": "register_session", "/registers": "register",
    "/representatives": SHARED, "/sales": "sale", "/sales/flags": "sale_flag", "/stores": "store",
    "/tax-groups": SHARED, "/tax-rates": SHARED, "/tenders": SHARED, "/users": "user", "/vendors": SHARED,
}  # fmt: skip
#: The kind of a field, by its name; `action field` where one name means different things.
FIELDS = {
    "deputy_id": "user", "finding_id": "finding", "note_id": SHARED, "session_id": "session", "user": "user",
    "incident:list linked_id": ANY, "incident:link entity_id": ANY, "incident:record links[].entity_id": ANY,
    "actor_id": "user", "brand_id": SHARED, "cashier_id": "user", "category_id": SHARED, "chain": "register",
    "chain_id": "register", "customer_id": SHARED, "department_id": SHARED, "device_id": "device", "id": SHARED,
    "parent_id": SHARED, "product_id": SHARED, "rate_ids": SHARED, "register_id": "register",
    "representative_id": SHARED, "store_id": "store", "tax_group_id": SHARED, "user_id": "user",
    "vendor_id": SHARED, "store_ids": "store", "business_rule:past after": SHARED,
    "sale:list session_id": "register_session", "session:open device.id": "device",
    "audit:entries entity_id": "sale",
}  # fmt: skip
#: Where a shared thing of one's own is found for a path: the kind it has in `World.shared`.
SHARED_KINDS = {
    "/business-rules": "business_rule", "/reasons": "reason", "/roles": "role",
    "/brands": "brand", "/categories": "category", "/customers": "customer", "/departments": "department",
    "/products": "product", "/representatives": "representative", "/tax-groups": "tax_group",
    "/tax-rates": "tax_rate", "/tenders": "tender", "/vendors": "vendor",
}  # fmt: skip
DAY = timedelta(days=1)
#: Path variables that are no ids.
WORDS = {"key": "tax.rounding", "report": "sales", "method": "totp", "app_context": "store", "module": "ops.watch"}


@dataclass
class Place:
    """A store with a thing of each kind, and its till's key."""

    ids: dict[str, str] = field(default_factory=dict)
    device_key: str = ""


class Wire:
    """One kept connection to a server."""

    def __init__(self, client: Client) -> None:
        self._connection = http.client.HTTPConnection(client.host, client.port, timeout=60)
        self._used = time.monotonic()

    def ask(self, method: str, path: str, token: str | None = None, body: Any = None, **headers: str) -> Answer:
        sent = {} if token is None else {"Authorization": f"Bearer {token}"}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        if time.monotonic() - self._used > 30:  # the server closes what is idle
            self._connection.close()
        self._used = time.monotonic()
        self._connection.request(method, f"/api/v1{path}", content, {**sent, **headers})
        response = self._connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def close(self) -> None:
        self._connection.close()


class World:
    """The business, its doors, its two places (`own` and `other`), and the people who sign in."""

    def __init__(self, business: Business) -> None:
        self.business, self.kernel = business, business.kernel
        self.doors: list[Door] = sorted(routes.collect(self.kernel), key=lambda d: (d.route.path, d.route.method))
        self.server = Server(self.kernel)
        self.wire = Wire(self.server.client())
        templates = Role.select().where(Role.is_template, Role.code != SUPER_ADMIN).order_by(Role.code)
        self.roles = {role.code: role.scope for role in templates}
        self.grants = {code: self._permissions_of(code) for code in self.roles}
        self._users = 0
        self.do("setting:change", key="stock.approval_units", value=10)
        self.shared = self._catalogue()
        self.own, self.other = self._place("OWN"), self._place("OTHER")

    def close(self) -> None:
        self.wire.close()
        self.server.close()

    def _permissions_of(self, code: str) -> frozenset[str]:
        """What a role template holds by the database, of its own scope."""
        held = RolePermission.select(RolePermission.permission).join(Role).where(Role.code == code).tuples()
        return frozenset(p for (p,) in held if p.startswith(self.roles[code] + ":"))

    def may(self, role: str, door: Door) -> bool:
        """Whether the role's permissions open the door."""
        held = self.grants[role]
        if door.does.name == "report:run":  # a report has permissions of its own behind the door's
            wanted = registry.collect(self.kernel)[WORDS["report"]].permissions
            return not held.isdisjoint(door.permissions) and not held.isdisjoint(wanted)
        return door.does.public or not held.isdisjoint(door.permissions)

    # -- people ------------------------------------------------------------------------------------------------------

    def person(self, role: str, place: Place) -> str:
        """The name of a new user who holds the role at the place (roles of the headquarters: there)."""
        self._users += 1
        name = f"{role}.{self._users}"
        made = self.do("user:create", id=uuid7(), username=name, full_name=name, password=PASSWORD)
        where = {} if self.roles[role] == "hq" else {"store_id": place.ids["store"]}
        self.do("user:assign", user_id=made["id"], role=role, **where)
        place.ids.setdefault("user", made["id"])
        place.ids[name] = made["id"]
        return name

    def sign_in(self, name: str, context: str, place: Place) -> Answer:
        """Sign in over HTTP: a till with its device, a back office with its store."""
        body: dict[str, Any] = {"username": name, "password": PASSWORD, "app_context": context}
        if "delivery" in SignIn.model_fields:
            body["delivery"] = "body"
        if context == "pos":
            body["device"] = {"id": place.ids["device"], "key": place.device_key}
        elif context == "store":
            body["store_id"] = place.ids["store"]
        return self.wire.ask("POST", "/auth/login", body=body)

    def token(self, role: str, place: Place) -> str:
        """The token of a new user with the role, signed in at the place."""
        answer = self.sign_in(self.person(role, place), self.roles[role], place)
        assert answer.status == 201, answer.text
        place.ids["session"] = answer.data["id"]
        return str(answer.data["access_token"])

    def do(self, action: str, **command: Any) -> dict[str, Any]:
        """Run an action as the administrator."""
        return self.business.perform(action, command)

    # -- things ------------------------------------------------------------------------------------------------------

    def _catalogue(self) -> dict[str, str]:
        made = {}
        for kind, command in {
            "brand": {"name": "Acme"}, "category": {"code": "C1", "name": "Cups"},
            "department": {"code": "D1", "name": "Kitchen"}, "vendor": {"code": "V1", "name": "Wholesale"},
            "product": {"sku": "P1", "name": "Cup", "unit_price_minor": 500},
            "representative": {"code": "REP1", "name": "Rita"},
            "customer": {"first_name": "Cora", "phone": "600100200"},
            "business_rule": {
                "code": "never", "name": "Never", "actions": ["sale:complete"], "message_en": "No.",
                "message_es": "No.", "condition": {"field": "draft.total_minor", "op": "lt", "value": 0},
            },
        }.items():  # fmt: skip
            made[kind] = self.do(f"{kind}:create", id=uuid7(), **command)["id"]
        for kind in ("reason", "role", "tax_group", "tax_rate", "tender"):
            made[kind] = self.business.query(f"{kind}:list")[0][0]["id"]
        return made

    def _place(self, code: str) -> Place:
        """A store with a till at which an offline sale happened that wants a review, its drawer closed since."""
        place = Place()
        ids = place.ids
        store = self.do("store:create", id=uuid7(), code=code, name=code.title(), time_zone="UTC")
        ids["store"] = store["id"]
        register = self.do("register:create", id=uuid7(), store_id=ids["store"], code="R1", name="Register")
        ids["register"] = register["id"]
        enrol = {"store_id": ids["store"], "register_id": ids["register"], "name": "Till"}
        device = self.do("device:enrol", id=uuid7(), **enrol)
        ids["device"], place.device_key = device["id"], device["key"]
        self._trade(place, self.token(_role(self, "pos:sell"), place))
        manager = self.token(_role(self, "store:inventory.adjust"), place)
        moved = {"product_id": self.shared["product"], "quantity": "5", "reason": "opening"}
        ids["stock_move"] = self._post("/stock/adjustments", manager, moved)["id"]
        self._trouble(place, manager, moved)
        return place

    def _trouble(self, place: Place, manager: str, moved: dict[str, str]) -> None:
        """What people look into: a request for approval, a deputy, an incident, a detector's finding."""
        ids, now = place.ids, self.business.clock.now()
        asked = {"action": "stock:adjust", "command": {**moved, "id": uuid7(), "quantity": "50"}}
        ids["approval"] = self._post("/approvals", manager, asked)["id"]
        named = {"deputy_id": ids["user"], "begins_at": now.isoformat(), "ends_at": (now + DAY).isoformat()}
        ids["approval_deputy"] = self._post("/approval-deputies", manager, named)["id"]
        incident = {"title": "Drawer", "text": "Found open", "happened_at": now.isoformat()}
        ids["incident"] = self._post("/incidents", manager, incident)["id"]
        found = self.business.perform("finding:plant", {"id": uuid7(), "store_id": ids["store"]})
        ids["finding"] = found["id"]

    def _trade(self, place: Place, till: str) -> None:
        ids = place.ids
        opened = self._post("/register-sessions", till, {"float_minor": 1000})
        ids["register_session"] = opened["id"]
        sold_at = self.business.clock.now().isoformat()
        sale = self._post("/sales", till, {
            "id": uuid7(), "lines": [{"product_id": self.shared["product"], "quantity": "1"}],
            "tenders": [{"tender": "cash", "amount_minor": 499}],
            "offline": {"sold_at": sold_at, "total_minor": 499},
        })  # fmt: skip
        ids["sale"], ids["sale_flag"] = sale["id"], sale["flags"][0]["id"]
        counted = {"counts": [{"tender": "cash", "counted_minor": 1499}]}
        self._post(f"/register-sessions/{ids['register_session']}/close", till, counted)

    def _post(self, path: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.wire.ask("POST", path, token, body)
        assert answer.status in (200, 201), answer.text
        return dict(answer.data)

    # -- requests ----------------------------------------------------------------------------------------------------

    def path(self, door: Door, place: Place, **instead: str) -> str:
        """The door's path with the place's ids; `instead` gives variables by name."""
        path = door.route.path
        for variable in door.route.variables:
            value = instead.get(variable) or self.value(door, variable, place)
            path = path.replace("{" + variable + "}", value)
        return path

    def value(self, door: Door, variable: str, place: Place) -> str:
        """What the place has for a path variable."""
        if variable in WORDS:
            return WORDS[variable]
        kind = variable_kind(door, variable)
        if kind != SHARED:
            return place.ids[kind]
        collection = _collection(door, variable)
        assert collection in SHARED_KINDS, f"add to SHARED_KINDS what {collection} holds, and make one in _catalogue"
        return self.shared[SHARED_KINDS[collection]]


def _collection(door: Door, variable: str) -> str:
    return door.route.path.partition("/{" + variable + "}")[0]


def variable_kind(door: Door, variable: str) -> str:
    """The kind of thing that a path variable names."""
    collection = _collection(door, variable)
    assert variable in WORDS or collection in COLLECTIONS, (
        f"{door.route.method} {door.route.path}: add to COLLECTIONS in {__name__} what kind of thing {collection} "
        f"holds: {SHARED!r}, or a kind that World._place makes one of in each store"
    )
    return COLLECTIONS.get(collection, SHARED)


def field_kind(door: Door, path: str) -> str:
    """The kind of thing that a field of a body or a filter names; `path` as `lines[].product_id`."""
    last = path.rpartition(".")[2].removesuffix("[]")
    for name in (f"{door.does.name} {path}", last):
        if name in FIELDS:
            return FIELDS[name]
    raise AssertionError(
        f"{door.route.method} {door.route.path}: add to FIELDS in {__name__} what kind of thing {path} names: "
        f"{SHARED!r}, or a kind that World._place makes one of in each store"
    )


def _role(world: World, permission: str) -> str:
    """The first role template that holds a permission."""
    return next(code for code, held in world.grants.items() if permission in held)
