"""`pos modules` and `pos routes`: what is installed and what it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pos_core.cli.main import open_kernel
from pos_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from pos_core.kernel import Kernel
    from pos_core.plugins import Module


@click.command(name="modules")
@click.option("--permissions", is_flag=True, help="List the permissions that the modules bring instead.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def modules(context: click.Context, permissions: bool, as_json: bool) -> None:
    """List the installed modules: version, whether they are on, what they need, why one was set aside."""
    with open_kernel(context, require_instance=False) as kernel:
        if permissions:
            _permissions(kernel, as_json)
            return
        shown = [_module(kernel, module) for module in kernel.modules]
    if as_json:
        print_json(shown)
        return
    print_table(
        ("Module", "Version", "State", "Distribution", "Title", "Needs"),
        [(m["name"], m["version"], m["state"], m["distribution"], m["title"], ", ".join(m["depends"])) for m in shown],
    )
    for module in shown:
        if module["error"]:
            click.echo(f"{module['name']} was set aside: {module['error']}", err=True)


def _module(kernel: Kernel, module: Module) -> dict[str, Any]:
    on = kernel.registry.enabled(module.name, None)
    manifest = module.manifest
    return {
        "name": module.name, "version": manifest.version if manifest else "?",
        "state": "set aside" if module.error else "on" if on else "off", "distribution": module.distribution,
        "title": manifest.title if manifest else "", "depends": list(manifest.depends) if manifest else [],
        "error": module.error,
    }  # fmt: skip


def _permissions(kernel: Kernel, as_json: bool) -> None:
    shown: list[dict[str, Any]] = [
        {"code": p.code, "module": module.name, "description": p.description, "roles": list(p.roles)}
        for module in kernel.running() if module.manifest for p in module.manifest.permissions
    ]  # fmt: skip
    shown.sort(key=lambda p: p["code"])
    if as_json:
        print_json(shown)
        return
    print_table(
        ("Permission", "Module", "Roles from the first run on", "What it lets one do"),
        [(p["code"], p["module"], ", ".join(p["roles"]), p["description"]) for p in shown],
    )


@click.command(name="routes")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def routes(context: click.Context, as_json: bool) -> None:
    """List every route: method, path, operation, who may use it, and the module that brings it."""
    from pos_core.http.routes import PREFIX, collect

    with open_kernel(context, require_instance=False) as kernel:
        doors = sorted(collect(kernel), key=lambda door: (door.route.path, door.route.method))
    shown = [
        {"method": door.route.method, "path": PREFIX + door.route.path, "operation": door.does.name,
         "permissions": list(door.permissions), "public": door.does.public, "module": door.module}
        for door in doors
    ]  # fmt: skip
    if as_json:
        print_json(shown)
        return
    print_table(
        ("Method", "Path", "Operation", "Permission (any of)", "Module"),
        [
            (door.route.method, PREFIX + door.route.path, door.does.name,
             ", ".join(door.permissions) or "(public)", door.module)
            for door in doors
        ],
    )  # fmt: skip
