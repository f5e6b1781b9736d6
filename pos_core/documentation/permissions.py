"""The page of permissions: the catalogue by plug and module, the first roles, and their matrix."""

from __future__ import annotations

from pos_core.actions import Action, Query
from pos_core.documentation.markdown import code, codes, page, table
from pos_core.kernel import Kernel
from pos_core.manifest import Permission
from pos_core.rbac import duties
from pos_core.rbac.catalogue import SUPER_ADMIN, TEMPLATES, level_of

_INTRO = """\
Whoever signs in does so in one context (`hq`: the headquarters, `store`: a store's back office, `pos`: a till), and a
permission counts in its own context only: what somebody may do at the headquarters gives nothing at a till. A code is
`context:submodule.action`, with the field's name behind it where it is about one field. An action with several
permissions needs any one of them; what no role grants is denied. A role is held in a store, roles of the headquarters
without one, and one person may hold several.

The tables say which of the first roles hold a permission from the first run on. Roles can be changed, copied and made
anew (`/roles`), from single permissions or whole levels (a plug, a module, a submodule). A permission that a newly
installed module brings enters the template roles that nobody has changed by hand.

Nobody hands out what they do not hold there, and nobody changes a user or a role above their own, or the own roles;
`hq:roles.delegate` lets the headquarters hand out roles of stores and tills. Attempts are security events."""


def permissions(kernel: Kernel) -> str:
    """The page of permissions, with the role templates that hold each from the first run on."""
    used = _used(kernel)
    parts = [_roles(kernel), _glance(kernel), _duties()]
    plugs: dict[str, list[str]] = {}
    for module in sorted(kernel.running(), key=lambda m: m.name):
        declared = module.manifest.permissions if module.manifest else ()
        if declared:
            title = module.manifest.title if module.manifest else ""
            rows = [_row(one, used.get(one.code, [])) for one in sorted(declared, key=lambda p: p.code)]
            heads = ("Permission", "Lets one", "First roles", "Used by")
            text = f"### {module.name}: {title}\n\n{table(heads, rows)}"
            plugs.setdefault(module.name.partition(".")[0], []).append(text)
    parts += [f"## Plug {plug}\n\n" + "\n\n".join(texts) for plug, texts in sorted(plugs.items())]
    return page("Permissions", _INTRO, *parts)


def _used(kernel: Kernel) -> dict[str, list[str]]:
    """What asks for each permission: actions, queries, and masks of fields."""
    found: dict[str, list[str]] = {}
    everything: list[Action | Query] = [*kernel.actions(), *kernel.queries()]
    for does in everything:
        for permission in does.permissions:
            found.setdefault(permission, []).append(does.name)
    for masked in kernel.masks.declared:
        for permission in (*masked.view, *masked.edit):
            found.setdefault(permission, []).append(masked.code)
    return {permission: sorted(names) for permission, names in found.items()}


def _row(one: Permission, used: list[str]) -> tuple[str, ...]:
    return (code(one.code), one.description, codes(one.roles), codes(used) or "a rule")


def _roles(kernel: Kernel) -> str:
    declared = kernel.permissions().values()
    rows = [
        (code(one.code), one.name, code(one.scope), one.description,
         "every one" if one.code == SUPER_ADMIN else str(sum(one.code in p.roles for p in declared)))
        for one in TEMPLATES
    ]  # fmt: skip
    return "## The first roles\n\n" + table(("Role", "Name", "Context", "Who that is", "Permissions"), rows)


def _glance(kernel: Kernel) -> str:
    """What each role may do with each thing, in verbs."""
    roles = [one.code for one in TEMPLATES if one.code != SUPER_ADMIN]
    cells: dict[str, dict[str, set[str]]] = {}
    for permission in kernel.permissions().values():
        level = level_of(permission.code, "")
        row = cells.setdefault(level.submodule or level.action, {})
        verb = " ".join(part for part in (level.action, level.field) if part) if level.submodule else "yes"
        for role in permission.roles:
            row.setdefault(role, set()).add(verb)
    rows = [
        (thing, *(", ".join(sorted(held.get(role, ()))) for role in roles)) for thing, held in sorted(cells.items())
    ]
    intro = "What the first roles may do with each thing. Taking out of use stands as `delete`: nothing is erased."
    return f"## The matrix\n\n{intro}\n\n" + table(("Thing", *roles), rows)


def _duties() -> str:
    rows = [(code(first), code(second)) for first, second in duties.pairs_in(duties.DEFAULT_PAIRS)]
    intro = (
        "Pairs of roles that one person should not hold, wherever it is. Giving somebody both warns, or is refused, "
        f"as the setting `{duties.MODE}` says; `{duties.PAIRS}` changes the pairs. A copy of a template counts as it."
    )
    return f"## Separation of duties\n\n{intro}\n\n" + table(("Role", "Not together with"), rows)
