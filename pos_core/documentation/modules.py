"""The page of modules: of each its purpose, its tables, what it leaves in the audit, who may what, its reports."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from pos_core.actions import Action
from pos_core.db.model import Table
from pos_core.documentation.markdown import code, codes, page, table
from pos_core.kernel import Kernel
from pos_core.plugins import Module
from pos_core.reporting import registry as reports

INTRO = (
    "Each module's purpose, needs, tables, audit, permissions and reports. `pos modules` tells which are on; "
    "`pos docs --module NAME` prints the part of one module, a pack's own too."
)


def modules(kernel: Kernel) -> str:
    """The page of all modules."""
    return page("Modules", INTRO, *(module_part(kernel, module) for module in kernel.running()))


def module_part(kernel: Kernel, module: Module) -> str:
    """One module's part of the page."""
    manifest = module.manifest
    assert manifest is not None
    needs = [f"needs {codes(manifest.depends)}"] if manifest.depends else []
    needs += [f"uses {codes(manifest.extras)} where it is on"] if manifest.extras else []
    about = f"Distribution {code(module.distribution)}, version {manifest.version}, core_api {code(manifest.core_api)}"
    parts = [
        f"## {module.name}: {manifest.title}",
        _purpose(module),
        f"{'; '.join([about, *needs])}.",
        _part("Tables", table(("Table", "What it holds", "Guard"), _tables(kernel, module))),
        _part("Audit", table(("Action", "Entity", "Beside the fact"), _audit(kernel, module))),
        _part("Permissions", table(("Permission", "What it lets one do", "Roles from the first run on"),
              [(code(p.code), p.description, ", ".join(p.roles)) for p in manifest.permissions])),
        _part("Settings", table(("Setting", "What it does", "Default"),
              [(code(s.key), s.description, code(str(s.default))) for s in manifest.settings])),
        _part("Reports", table(("Report", "Title", "Columns"), _reports(kernel, module))),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _part(title: str, body: str) -> str:
    return f"### {title}\n\n{body}" if body else ""


def _purpose(module: Module) -> str:
    text = inspect.getdoc(module.plugin) or ""
    text = text.removeprefix(f"{module.name}: ")
    return text[:1].upper() + text[1:]


def tables_of(kernel: Kernel, module: Module) -> list[type[Table]]:
    """The models that a module owns: those of its package, but for packages of other modules inside it."""
    packages = {m.plugin.__package__ or "": m for m in kernel.running() if m.plugin is not None}

    def owner(model: type[Table]) -> Module | None:
        inside = [name for name in packages if model.__module__ == name or model.__module__.startswith(f"{name}.")]
        return packages[max(inside, key=len)] if inside else None

    return [model for model in kernel.models if owner(model) is module]


def _tables(kernel: Kernel, module: Module) -> Iterable[tuple[str, ...]]:
    for model in tables_of(kernel, module):
        guard = "append-only" if model.append_only else "never deleted" if model.never_deleted else ""
        yield code(model._meta.table_name), (model.__doc__ or "").strip().partition("\n")[0], guard


def _audit(kernel: Kernel, module: Module) -> Iterable[tuple[str, ...]]:
    for action in kernel.actions():
        if action.module == module.name:
            yield code(action.name), action.entity, "; ".join(_beside(action))


def _beside(action: Action) -> Iterable[str]:
    if action.personal:
        yield f"digests of {', '.join(action.personal)}"
    if action.reason:
        yield "a reason" if action.reason is True else "a reason where it needs one"
    if action.approval is not None:
        yield "approvals"
    if action.security:
        yield f"security event {action.security}"


def _reports(kernel: Kernel, module: Module) -> Iterable[tuple[str, ...]]:
    for report in reports.collect(kernel).values():
        if report.module == module.name:
            yield code(report.id), report.title_en, ", ".join(column.name for column in report.columns)
