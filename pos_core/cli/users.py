"""`pos user`: accounts, for whoever has access to the machine. Every change is an audited action of the system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pos_core.cli.main import open_kernel
from pos_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from pos_core.context import Context

_ONCE = "This password is shown only now, and changed at the first sign-in."
_MANY = 10_000


@click.group(name="user")
def user() -> None:
    """Add and change users."""


@contextmanager
def _system(context: click.Context) -> Iterator[Context]:
    with open_kernel(context) as kernel:
        yield kernel.system_context("pos user")


def _found(ctx: Context, username: str) -> dict[str, Any]:
    found: dict[str, Any] | None = ctx.query("user:find", username=username)
    if found is None:
        raise click.BadParameter(f"there is no user {username!r}; `pos user list` shows them", param_hint="USERNAME")
    return found


def _store_id(ctx: Context, code: str | None) -> str | None:
    if code is None:
        return None
    stores = ctx.query("store:list", limit=_MANY)[0]
    for store in stores:
        if code in (store["code"], store["id"]):
            return str(store["id"])
    raise click.BadParameter(f"there is no store {code!r}; there are {', '.join(s['code'] for s in stores)}",
                             param_hint="--store")  # fmt: skip


def _place(ctx: Context, role: str, store: str | None) -> str | None:
    """The id of the store where the role is to be held; a usage error where role and place do not fit."""
    roles = {row["code"]: row["scope"] for row in ctx.query("role:list", limit=_MANY)[0]}
    if role not in roles:
        raise click.BadParameter(f"there is no role {role!r}; there are {', '.join(roles)}", param_hint="role")
    if roles[role] != "hq" and store is None:
        raise click.UsageError(f"{role} is held in a store: name it with --store")
    if roles[role] == "hq" and store is not None:
        raise click.UsageError(f"{role} is held at the headquarters: leave --store out")
    return _store_id(ctx, store)


@user.command(name="add")
@click.argument("username")
@click.option("--name", "full_name", help="The person's name; the user name without it.")
@click.option("--email", help="The person's mail address.")
@click.option("--role", help="A role to hold, such as cashier, store_manager or admin.")
@click.option("--store", help="The store of the role, by its code.")
@click.option("--super-admin", is_flag=True, help="May do everything, everywhere.")
@click.pass_context
def add(
    context: click.Context, username: str, full_name: str | None, email: str | None, role: str | None,
    store: str | None, super_admin: bool,
) -> None:
    """Add a user with a generated password."""
    from pydantic import ValidationError

    from pos_core.rbac.schemas import AssignRole, CreateUser, MarkSuperAdmin

    if store is not None and role is None:
        raise click.UsageError("--store says where a role is held: give --role too")
    with _system(context) as ctx:
        place = _place(ctx, role, store) if role is not None else None
        try:
            command = CreateUser(username=username, full_name=full_name or username, email=email)
        except ValidationError as error:
            raise click.UsageError("; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())) from None
        made = ctx.perform("user:create", command).data
        if role is not None:
            ctx.perform("user:assign", AssignRole(user_id=made["id"], role=role, store_id=place))
        if super_admin:
            ctx.perform("user:make_super_admin", MarkSuperAdmin(id=made["id"], version=made["version"]))
    click.echo(f"Added {username}\nPassword: {made['password']}\n{_ONCE}")


@user.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def list_users(context: click.Context, as_json: bool) -> None:
    """List the users and the roles they hold."""
    with _system(context) as ctx:
        found = ctx.query("user:list", limit=_MANY)[0]
        stores = {store["id"]: store["code"] for store in ctx.query("store:list", limit=_MANY)[0]}
    if as_json:
        print_json(found)
        return
    print_table(("User", "Name", "State", "Roles"), [
        (row["username"], row["full_name"], _state(row), ", ".join(_role(held, stores) for held in row["assignments"]))
        for row in found
    ])  # fmt: skip


def _state(row: dict[str, Any]) -> str:
    state = "active" if row["is_active"] else "off"
    return f"{state}, super admin" if row["is_super_admin"] else state


def _role(held: dict[str, Any], stores: dict[str, str]) -> str:
    return f"{held['role']} ({stores[held['store_id']]})" if held["store_id"] else str(held["role"])


@user.command(name="reset-password")
@click.argument("username")
@click.option("--reason", default="forgotten", show_default=True, help="Why: a reason code.")
@click.option("--note", help="In your own words; some reasons need it.")
@click.pass_context
def reset_password(context: click.Context, username: str, reason: str, note: str | None) -> None:
    """Give a user a new generated password; all of the user's sessions end."""
    from pos_core.rbac.schemas import ResetPassword

    with _system(context) as ctx:
        found = _found(ctx, username)
        command = ResetPassword(id=found["id"], version=found["version"], reason=reason, reason_note=note)
        done = ctx.perform("user:reset_password", command).data
    click.echo(f"Password: {done['password']}\n{_ONCE}")


@user.command(name="unlock")
@click.argument("username")
@click.pass_context
def unlock(context: click.Context, username: str) -> None:
    """Let a user who was locked out try again at once."""
    from pos_core.auth.credentials.schemas import UnlockAccount

    with _system(context) as ctx:
        done = ctx.perform("account:unlock", UnlockAccount(id=_found(ctx, username)["id"])).data
    state = f"was locked ({', '.join(done['unlocked'])})" if done["unlocked"] else "was not locked"
    click.echo(f"{username} {state}; every failed attempt is forgiven")


@user.command(name="reset-mfa")
@click.argument("username")
@click.pass_context
def reset_mfa(context: click.Context, username: str) -> None:
    """Remove the second factors of a user who lost them; all of the user's sessions end."""
    from pos_core.auth.mfa.schemas import ResetFactors

    with _system(context) as ctx:
        done = ctx.perform("mfa:reset", ResetFactors(id=_found(ctx, username)["id"])).data
    removed = ", ".join(done["removed"]) or "nothing was set up"
    click.echo(f"Removed: {removed}. {done['sessions_ended']} session(s) ended.")


@user.command(name="assign")
@click.argument("username")
@click.argument("role")
@click.option("--store", help="The store of the role, by its code; none for roles of the headquarters.")
@click.option("--remove", is_flag=True, help="Take the role away instead.")
@click.pass_context
def assign(context: click.Context, username: str, role: str, store: str | None, remove: bool) -> None:
    """Let a user hold a role, or take it away; it bites at the user's next request."""
    from pos_core.rbac.schemas import AssignRole, UnassignRole

    with _system(context) as ctx:
        found, place = _found(ctx, username), _place(ctx, role, store)
        if remove:
            ctx.perform("user:unassign", UnassignRole(user_id=found["id"], role=role, store_id=place))
        else:
            ctx.perform("user:assign", AssignRole(user_id=found["id"], role=role, store_id=place))
    where = f" in {store}" if store else ""
    click.echo(f"{username} {'no longer holds' if remove else 'holds'} {role}{where}")


@user.command(name="super-admin")
@click.argument("username")
@click.option("--remove", is_flag=True, help="Take the mark away instead; the last active one keeps it.")
@click.pass_context
def super_admin(context: click.Context, username: str, remove: bool) -> None:
    """Let a user do everything everywhere, or no longer."""
    from pos_core.rbac.schemas import MarkSuperAdmin

    with _system(context) as ctx:
        found = _found(ctx, username)
        name = "user:demote_super_admin" if remove else "user:make_super_admin"
        ctx.perform(name, MarkSuperAdmin(id=found["id"], version=found["version"]))
    click.echo(f"{username} is {'no longer' if remove else 'now'} a super administrator")


@user.command(name="disable")
@click.argument("username")
@click.option("--reason", default="left_company", show_default=True, help="Why: a reason code.")
@click.option("--note", help="In your own words; some reasons need it.")
@click.pass_context
def disable(context: click.Context, username: str, reason: str, note: str | None) -> None:
    """Switch an account off; it bites at the user's next request."""
    _switch(context, username, is_active=False, reason=reason, reason_note=note)
    click.echo(f"{username} is switched off")


@user.command(name="enable")
@click.argument("username")
@click.pass_context
def enable(context: click.Context, username: str) -> None:
    """Switch an account on again."""
    _switch(context, username, is_active=True)
    click.echo(f"{username} is switched on")


def _switch(context: click.Context, username: str, *, is_active: bool, **why: Any) -> None:
    from pos_core.rbac.schemas import EditUser

    with _system(context) as ctx:
        found = _found(ctx, username)
        ctx.perform("user:edit", EditUser(id=found["id"], is_active=is_active, version=found["version"],
                                              **why))
