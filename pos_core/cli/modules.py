"""`pos modules` and `pos routes`: what is installed, what of it is on and why, and what it offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from pos_core.cli.main import load_config, open_kernel
from pos_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.kernel import Kernel
    from pos_core.plugins import Module


@click.group(name="modules", invoke_without_command=True)
@click.option("--permissions", is_flag=True, help="List the permissions that the modules bring instead.")
@click.option("--allowlist", is_flag=True, help="Write what is installed as modules.allow for pos.toml instead.")
@click.option("--why", is_flag=True, help="Say what decides each state, who switched it, and how its handlers do.")
@click.option("--store", help="What holds in this store (its code or id) instead of in the business.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def modules(
    context: click.Context, permissions: bool, allowlist: bool, why: bool, store: str | None, as_json: bool
) -> None:
    """List the installed modules: version, whether they are on, what they need, why one was set aside."""
    if context.invoked_subcommand is not None:
        return
    if allowlist:
        _allowlist()
        return
    if permissions:
        with open_kernel(context, require_instance=False) as kernel:
            _permissions(kernel, as_json)
        return
    shown = _listed(context, store)
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
    if why:
        _explain(shown)


def _listed(context: click.Context, store: str | None) -> list[dict[str, Any]]:
    """The modules as the database has them switched; where it cannot be asked, as they are installed."""
    from pos_core.installer import checks
    from pos_core.plugins import StartError

    try:
        checks.require_shop(load_config(context))
        with open_kernel(context) as kernel:
            return _switched(kernel, store)
    except StartError as error:
        if store is not None:
            raise
        click.echo(f"Switches are not shown: {error}", err=True)
    with open_kernel(context, require_instance=False) as kernel:
        return [_module(kernel, module) for module in kernel.modules]


def _switched(kernel: Kernel, store: str | None) -> list[dict[str, Any]]:
    from pos_core.registry.queries import get_handlers

    ctx = kernel.system_context("pos modules")
    place = store_of(ctx, store)
    found, cursor = ctx.query("module:list", store_id=place, limit=200, cursor=None)
    while cursor is not None:
        more, cursor = ctx.query("module:list", store_id=place, limit=200, cursor=cursor)
        found += more
    places = {entry.id: entry.code for entry in kernel.stores.all(ctx.revision)}
    for one in found:
        one["state"] = one["state"].replace("_", " ")
        one["handlers"] = get_handlers(ctx, one["name"])
        for apart in one["stores"]:
            apart["store"] = places.get(apart["store_id"], "?")
    order = {module.name: place for place, module in enumerate(kernel.modules)}
    return sorted(found, key=lambda one: order.get(one["name"], len(order)))


def store_of(ctx: Context, given: str | None) -> str | None:
    """The id of a store that was named by its code or id; click.UsageError where there is none."""
    if given is None:
        return None
    for entry in ctx.kernel.stores.all(ctx.revision):
        if given in (entry.code, entry.id):
            return entry.id
    raise click.UsageError(f"there is no store {given}")


_DECIDED = {
    "core": "core, always on", "configuration": "modules.disabled in the configuration", "default": "as installed",
    "dependency": "something that it needs is off", "error": "its error", "switch": "switched",
}  # fmt: skip


def _explain(shown: list[dict[str, Any]]) -> None:
    for one in shown:
        decided = one.get("decided_by")
        if decided is None:
            continue
        said = _DECIDED[decided]
        if decided == "switch":
            said += f" {one['switched_at']} by {one['switched_by']}"
        click.echo(f"\n{one['name']}: {one['state']} ({said})")
        for apart in one["stores"]:
            on = "on" if apart["enabled"] else "off"
            click.echo(f"  in store {apart['store']}: {on}, {apart['at']} by {apart['actor_name']}")
        if one["dependants"]:
            click.echo(f"  needed by {', '.join(one['dependants'])}")
        for handler in one["handlers"]:
            said = f"{handler['calls']} calls, {handler['mean_ms']} ms each, {handler['max_ms']} ms at most"
            said += f", {handler['failures']} failures: {handler['last_error']}" if handler["failures"] else ""
            said += ", SUSPENDED" if handler["quarantined"] else ""
            click.echo(f"  {handler['hook']} {handler['handler']}: {said}")


def _module(kernel: Kernel, module: Module) -> dict[str, Any]:
    on = kernel.registry.enabled(module.name, None)
    manifest = module.manifest
    return {
        "name": module.name, "version": manifest.version if manifest else "?",
        "state": "set aside" if module.error else "on" if on else "off", "distribution": module.distribution,
        "title": manifest.title if manifest else "", "depends": list(manifest.depends) if manifest else [],
        "error": module.error,
    }  # fmt: skip


_PLACE = click.option("--store", help="In this store only (its code or id).")
_REASON = click.option("--reason", help="A reason code; `GET /reasons?action=module:disable` lists them.")
_NOTE = click.option("--note", help="In your own words.")
_DRY = click.option("--dry-run", is_flag=True, help="Tell what would happen and do nothing.")
_ALONG = click.option("--cascade", is_flag=True, help="Take along what it needs (on) or what needs it (off).")


@modules.command(name="enable")
@click.argument("name")
@_PLACE
@_REASON
@_NOTE
@_DRY
@_ALONG
@click.pass_context
def enable(context: click.Context, name: str, **given: Any) -> None:
    """Switch a module on, for the business or in one store; servers notice by their next request."""
    _switch(context, "module:enable", name, given)


@modules.command(name="disable")
@click.argument("name")
@_PLACE
@_REASON
@_NOTE
@_DRY
@_ALONG
@click.pass_context
def disable(context: click.Context, name: str, **given: Any) -> None:
    """Switch a module off, for the business or in one store; its data is kept."""
    _switch(context, "module:disable", name, given)


def _switch(context: click.Context, action: str, name: str, given: Mapping[str, Any]) -> None:
    with open_kernel(context) as kernel:
        ctx = kernel.system_context("pos modules")
        told = ctx.perform(action, {
            "module": name, "store_id": store_of(ctx, given["store"]), "cascade": given["cascade"],
            "dry_run": given["dry_run"], "reason": given["reason"], "reason_note": given["note"],
        }).data  # fmt: skip
    for work in told["open_work"]:
        click.echo(f"{work['title']} ({work['module']}): {work['count']}")
        for item in work["items"][:10]:
            click.echo(f"  {item['label']}")
    for kind, names in (told["quiet"] or {}).items():
        if names:
            click.echo(f"{'would go quiet' if told['dry_run'] else 'quiet now'}: {kind}: {', '.join(names)}")
    word = "on" if told["enabled"] else "off"
    if not told["changed"]:
        click.echo(f"{name} is {word} there already: nothing to do.")
    else:
        click.echo(f"{'Would be' if told['dry_run'] else 'Now'} {word}: {', '.join(told['changed'])}")


def _allowlist() -> None:
    from pos_core.registry.allowlist import installed

    for name, version, sha256 in installed():
        click.echo(f'[[modules.allow]]\ndistribution = "{name}"\nversion = "{version}"')
        click.echo(f'sha256 = "{sha256}"\n' if sha256 else "# sha256: installed editable, nothing to hold it against\n")


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


@modules.command(name="purge")
@click.argument("name")
@_REASON
@_NOTE
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def purge(context: click.Context, name: str, reason: str | None, note: str | None, yes: bool) -> None:
    """Export the data of a module that is off, then drop it; refuses while a server runs here.

    Nothing is dropped that other tables refer to, nor anything of the core.
    """
    from pos_core.http.lock import ServerLock
    from pos_core.registry import purging

    lock = ServerLock(load_config(context).data_dir)
    lock.acquire("purge")
    try:
        with open_kernel(context) as kernel:
            ctx = kernel.system_context("pos modules purge")
            planned = purging.plan(ctx, name)
            if not planned.tables:
                click.echo(f"{name} has no tables: nothing to do.")
                return
            written = purging.export(ctx, planned)
            click.echo(f"{written.rows} rows of {', '.join(planned.tables)} are in {written.path}")
            if not yes:
                click.confirm("Drop them from the database?", abort=True)
            ctx.perform("module:purge", {
                "module": name, "tables": planned.tables, "rows": written.rows, "file": written.path.name,
                "sha256": written.sha256, "reason": reason, "reason_note": note,
            })  # fmt: skip
            purging.drop(kernel.db, planned)
        click.echo(f"The data of {name} is gone from the database.")
    finally:
        lock.release()
