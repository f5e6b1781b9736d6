"""People with roles, and what they do: each call is a request of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pos_core.context import Actor, Context
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.rbac import grants
from pos_core.rbac.models import User
from pos_core.testing.harness import PASSWORD, Business


def person(business: Business, name: str, *roles: str, **more: Any) -> str:
    """A new user with roles, held in the shop's store or at the headquarters; the id."""
    made = business.perform("user:create", {
        "id": uuid7(), "username": name, "full_name": name.title(), "password": PASSWORD, **more})  # fmt: skip
    for role in roles:
        scope = role_of(business, role)["scope"]
        place = {} if scope == "hq" else {"store_id": business.store_id}
        business.perform("user:assign", {"user_id": made["id"], "role": role, **place})
    return str(made["id"])


def role_of(business: Business, code: str) -> dict[str, Any]:
    """The role of a code as the API shows it."""
    return next(row for row in business.query("role:list", limit=200)[0] if row["code"] == code)


def new_role(business: Business, code: str, scope: str, *permissions: str, **more: Any) -> dict[str, Any]:
    """A role that a super admin makes."""
    return business.perform("role:create", {
        "id": uuid7(), "code": code, "name": code.title(), "scope": scope, "permissions": permissions, **more
    })  # fmt: skip


def acting(business: Business, user_id: str, app_context: str = "hq") -> Context:
    """A context as a request of the user would have it."""
    revision = business.kernel.revision()
    store_id = None if app_context == "hq" else business.store_id
    row = User.get_by_id(user_id)
    held = grants.of(user_id, app_context, store_id, revision)
    actor = Actor(user_id, row.username, held.roles, held.permissions, row.is_super_admin)
    return Context(business.kernel, actor=actor, app_context=app_context, store_id=store_id, revision=revision)


def act(business: Business, user_id: str, action: str, app_context: str = "hq", /, **command: Any) -> dict[str, Any]:
    """What the user does, as it would come over HTTP; the answer."""
    schema = business.kernel.action(action).command
    ctx = acting(business, user_id, app_context)
    return business.kernel.perform(ctx, action, schema.model_validate_json(json.dumps(command))).data


def refused(business: Business, user_id: str, action: str, /, **command: Any) -> PosError:
    """The refusal that the user meets."""
    with pytest.raises(PosError) as found:
        act(business, user_id, action, **command)
    return found.value


def holdings(user_id: str) -> dict[grants.Place, frozenset[str]]:
    """What somebody holds, place by place."""
    return grants.everywhere(user_id)
