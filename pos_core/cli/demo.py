"""`pos demo`: a shop to try, from nothing to serving in one command; and what a newcomer needs to sign in to it.

A demonstration shop keeps its sign-ins in `<data directory>/demo/` (mode 0700), so that the printed commands work
when pasted and after a restart. No other shop has that folder: `pos init` shows a password once and keeps its hash.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pos_core.cli.main import options_of
from pos_core.cli.setup import set_up, shop_options

if TYPE_CHECKING:
    from pos_core.config.loader import Config
    from pos_core.context import Context
    from pos_core.installer.setup import FirstRun
    from pos_core.kernel import Kernel

CASHIER = "cashier"
_SETTINGS = '\n[log]\nformat = "text"\n'
_UNFINISHED = "loading"


def directory(config: Config) -> Path:
    """Where a demonstration shop keeps what is needed to sign in."""
    return config.data_dir / "demo"


@click.command(name="demo")
@click.option("--empty", is_flag=True, help="A shop without data: no products, no customers, no cashier.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(0, 64), help="Processes; 0: one on SQLite, one per core on PostgreSQL.")
@click.option("--threads", type=click.IntRange(1, 64), help="Requests at a time in each process.")
@shop_options
@click.pass_context
def demo(
    context: click.Context, empty: bool, host: str | None, port: int | None, workers: int | None, threads: int | None,
    **choices: Any,
) -> None:
    """Start a demonstration shop: set it up the first time, say how to sign in, and serve it.

    Later starts are quick and keep everything.
    """
    from pos_core.cli import serving
    from pos_core.cli.main import load_config

    config, first = set_up(context, {**choices, "admin_must_change": empty}, _SETTINGS)
    _refuse_unfinished(config)
    if first.admin_password is not None and not empty:
        load(first, config)
    greeting = _greeting(context, first, config)
    given = {"host": host, "port": port, "workers": workers, "threads": threads}
    overrides = {"http": {name: value for name, value in given.items() if value is not None}}
    config = load_config(context, overrides)
    sys.exit(serving.run(context, config, overrides, lambda url: click.echo(greeting.replace("{url}", url))))


def load(first: FirstRun, config: Config) -> None:
    """Fill a new shop: the modules' demonstration data, a cashier, and a till at the first register."""
    kernel = first.kernel
    place = directory(config)
    place.mkdir(mode=0o700)
    (place / _UNFINISHED).touch(mode=0o600)
    with kernel.db.in_use():
        ctx = kernel.system_context("demo")
        store = ctx.query("store:list")[0][0]
        _load_modules(kernel, ctx, store["id"])
        cashier = _cashier(ctx, store["id"])
    from pos_core.installer import checks

    checks.close(kernel.db)
    _write(place / "admin-login.json",
           {"username": first.admin_username, "password": first.admin_password, "app_context": "hq"})  # fmt: skip
    _write(place / "cashier-login.json", cashier)
    (place / _UNFINISHED).unlink()


def _load_modules(kernel: Kernel, ctx: Context, store_id: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    handlers = kernel.handlers("load_demo", store_id)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("demonstration data", total=len(handlers))
        for handler in handlers:
            progress.update(task, description=f"demonstration data: {handler.module}")
            handler.call({"ctx": ctx})
            progress.advance(task)


def _cashier(ctx: Context, store_id: str) -> dict[str, Any]:
    """Make a cashier and enrol a till at the store's first register; returns what POST /auth/login takes."""
    from pydantic import SecretStr

    from pos_core.auth import passwords
    from pos_core.rbac.schemas import AssignRole, CreateUser
    from pos_core.stores.schemas import EnrolDevice

    password = passwords.generate()  # given, so that the printed sign-in goes on working as it is
    person = CreateUser(username=CASHIER, full_name="Demo cashier", password=SecretStr(password))
    made = ctx.perform("user:create", person).data
    ctx.perform("user:assign", AssignRole(user_id=made["id"], role="cashier", store_id=store_id))
    register = ctx.query("register:list", store_id=store_id)[0][0]
    enrol = EnrolDevice(store_id=store_id, register_id=register["id"], name=f"Demo till {register['code']}")
    device = ctx.perform("device:enrol", enrol).data
    return {
        "username": CASHIER, "password": password, "app_context": "pos", "delivery": "body",
        "device": {"id": device["id"], "key": device["key"]},
    }  # fmt: skip


def _write(path: Path, content: Mapping[str, Any]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


def _refuse_unfinished(config: Config) -> None:
    from pos_core.plugins import StartError

    if (directory(config) / _UNFINISHED).exists():
        raise StartError(f"loading the demonstration data was interrupted: remove {config.data_dir} (and its database, "
                         "if that is on PostgreSQL) and start again")  # fmt: skip


def _greeting(context: click.Context, first: FirstRun, config: Config) -> str:
    """What to say when the shop serves; `{url}` stands for its address. Secrets only at the first start."""
    data_dir = shlex.quote(_short(options_of(context).data_dir))
    lines = ["", f"{first.kernel.instance_name} is open: {{url}}   API documentation: {{url}}/docs", ""]
    if first.admin_password is not None:
        lines += [
            "Sign-ins, shown this once:",
            f"  administrator  {first.admin_username} / {first.admin_password}   (app_context hq)",
        ]
    if not directory(config).exists():
        lines += ["", "Try next, in another terminal:", f"  pos --data-dir {data_dir} doctor",
                  f"  pos --data-dir {data_dir} routes", "  curl -s {url}/health/ready"]  # fmt: skip
        return "\n".join([*lines, "", "Ctrl-C stops the server.", ""])
    login = directory(config) / "cashier-login.json"
    if first.admin_password is not None:
        cashier = json.loads(login.read_text("utf-8"))
        lines += [
            f"  cashier        {cashier['username']} / {cashier['password']}   (app_context pos)",
            f"  till           device id {cashier['device']['id']}, key {cashier['device']['key']}",
        ]
    lines += [f"Kept for the demonstration in {_short(directory(config))}/.", ""]
    lines += ["Try next, in another terminal:", *_commands(first.kernel, _short(login))]
    return "\n".join([*lines, "", "Ctrl-C stops the server.", ""])


def _short(path: Path) -> str:
    """The path as one would type it here: relative inside the current directory, absolute elsewhere."""
    here, there = Path.cwd(), path.absolute()
    return str(there.relative_to(here)) if there.is_relative_to(here) else str(there)


def _commands(kernel: Kernel, login: str) -> list[str]:
    """Commands to paste: sign in at the till, open its drawer, sell something."""
    json_type = "-H 'Content-Type: application/json'"
    token = "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"data\"][\"access_token\"])'"
    bearer = '-H "Authorization: Bearer $TOKEN"'
    lines = [
        f"  TOKEN=$(curl -s {{url}}/api/v1/auth/login {json_type} -d @{shlex.quote(login)} | {token})",
        f"  curl -s {{url}}/api/v1/register-sessions {bearer} {json_type} -d '{{\"float_minor\": 10000}}'",
    ]  # fmt: skip
    sale = _sale(kernel)
    if sale is not None:
        lines.append(f"  curl -s {{url}}/api/v1/sales {bearer} {json_type} -d '{sale}'")
    return lines


def _sale(kernel: Kernel) -> str | None:
    """The body of a sale of one product that the shop has; None where no module sells."""
    from pos_core.ids import uuid7
    from pos_core.installer import checks

    with kernel.db.in_use():
        ctx = kernel.system_context("demo")
        if not (ctx.has("sale:complete") and ctx.has("product:list")):
            return None
        found = ctx.query("product:list", limit=1)[0]
    checks.close(kernel.db)
    if not found:
        return None
    return json.dumps({
        "id": uuid7(), "lines": [{"sku": found[0]["sku"], "quantity": "1"}],
        "tenders": [{"tender": "cash", "amount_minor": 100_00}],
    })  # fmt: skip
