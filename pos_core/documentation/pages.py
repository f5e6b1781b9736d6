"""The generated pages, each a function of the kernel (and of the checkout, where it lists tests)."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from pos_core import hookspecs
from pos_core.actions import Action, Query
from pos_core.documentation import authorisation, modules, requirements
from pos_core.documentation.fields import fields
from pos_core.documentation.markdown import code, codes, page, table
from pos_core.documentation.permissions import permissions
from pos_core.documentation.security import security_events
from pos_core.documentation.source import emitted, test_files
from pos_core.errors import CLIENT_CLASS
from pos_core.http import routes
from pos_core.http.catalogue import error_codes
from pos_core.http.problems import STATUS
from pos_core.http.routes import PREFIX, Door
from pos_core.kernel import Kernel
from pos_core.manifest import Setting
from pos_core.plugins import Module


def all_pages(kernel: Kernel, root: Path) -> dict[str, str]:
    """File name and text of every generated page. `root` is the checkout whose tests are listed; without tests there
    is no page of requirements. StartError when routes are not as they must be; MarkError for a mark that hides its id.
    """
    doors = routes.collect(kernel)
    made = {
        "hooks.md": hooks(kernel), "errors.md": errors(kernel), "permissions.md": permissions(kernel),
        "settings.md": settings(kernel), "actions.md": actions(kernel, doors), "api.md": api(kernel, doors),
        "authorisation.md": authorisation.authorisation(kernel, doors), "fields.md": fields(kernel, doors),
        "security-events.md": security_events(kernel), "modules.md": modules.modules(kernel),
    }  # fmt: skip
    if test_files(root):
        made["requirements.md"] = requirements.requirements(root)
    return made


# -- hooks -------------------------------------------------------------------------------------------------------------


def hook_specifications(kernel: Kernel) -> list[tuple[str, str, Any]]:
    """(owner, name, function) of every hook: the core's in the order of their file, then those of modules."""
    sources: list[tuple[str, Any]] = [("pos_core", hookspecs)]
    sources += [(m.name, getattr(m.plugin, "HOOKSPECS", None)) for m in kernel.running()]
    found = []
    for owner, source in sources:
        for name, value in vars(source).items() if source is not None else ():
            if callable(value) and hasattr(value, f"{hookspecs.PROJECT}_spec"):
                found.append((owner, name, value))
    return found


def hooks(kernel: Kernel) -> str:
    """The page of hooks: signature, docstring and implementers of each."""
    parts = []
    for owner, name, function in hook_specifications(kernel):
        caller = getattr(kernel.manager.hook, name)
        implementers = sorted(impl.plugin_name for impl in caller.get_hookimpls())
        parts.append("\n\n".join((
            f"## {name}",
            f"```python\ndef {name}{_signature(function)}\n```",
            inspect.getdoc(function) or "",
            f"Specified by {code(owner)}. Implemented by {codes(implementers) or 'no installed module'}.",
        )))  # fmt: skip
    intro = (
        "A module implements a hook by a function of the same name in its `plugin.py`, marked with `@hookimpl`, with "
        "as many of the arguments as it needs. Wrappers are refused. A hook of a module that is off is not called."
    )
    return page("Hooks", intro, *parts)


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    shown = [p.name if p.annotation is p.empty else f"{p.name}: {_annotation(p.annotation)}"
             for p in signature.parameters.values() if p.name != "self"]
    answer = "None" if signature.return_annotation is signature.empty else _annotation(signature.return_annotation)
    return f"({', '.join(shown)}) -> {answer}"


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


# -- errors, permissions, settings -------------------------------------------------------------------------------------


def errors(kernel: Kernel) -> str:
    """The page of error codes."""
    rows = [
        (code(e.code), str(STATUS[e.kind]), CLIENT_CLASS[e.kind], e.en, e.es, e.cure) for e in error_codes(kernel)
    ]  # fmt: skip
    intro = (
        "Every error answers an RFC 9457 problem with one of these codes; a running server shows them at "
        "`/docs/errors`. A code never changes its meaning. The class says what reaction fits: `user_can_correct` "
        "(show it at the field), `not_permitted` (somebody else may), `conflict` (read again), `system_fault` (try "
        "again later or call support). Words in braces are filled in."
    )
    return page("Error codes", intro, table(("Code", "Status", "Class", "English", "Spanish", "What to do"), rows))


def settings(kernel: Kernel) -> str:
    """The page of business settings."""
    parts = []
    for module in kernel.running():
        if module.manifest and module.manifest.settings:
            rows = [
                (code(s.key), s.description, _kind(s), code(str(s.default)) or "empty",
                 "yes" if s.per_store else "no", code(s.permission))
                for s in sorted(module.manifest.settings, key=lambda s: s.key)
            ]  # fmt: skip
            heads = ("Setting", "Meaning", "Kind", "Default", "Per store", "Changed with")
            parts.append(f"## {_heading(module)}\n\n{table(heads, rows)}")
    intro = (
        "Business settings are kept in the database and changed by the audited action `setting:change`. Where a "
        "setting holds per store, a store may differ from the business."
    )
    return page("Settings", intro, *parts)


def _kind(setting: Setting) -> str:
    if setting.choices:
        return "one of " + codes(setting.choices)
    low, high = setting.minimum, setting.maximum
    if setting.kind == "text":
        return f"text, up to {high} characters" if high is not None else "text"
    bounds = [f"from {low}"] if low is not None else []
    bounds += [f"to {high}"] if high is not None else []
    return " ".join((setting.kind, *bounds))


def _heading(module: Module) -> str:
    title = module.manifest.title if module.manifest else ""
    return f"{module.name}: {title}" if title else module.name


# -- actions and routes ------------------------------------------------------------------------------------------------


def actions(kernel: Kernel, doors: Iterable[Door]) -> str:
    """The page of actions, queries, rules and events, module by module."""
    places = {d.does.name: f"{d.route.method} {PREFIX}{d.route.path}" for d in doors}
    intro = (
        "What modules offer to each other: `ctx.perform(\"entity:verb\", command)` runs an action, inside another one "
        "as a part of its transaction; `ctx.query(\"entity:what\", ...)` reads; `@before` and `@after` add rules; "
        "`on_event` hears of events after their commit. A field with `?` may be left out."
    )
    parts = [_module_part(kernel, module, places) for module in kernel.running()]
    return page("Actions, queries, rules and events", intro, *parts)


def _module_part(kernel: Kernel, module: Module, places: dict[str, str]) -> str:
    manifest = module.manifest
    needs = f" Needs {codes(manifest.depends)}." if manifest and manifest.depends else ""
    parts = [f"## {_heading(module)}", f"Distribution {code(module.distribution)}.{needs}"]
    done = [_action_row(a, places) for a in kernel.actions() if a.module == module.name]
    asked = [_query_row(q, places) for q in kernel.queries() if q.module == module.name]
    rules = [r for r in kernel.rules() if r.module == module.name]
    ruled = [
        (code(r.action), r.stage, str(r.priority), code(r.function.__name__), _first(r.function))
        for r in sorted(rules, key=lambda r: (r.action, r.stage != "before", r.order))
    ]
    heads = ("What it does", "Permission", "Route")
    parts += [table(("Action", "Command", *heads), done), table(("Query", "Arguments", *heads), asked)]
    parts.append(table(("Rule of", "Stage", "Priority", "Function", "What it does"), ruled))
    if events := events_of(module):
        parts.append("Events: " + codes(events) + ".")
    return "\n\n".join(part for part in parts if part)


def _action_row(one: Action, places: dict[str, str]) -> tuple[str, ...]:
    return (code(one.name), code(_fields(one.command)), one.summary, _permission(one), code(places.get(one.name, "")))


def _query_row(one: Query, places: dict[str, str]) -> tuple[str, ...]:
    given = list(inspect.signature(one.function).parameters.values())[1:]
    arguments = ", ".join(p.name if p.default is p.empty else f"{p.name}?" for p in given if p.kind != p.VAR_KEYWORD)
    return (code(one.name), code(arguments), one.summary, _permission(one), code(places.get(one.name, "")))


def _permission(one: Action | Query) -> str:
    if one.public:
        return "public"
    return codes(one.permissions, " or ") or "none: other modules only"


def _fields(model: type[BaseModel]) -> str:
    return ", ".join(name if field.is_required() else f"{name}?" for name, field in model.model_fields.items())


def _first(function: Any) -> str:
    return (inspect.getdoc(function) or "").partition("\n\n")[0]


def events_of(module: Module) -> list[str]:
    """The events that the files of a module's package emit."""
    found: set[str] = set()
    for file in _files(module.plugin):
        found |= emitted(file)
    return sorted(found)


def _files(plugin: ModuleType | None) -> list[Path]:
    if plugin is None or not plugin.__file__:
        return []
    path = Path(plugin.__file__)
    return sorted(path.parent.glob("*.py")) if path.stem == "plugin" else [path]


def api(kernel: Kernel, doors: Iterable[Door]) -> str:
    """The page of routes, module by module."""
    by_module: dict[str, list[Door]] = {}
    for door in sorted(doors, key=lambda d: (d.route.path, d.route.method)):
        by_module.setdefault(door.module, []).append(door)
    parts = []
    for module in kernel.running():
        if module.name in by_module:
            heads = ("Route", "Operation", "What it does", "Permission", "Answer")
            rows = [_door_row(door) for door in by_module[module.name]]
            parts.append(f"## {_heading(module)}\n\n{table(heads, rows)}")
    return page("The HTTP API", _API_INTRO, *parts)


def _door_row(door: Door) -> tuple[str, ...]:
    route = door.route
    permission = "public" if door.does.public else codes(door.permissions, " or ")
    answer = " or ".join(code(kind) for kind in (route.answer.__name__ if route.answer else "", route.media) if kind)
    many = "page of " if route.paged else "list of " if route.listed else ""
    version = ", If-Match" if route.edits else ""
    return (code(f"{route.method} {route.path}"), code(door.operation_id), door.does.summary, permission,
            f"{door.status} {many}{answer}{version}")


_API_INTRO = f"""\
All paths lie under `{PREFIX}`. A running server describes itself in OpenAPI 3.1 at `/openapi.json` and shows that at
`/docs`, without a network. `/health/live` and `/health/ready` tell whether the process and its database answer.

- **Signing in.** `POST {PREFIX}/auth/login` gives tokens for one context (`hq`, `store` or `pos`; `sessions.md` tells
  how they are refreshed and how sessions end); send the access token as `Authorization: Bearer <token>`.
  A route names a permission per context that may use it; any one suffices.
- **Answers.** `{{"data": ..., "meta": {{"request_id": ...}}}}`. A page adds `meta.next_cursor`: send it as `cursor` for
  the next page, until it is null.
- **Errors.** `application/problem+json` (RFC 9457) with `code`, `class`, `errors` (everything wrong at once, each with
  its path) and `request_id`; see [the codes](errors.md). `Accept-Language: es` gives Spanish.
- **Repeating.** Send `Idempotency-Key` with whatever changes something; the same key and body again gives the same
  answer and `Idempotent-Replayed: true`, the same key with another body is refused.
- **Editing.** Routes marked If-Match need the `ETag` of the last read; 412 says that somebody was faster.
- **Units.** Amounts are integers in minor units, quantities decimal text, rates basis points as text (`"825"` is
  8.25 %), times ISO 8601 with an offset, ids UUIDv7 made by the client where the client creates the thing."""
