"""core.mfa: second factors at the sign-in. Off until the business switches them on."""

from __future__ import annotations

from pos_core import __version__
from pos_core.auth.mfa import routes
from pos_core.auth.mfa.provider import MfaProvider
from pos_core.auth.mfa.totp import Totp
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Setting

MANIFEST = Manifest(
    name="core.mfa",
    version=__version__,
    title="Second factors",
    depends=("core.credentials",),
    roots=("/auth",),
    settings=(
        Setting("mfa.enabled", "bool", False,
                "Second factors: people may set one up, and whoever has one needs it to sign in by password.",
                per_store=False),
        Setting("mfa.roles", "text", "",
                "Codes of roles whose holders have to have a second factor, separated by commas; super_admin stands "
                "for super administrators. Who has none yet can do nothing else but set one up.", maximum=400,
                per_store=False),
    ),
)  # fmt: skip


@hookimpl
def register_mfa_providers() -> tuple[MfaProvider, ...]:
    return (Totp(),)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
