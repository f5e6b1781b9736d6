"""A module whose action asks for approvals by its figures, and a shop with people to decide them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from pydantic import Field

from pos_core import ApprovalKind, Context, Kind, Manifest, Need, Permission, action, define, uuid7
from pos_core.approvals.needs import Given
from pos_core.auth.credentials.schemas import SetPin
from pos_core.context import Actor
from pos_core.rbac import grants
from pos_core.schemas import Command, Id
from pos_core.testing.harness import PASSWORD, Business

TOO_MUCH = define(
    "lab_too_much", Kind.RULE, en="{amount} is too much.", es="{amount} es demasiado.", cure="Take less.",
)
BROKEN = define("lab_broken", Kind.RULE, en="It broke.", es="Se rompió.", cure="Try again.")

ONE = ApprovalKind(
    "lab_one", "A middling thing", "Una cosa mediana", (("pos:lab.one", "store:lab.one"),), exact=False,
    expires_minutes=60, escalates_minutes=0,
)
TWO = ApprovalKind(
    "lab_two", "A large thing", "Una cosa grande",
    (("pos:lab.one", "store:lab.one"), ("store:lab.two", "hq:lab.two")), expires_minutes=60, escalates_minutes=20,
)
TOP = ApprovalKind(
    "lab_top", "A thing that may be handed up", "Una cosa que puede elevarse",
    (("pos:lab.one", "store:lab.one"), ("store:lab.two", "hq:lab.two"), ("hq:lab.three",)), exact=False,
    expires_minutes=60, escalates_minutes=20,
)


class Do(Command):
    """amount and what else it is about; `note` is not among the figures."""

    id: Id = Field(default_factory=uuid7)
    amount_minor: int
    kind: str = ""
    also: bool = False
    offline: bool = False
    note: str = ""


class Again(Command):
    """Has no id, so that nothing but its approval keeps it from being done twice."""

    amount_minor: int
    kind: str = "lab_one"
    also: bool = False


done_things: list[Any] = []
breaks: list[bool] = []


def asks(ctx: Context, command: Do | Again, draft: Any) -> Any:
    """Above 100 one has to agree, above 1000 two."""
    if command.amount_minor <= 100:
        return None
    kind = command.kind or ("lab_one" if command.amount_minor <= 1000 else "lab_two")
    why = TOO_MUCH.at("amount_minor", amount=command.amount_minor)
    need = Need(kind, why, {"amount_minor": command.amount_minor}, 1 if kind == "lab_top" else 0)
    return [need, Need("lab_one", why, {"also": True})] if command.also and kind != "lab_one" else need


def module() -> tuple[str, ModuleType]:
    """The module lab.approving."""
    python = ModuleType("made_lab_approving")
    python.MANIFEST = Manifest(  # type: ignore[attr-defined]
        name="lab.approving", version="1.0", approvals=(ONE, TWO, TOP),
        settings=(*ONE.settings, *TWO.settings, *TOP.settings),
        permissions=(
            Permission("pos:lab.do", "Do the thing", ("cashier",)),
            Permission("pos:lab.one", "Agree to it on level one", ("shift_supervisor",)),
            Permission("store:lab.one", "Agree to it on level one", ("store_manager",)),
            Permission("store:lab.two", "Agree to it on level two", ()),
            Permission("hq:lab.two", "Agree to it on level two", ("admin",)),
            Permission("hq:lab.three", "Agree to it on level three", ("accountant",)),
        ),
    )

    @action("thing:do", command=Do, permission="pos:lab.do", approval=asks, key_field="id",
            tolerates=lambda command: command.offline)
    def do(ctx: Any, command: Do, violations: list[Any]) -> dict[str, Any]:
        """Do it."""
        if breaks:
            raise BROKEN()
        done_things.append(command.id)
        return {"id": command.id, "flags": [v.code.code for v in violations]}

    @action("thing:again", command=Again, permission="pos:lab.do", approval=asks)
    def again(ctx: Any, command: Again) -> dict[str, Any]:
        """Do it, whatever was done before: it has no id of its own."""
        return {"id": uuid7()}

    for function in (do, again):
        function.__module__ = python.__name__
        setattr(python, function.__name__, function)
    return "lab.approving", python


@dataclass
class Office:
    """The business with its people: cashier1 and cashier2 ask; sue and sam supervise tills, mia manages the store, amy
    and ann administer, kim keeps the books, and eve is employed without any say."""

    business: Business
    users: dict[str, str]
    roles: dict[str, tuple[str, str | None]]
    pins: dict[str, str] = field(default_factory=dict)

    def context(self, name: str, **more: Any) -> Context:
        """A context as the person's request would have it."""
        business = self.business
        if name.startswith("cashier"):
            ctx = business.context("cashier", int(name[-1]))
        else:
            role, store_id = self.roles[name]
            app_context = {"shift_supervisor": "pos", "store_manager": "store", "employee": "store"}.get(role, "hq")
            revision = business.kernel.revision()
            held = grants.of(self.users[name], app_context, store_id, revision)
            ctx = Context(business.kernel, actor=Actor(self.users[name], name, held.roles, held.permissions),
                          app_context=app_context, store_id=store_id, revision=revision)
        for key, value in more.items():
            setattr(ctx, key, value)
        return ctx

    def act(self, name: str, action_name: str, given: Given | None = None, **command: Any) -> dict[str, Any]:
        ctx = self.context(name, approvals=given)
        schema = ctx.kernel.action(action_name).command
        return ctx.kernel.perform(ctx, action_name, schema.model_validate(command)).data

    def do(self, name: str = "cashier1", given: Given | None = None, **command: Any) -> dict[str, Any]:
        return self.act(name, "thing:do", given, **command)

    def ask(self, name: str = "cashier1", kind: str | None = None, **command: Any) -> dict[str, Any]:
        """Ask for approval of the thing; the command has its id."""
        command.setdefault("id", uuid7())
        return self.act(name, "approval:request", action="thing:do", command=command, kind=kind, why="please")

    def approve(self, name: str, approval_id: str, **more: Any) -> dict[str, Any]:
        return self.act(name, "approval:approve", id=approval_id, **more)

    def refuse(self, name: str, verb: str, approval_id: str, reason: str | None = "figures_wrong") -> dict[str, Any]:
        return self.act(name, f"approval:{verb}", id=approval_id, reason=reason)

    def get(self, name: str, approval_id: str) -> dict[str, Any]:
        ctx = self.context(name)
        return dict(ctx.kernel.query(ctx, "approval:get", {"id": approval_id}))

    def to_decide(self, name: str) -> set[str]:
        ctx = self.context(name)
        return {row["id"] for row in ctx.kernel.query(ctx, "approval:list", {"to_decide": True})[0]}

    def set_pin(self, name: str, pin: str) -> Given:
        """Give somebody a PIN; returns what a till sends when they type it."""
        from pydantic import SecretStr

        ctx = self.context(name, session_id=uuid7())
        ctx.kernel.perform(ctx, "pin:set", SetPin(password=SecretStr(PASSWORD), pin=SecretStr(pin)))
        return Given(username=name, pin=SecretStr(pin))


PEOPLE = {
    "sue": "shift_supervisor", "sam": "shift_supervisor", "mia": "store_manager", "amy": "admin", "ann": "admin",
    "kim": "accountant", "eve": "employee",
}  # fmt: skip


def make_office(make_business: Callable[..., Business]) -> Office:
    """A business with the module and its people."""
    done_things.clear()
    breaks.clear()
    business = make_business(extra=[module()])
    business.perform("permission:sync", {})
    users, roles = {n: business.ids[n] for n in ("cashier1", "cashier2")}, {}
    for name, role in PEOPLE.items():
        made = business.perform("user:create", {"id": uuid7(), "username": name, "full_name": name.title(),
                                                "password": PASSWORD})
        store_id = None if role in ("admin", "accountant") else business.store_id
        business.perform("user:assign", {"user_id": made["id"], "role": role, "store_id": store_id})
        users[name], roles[name] = made["id"], (role, store_id)
    return Office(business, users, roles)
