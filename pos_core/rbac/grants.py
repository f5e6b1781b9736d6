"""What a user may do in a place: roles and permissions from the database, cached by the business' revision.

The three namespaces never mix: in the pos context only pos permissions of roles held in that store count, at the
headquarters only hq permissions of roles held without a store.
"""

from __future__ import annotations

from dataclasses import dataclass

from pos_core.db.model import database
from pos_core.db.statements import statement

_HELD = statement(
    "SELECT r.code, p.permission FROM core_user_role u JOIN core_role r ON r.id = u.role_id "
    "LEFT JOIN core_role_permission p ON p.role_id = r.id "
    "WHERE u.user_id = ? AND r.is_active AND r.scope = ? "
    "AND (u.store_id = ? OR (r.scope = 'hq' AND u.store_id IS NULL))",
    "uuid text uuid",
)
_EVERYWHERE = statement(
    "SELECT r.scope, u.store_id, p.permission FROM core_user_role u JOIN core_role r ON r.id = u.role_id "
    "JOIN core_role_permission p ON p.role_id = r.id WHERE u.user_id = ? AND r.is_active",
    "uuid",
)
_ACCOUNT = statement("SELECT is_active, is_super_admin FROM core_user WHERE id = ?", "uuid")
_LIMIT = 10_000

#: A scope and the store it counts in; None at the headquarters.
Place = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Grants:
    roles: tuple[str, ...]
    permissions: frozenset[str]


_cache: dict[tuple[str, str, str | None], Grants] = {}
_cached_for: list[tuple[int, int]] = [(-1, 0)]


def of(user_id: str, app_context: str, store_id: str | None, revision: int) -> Grants:
    """The grants of a user in a context and store as they stand at `revision`."""
    place = (revision, id(database.obj))
    if _cached_for[0] != place or len(_cache) > _LIMIT:
        _cache.clear()
        _cached_for[0] = place
    key = (user_id, app_context, store_id)
    found = _cache.get(key)
    if found is None:
        found = _cache[key] = read(user_id, app_context, store_id)
    return found


def read(user_id: str, app_context: str, store_id: str | None) -> Grants:
    """The same, from the database."""
    rows = database.obj.fetch(_HELD, (user_id, app_context, store_id))
    scope = app_context + ":"
    return Grants(
        tuple(sorted({role for role, _ in rows})),
        frozenset(p for _, p in rows if p is not None and p.startswith(scope)),
    )


def everywhere(user_id: str) -> dict[Place, frozenset[str]]:
    """What a user's roles give, place by place."""
    found: dict[Place, set[str]] = {}
    for scope, store_id, permission in database.obj.fetch(_EVERYWHERE, (user_id,)):
        if permission.startswith(scope + ":"):
            found.setdefault((scope, store_id), set()).add(permission)
    return {place: frozenset(held) for place, held in found.items()}


def holds(user_id: str, permission: str, store_id: str | None) -> bool:
    """Whether a user who can sign in holds a permission in a store (None: at the headquarters). Asks the database.

    A super admin holds every one; an account that is off or not there holds none.
    """
    account = database.obj.fetch(_ACCOUNT, (user_id,))
    if not account or not account[0][0]:
        return False
    return bool(account[0][1]) or permission in read(user_id, permission.partition(":")[0], store_id).permissions
