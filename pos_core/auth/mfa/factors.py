"""The providers there are, the factors people have, and the question at a sign-in whether one is needed.

    verdict = factors.ask(ctx, user, app_context, store_id, command.mfa)   # raises `mfa_required`, `mfa_code_wrong`
    verdict.restriction                           # "mfa": the role needs a factor that is not set up yet
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from pos_core.auth import limits
from pos_core.auth.credentials_models import Factor
from pos_core.auth.mfa import recovery
from pos_core.auth.mfa.errors import FACTOR_LOST, METHOD_UNKNOWN, MFA_OFF, MFA_REQUIRED, MFA_WRONG
from pos_core.auth.mfa.provider import MfaProvider, Person, State
from pos_core.auth.schemas import SecondFactor
from pos_core.auth.vault import Vault
from pos_core.context import Context
from pos_core.errors import PosError
from pos_core.rbac import grants
from pos_core.rbac.models import User


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sign-in's second factor came to; restriction "" or "mfa"."""

    verified: bool = False
    biometric: bool = False
    restriction: str = ""


def enabled(ctx: Context) -> bool:
    """Whether second factors are switched on in the business."""
    return bool(ctx.kernel.settings.for_store(None, ctx.revision)["mfa.enabled"])


def require_enabled(ctx: Context) -> None:
    """PosError `mfa_off`."""
    if not enabled(ctx):
        raise MFA_OFF()


def roles_needing(ctx: Context) -> set[str]:
    """The codes of roles that nobody acts in without a second factor; `super_admin` stands for super admins."""
    text = ctx.kernel.settings.for_store(None, ctx.revision)["mfa.roles"]
    return {code.strip() for code in text.split(",") if code.strip()}


def providers(ctx: Context) -> dict[str, MfaProvider]:
    """The kinds of second factors that modules bring, by name; those of modules that are off do not count."""
    found: dict[str, MfaProvider] = {}
    for handler in ctx.kernel.handlers("register_mfa_providers", ctx.store_id, ctx.revision):
        for provider in handler.call({}):
            found.setdefault(provider.name, provider)
    return found


def provider_of(ctx: Context, method: str) -> MfaProvider:
    """The provider of that name; PosError `mfa_method_unknown`."""
    known = providers(ctx)
    if method not in known:
        raise METHOD_UNKNOWN("method", method=method, known=", ".join(sorted(known)))
    return known[method]


def person_of(ctx: Context, user: User) -> Person:
    """The user as providers see one."""
    return Person(user.id, user.username, ctx.kernel.instance_name)


def methods_of(ctx: Context, user_id: str) -> list[str]:
    """What the user has set up and can prove with here."""
    rows = Factor.select(Factor.method).where(Factor.user == user_id, Factor.confirmed_at.is_null(False)).tuples()
    return sorted({method for (method,) in rows} & providers(ctx).keys())


def ask(
    ctx: Context, user: User, app_context: str, store_id: str | None, proof: SecondFactor | None, *,
    at_own_wish: bool = True,
) -> Verdict:
    """What the sign-in of a user whose password fitted still needs. Outside any transaction.

    at_own_wish: whether a factor that somebody set up without a role asking for it is wanted too; at a till's PIN it
    is not, but counts where it is given. PosError `mfa_required` naming the methods, `mfa_code_wrong`, and the
    limits' own.
    """
    if not enabled(ctx):
        return Verdict()
    needed = _needed(ctx, user, app_context, store_id)
    methods = methods_of(ctx, user.id)
    if not has_any(user.id) or not (needed or at_own_wish or proof is not None):
        return Verdict(restriction="mfa" if needed else "")
    if proof is None:
        offered = [*methods, *([recovery.METHOD] if recovery.left(user.id) else [])]
        raise MFA_REQUIRED("mfa", methods=", ".join(offered) or recovery.METHOD, offered=offered)
    prove(ctx, user, proof)
    return Verdict(True, proof.method in methods and providers(ctx)[proof.method].biometric)


def has_any(user_id: str) -> bool:
    """Whether the user has set up a second factor."""
    return bool(Factor.select().where(Factor.user == user_id, Factor.confirmed_at.is_null(False)).exists())


def _needed(ctx: Context, user: User, app_context: str, store_id: str | None) -> bool:
    wanted = roles_needing(ctx)
    roles = grants.read(user.id, app_context, store_id).roles
    return not wanted.isdisjoint(roles) or (user.is_super_admin and "super_admin" in wanted)


def restriction_left(ctx: Context, user: User) -> str:
    """What still restricts the running session once its password is changed: "mfa" where a role that is held here
    needs a factor and none is set up, else ""."""
    needed = enabled(ctx) and _needed(ctx, user, ctx.app_context, ctx.store_id)
    return "mfa" if needed and not has_any(user.id) else ""


def prove(ctx: Context, user: User, proof: SecondFactor) -> None:
    """Use a proof up, counted like a password's try. PosError `mfa_code_wrong` and the limits' own."""

    def fits() -> bool:
        try:
            ctx.perform("mfa:use", {"user_id": user.id, "method": proof.method, "code": proof.code})
        except PosError as error:
            if error.code is MFA_WRONG:
                return False
            raise
        return True

    if not limits.checked(ctx, user.username, "mfa", fits):
        raise MFA_WRONG("mfa.code")


def sealed(ctx: Context, user_id: str, method: str, state: State) -> bytes:
    """A state as it is kept: it opens for its own person and method only."""
    return _vault(ctx).seal(orjson.dumps({"user": user_id, "method": method, "state": state}))


def opened(ctx: Context, row: Factor) -> State:
    """The state of a factor; PosError `mfa_factor_unreadable` where it was tampered with or its key is gone."""
    try:
        content = orjson.loads(_vault(ctx).open(row.sealed))
    except ValueError:
        raise FACTOR_LOST() from None
    if (content["user"], content["method"]) != (row.user_id, row.method):
        raise FACTOR_LOST()
    return dict(content["state"])


def _vault(ctx: Context) -> Vault:
    return Vault(ctx.kernel.secrets, "mfa.state")
