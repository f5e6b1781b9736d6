"""The first run's one action: it exists so that the first rows of a business are audited like all others."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from pos_core.actions import action
from pos_core.context import Context
from pos_core.errors import Kind, define
from pos_core.ids import uuid7
from pos_core.rbac.models import User
from pos_core.rbac.schemas import AssignRole, CreateUser, NewUsername
from pos_core.schemas import BasisPoints, Code, Command, Currency, Name
from pos_core.stores.schemas import CreateRegister, CreateStore, TimeZone

ALREADY_INITIALISED = define(
    "already_initialised", Kind.CONFLICT,
    en="This business was set up before.", es="Este negocio ya fue configurado.",
    cure="Nothing needs doing; use the administration to change settings.",
)


class Initialise(Command):
    """What the person who installs decides; everything can be changed later but the currency."""

    name: Name
    currency: Currency
    time_zone: TimeZone
    store_code: Code
    store_name: Name
    prices_include_tax: bool
    tax_standard: BasisPoints
    tax_reduced: BasisPoints
    admin_username: NewUsername
    admin_password: SecretStr
    admin_must_change: bool = False


@action("business:initialise", command=Initialise, permission="hq:settings.manage", entity="business",
        security="first_run")
def initialise(ctx: Context, command: Initialise) -> dict[str, Any]:
    """Set up a new business: baseline roles, taxes and tenders, a store with a register, the administrator."""
    if User.select().exists():
        raise ALREADY_INITIALISED()
    kernel = ctx.kernel
    kernel.first_run = command.model_dump(exclude={"admin_password"})
    for handler in kernel.handlers("first_run", None, ctx.revision):
        handler.call({"ctx": ctx})
    store = ctx.perform("store:create", CreateStore(
        id=uuid7(), code=command.store_code, name=command.store_name, time_zone=command.time_zone)).data
    register = ctx.perform("register:create", CreateRegister(
        id=uuid7(), store_id=store["id"], code="R1", name="Register 1")).data
    admin = _administrator(ctx, command)
    return {"id": kernel.instance_id, "name": command.name, "currency": command.currency, "store_id": store["id"],
            "register_id": register["id"], "administrator_id": admin}


def _administrator(ctx: Context, command: Initialise) -> str:
    user = ctx.perform("user:create", CreateUser(
        id=uuid7(), username=command.admin_username, full_name="Administrator", password=command.admin_password,
        must_change_password=command.admin_must_change)).data
    ctx.perform("user:assign", AssignRole(user_id=user["id"], role="admin"))
    ctx.writing.write_pending()
    User.update(is_super_admin=True).where(User.id == user["id"]).execute()
    return str(user["id"])


