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
    "WHERE u.user_id = ? AND r.scope = ? AND (u.store_id = ? OR (r.scope = 'hq' AND u.store_id IS NULL))",
    "uuid text uuid",
)
_LIMIT = 10_000


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
