"""The page of who may use which route: every route by every role that a business begins with."""

from __future__ import annotations

from collections.abc import Iterable

from pos_core.documentation.markdown import code, page, table
from pos_core.http.routes import Door
from pos_core.kernel import Kernel

#: The application contexts, and what a person who signs in with one reaches.
CONTEXTS = {
    "hq": "Headquarters: the whole business", "store": "Back office: one store",
    "pos": "Till: one store, on an enrolled device",
}  # fmt: skip
YES = "yes"

_INTRO = """\
Which route each role template opens from the first run on, route by route. A `yes` stands where the role holds one of
the permissions that the route names; everything else is denied. `public` routes need no role: they belong to whoever
signs in, or to the own account. Where a field, an approval or a business rule says more, it does so behind this door.
[Permissions](permissions.md) says what each permission is for.

The test `tests/authorisation/test_matrix.py` asks every route as every role on both databases, and fails when the
server does anything else than this page and the rules below say."""

_STATES = (
    ("signed in at the own store, or at the headquarters with a role of it", "as the tables say",
     "403 `permission_denied` where there is no `yes`; a denied write leaves its audit entry and nothing else"),
    ("an id of another store, in path, body or filter", "404 `not_found`",
     "exactly as for an id that nobody ever made; the headquarters reaches every store"),
    ("a store's or a till's role at another store, or at the headquarters", "no sign-in",
     "a role counts where it is held, and in its own context only"),
    ("no token, a changed one, one of other keys", "401", "public routes are answered"),
    ("an expired or ended session", "401", "at the next request"),
    ("a user who was switched off, a role that was taken away", "401, or 403", "at the next request"),
    ("a blocked device; a till of another store", "401, no sign-in", "at the next request"),
)  # fmt: skip


def authorisation(kernel: Kernel, doors: Iterable[Door]) -> str:
    """The page; `doors` are those of the running modules."""
    ordered = sorted(doors, key=lambda d: (d.route.path, d.route.method))
    held = held_by_role(kernel)
    parts = ["## Whatever the role\n\n" + table(("Who asks", "Answer", "And"), _STATES)]
    for scope, title in CONTEXTS.items():
        roles = sorted(role for role, codes in held.items() if any(p.startswith(f"{scope}:") for p in codes))
        rows = [_row(door, scope, [held[role] for role in roles]) for door in ordered if _reached(door, scope)]
        parts.append(f"## {title}\n\n" + table(("Route", "Permission", *roles), rows))
    public = [(code(_name(door)), door.does.summary) for door in ordered if door.does.public]
    parts.append("## Public\n\n" + table(("Route", "What it does"), public))
    return page("Who may use which route", _INTRO, *parts)


def held_by_role(kernel: Kernel) -> dict[str, frozenset[str]]:
    """The permissions of each role template, as the running modules declare them."""
    found: dict[str, set[str]] = {}
    for permission in kernel.permissions().values():
        for role in permission.roles:
            found.setdefault(role, set()).add(permission.code)
    return {role: frozenset(codes) for role, codes in found.items()}


def _reached(door: Door, scope: str) -> bool:
    return not door.does.public and any(p.startswith(scope + ":") for p in door.permissions)


def _row(door: Door, scope: str, held: Iterable[frozenset[str]]) -> tuple[str, ...]:
    own = [p for p in door.permissions if p.startswith(scope + ":")]
    opens = (YES if not permissions.isdisjoint(own) else "" for permissions in held)
    return (code(_name(door)), " or ".join(code(p) for p in own), *opens)


def _name(door: Door) -> str:
    return f"{door.route.method} {door.route.path}"
