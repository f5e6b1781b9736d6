"""core.credentials: how often somebody may try to sign in, which passwords are taken, and PINs."""

from __future__ import annotations

import logging
from typing import Any

from pos_core import __version__
from pos_core.auth.credentials import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission, Setting

log = logging.getLogger("pos.auth")

SETTINGS = (
    Setting("sign_in.attempts_per_name", "int", 5,
            "Failed tries of one name within the window before it has to wait.", minimum=1, maximum=1000,
            per_store=False),
    Setting("sign_in.attempts_per_address", "int", 20,
            "Failed tries from one network address within the window before it has to wait. What succeeded does not "
            "count: a shop signs in all its tills from one address.", minimum=1, maximum=10_000, per_store=False),
    Setting("sign_in.window_minutes", "int", 15, "How long a failed try counts.", minimum=1, maximum=1440,
            per_store=False),
    Setting("sign_in.lock_after", "int", 5, "Failed tries within the window that lock the name.", minimum=1,
            maximum=1000, per_store=False),
    Setting("sign_in.lock_minutes", "int", 30, "How long a name stays locked.", minimum=1, maximum=1440,
            per_store=False),
    Setting("password.minimum_length", "int", 10, "The fewest characters of a new password.", minimum=8, maximum=64,
            per_store=False),
    Setting("password.complexity", "text", "",
            "Kinds of characters that a new password must hold: lower, upper, digit, sign, separated by commas. Empty "
            "asks for none: length protects better.", maximum=40, per_store=False),
    Setting("pin.minimum_digits", "int", 4, "The fewest digits of a new PIN.", minimum=4, maximum=8, per_store=False),
    Setting("pin.maximum_digits", "int", 8, "The most digits of a new PIN.", minimum=4, maximum=8, per_store=False),
)  # fmt: skip

MANIFEST = Manifest(
    name="core.credentials",
    version=__version__,
    title="Passwords, PINs and how often one may try",
    depends=("core.auth", "core.rbac", "core.settings", "core.stores"),
    roots=("/auth", "/me"),
    permissions=(
        Permission("hq:credentials.manage", "Unlock accounts, give PINs and remove second factors", ("admin",)),
        Permission("store:credentials.manage", "Unlock the store's tills' accounts and give them PINs",
                   ("store_manager",)),
    ),
    settings=SETTINGS,
)  # fmt: skip


@hookimpl
def kernel_started(kernel: Any) -> None:
    log.info("attempts are counted", extra={"counters": type(kernel.counters).__name__})


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
