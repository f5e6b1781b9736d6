"""core.security: the security log, the detectors that read it, and what they find. It cannot be switched off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pos_core import __version__, errors
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.kernel import Kernel
from pos_core.manifest import Manifest, Permission
from pos_core.plugins import StartError
from pos_core.security import evidence, kinds, own, recording, routes, sweeping
from pos_core.security.detectors import Detector

MANIFEST = Manifest(
    name="core.security",
    version=__version__,
    title="The security log and its detectors",
    depends=("core.audit", "core.settings"),
    roots=("/security",),
    permissions=(
        Permission("hq:security.view", "Read the security log and findings of all stores", ("admin", "auditor")),
        Permission("hq:security.manage", "Decide on findings, and set what detectors look for", ("admin",)),
        Permission("store:security.view", "Read the store's security log and findings", ("store_manager",)),
        Permission("store:security.manage", "Decide on the store's findings", ("store_manager",)),
    ),
    settings=own.SETTINGS,
    transitions={"finding": {"open": ("acknowledged", "dismissed"), "acknowledged": ("dismissed",),
                             "dismissed": ("acknowledged",)}},
)  # fmt: skip


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def register_detectors() -> tuple[Detector, ...]:
    return own.DETECTORS


@hookimpl
def kernel_started(kernel: Kernel) -> None:
    sweeping.known_detectors(kernel)
    unknown = undefined_kinds(kernel)
    if unknown:
        raise StartError("kinds of security events that nobody defined: " + ", ".join(unknown))


@hookimpl
def kernel_stopping(kernel: Kernel) -> None:
    if kernel.floods.holds:
        with kernel.db.in_use():
            recording.settle(kernel, None)


@hookimpl
def verify_facts(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return evidence.disagreements(ctx, entries)


def undefined_kinds(kernel: Kernel) -> list[str]:
    """What actions and error codes say they are, but no module has put into words."""
    named = {action.security for action in kernel.actions()} | {code.security for code in errors.catalogue()}
    return sorted(name for name in named if name and not kinds.is_defined(name))
