"""PINs: a quick way in at tills, and a manager's signature under one action.

A PIN has so few digits that only three things protect it: it works on an enrolled device and for the pos context
alone, its tries are counted and locked like a password's, and what the database holds of it is argon2id over an HMAC
with a key that is not in the database. Somebody who steals the database alone cannot try PINs out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Container, Iterable

import peewee as pw
from pydantic import SecretStr

from pos_core.auth import limits, policy
from pos_core.auth.credentials_models import Pin
from pos_core.auth.limits import Attempt, AttemptKind
from pos_core.auth.schemas import DeviceProof
from pos_core.auth.tokens import TOKEN_MISSING
from pos_core.auth.vault import Vault
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND, RESTRICTED, Kind, define
from pos_core.rbac import escalation, grants
from pos_core.rbac.errors import USER_ABOVE
from pos_core.rbac.models import Role, User, UserRole
from pos_core.stores.models import Device

PIN_WRONG = define(
    "pin_wrong", Kind.DENIED,
    en="The user name or the PIN is not right.", es="El usuario o el PIN no es correcto.",
    cure="Check them; after too many failures the PIN is locked for a while.",
)
SIGN_IN_WRONG = define(
    "pin_sign_in_wrong", Kind.UNAUTHENTICATED,
    en="The user name or the PIN is not right.", es="El usuario o el PIN no es correcto.",
    cure="Check them; after too many failures the PIN is locked for a while, and the password still opens.",
)
PASSWORD_WRONG = define(
    "password_wrong", Kind.DENIED,
    en="This is not your password.", es="Esta no es su contraseña.",
    cure="Type it again; after too many failures the account is locked for a while.",
)
PASSWORD_NEEDED = define(
    "password_needed", Kind.INVALID,
    en="This needs your password once more.", es="Esto necesita su contraseña una vez más.",
    cure="Send it as `password`. To end sessions it is not needed within ten minutes of signing in.",
)
PIN_CHANGE_NEEDED = define(
    "pin_change_needed", Kind.DENIED,
    en="This PIN was given to you by somebody else: choose your own now.",
    es="Este PIN se lo dio otra persona: elija ahora el suyo.",
    cure="Sign in once more with `new_pin` beside `pin`.",
)
DEVICE_UNKNOWN = define(
    "device_unknown", Kind.UNAUTHENTICATED,
    en="This device is not enrolled, or it is blocked.", es="Este dispositivo no está registrado o está bloqueado.",
    cure="An administrator enrols it, or lets it in again.",
)


def vault(ctx: Context) -> Vault:
    """The keys that PINs are peppered with."""
    return Vault(ctx.kernel.secrets, "pin")


def hashed(ctx: Context, user_id: str, pin: str) -> str:
    """What is kept of a new PIN, made outside any transaction; PosError where the rules for PINs refuse it."""
    policy.require_pin(ctx, pin)
    return ctx.kernel.passwords.hash(vault(ctx).digest(user_id, pin).hex())


def generate(ctx: Context) -> str:
    """A PIN to be told once."""
    digits = max(6, ctx.kernel.settings.for_store(None, ctx.revision)["pin.minimum_digits"])
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(digits))
        if not policy.pin_violations(ctx, pin):
            return pin


def prove_pin(ctx: Context, username: str, pin: str) -> User:
    """The user whose PIN it is, for an approval; counted and locked together with sign-ins by PIN.

    PosError `pin_wrong`, `account_locked`, `sign_in_limited`. RuntimeError inside an action: prove in `beforehand`.
    """
    user, row = _proven(ctx, username, pin, "approval")
    if row.must_change:
        raise PIN_CHANGE_NEEDED("pin")
    return user


def prove_sign_in(ctx: Context, username: str, pin: str, new_pin: str | None) -> tuple[User, str | None]:
    """The user whose PIN it is, and the hash that is to be kept from now on (None: as it is).

    A new one is made of the new PIN that came along, or of the same one where the parameters or the key are newer.
    PosError `pin_sign_in_wrong`, the limits' own; `pin_change_needed` where somebody else chose the PIN and no new one
    came with it.
    """
    user, row = _proven(ctx, username, pin, "pin")
    if row.must_change and new_pin is None:
        raise PIN_CHANGE_NEEDED("new_pin")
    if new_pin is not None and hmac.compare_digest(new_pin.encode(), pin.encode()):
        raise policy.PIN_TRIVIAL("new_pin")
    if new_pin is not None:
        return user, hashed(ctx, user.id, new_pin)
    if row.key_mark == vault(ctx).mark and not ctx.kernel.passwords.needs_rehash(row.pin_hash):
        return user, None
    return user, ctx.kernel.passwords.hash(vault(ctx).digest(user.id, pin).hex())


def _proven(ctx: Context, username: str, pin: str, kind: AttemptKind) -> tuple[User, Pin]:
    row = (
        Pin.select(Pin, User).join(User)
        .where(pw.fn.lower(User.username) == username.lower(), User.is_active).first()
    )  # fmt: skip
    typed = vault(ctx).digest(row.user_id if row is not None else "", pin, mark=row.key_mark if row else None).hex()
    stored = row.pin_hash if row is not None else None
    if not limits.checked(ctx, username, kind, lambda: ctx.kernel.passwords.verify(typed, stored)):
        raise PIN_WRONG("pin") if kind == "approval" else SIGN_IN_WRONG("pin")
    return row.user, row


def prove_self(ctx: Context, password: str) -> User:
    """The signed-in user, who has typed the password once more. PosError `token_missing`, `password_wrong`, limits;
    `password_change_needed`, because a password that somebody else knows sets up nothing that lasts longer than it."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    if ctx.restriction == "password":
        raise RESTRICTED["password"]()
    user = User.get_by_id(ctx.actor.id)
    if not limits.checked(ctx, user.username, "password",
                          lambda: ctx.kernel.passwords.verify(password, user.password_hash)):
        raise PASSWORD_WRONG("password")
    return user  # type: ignore[no-any-return]


def prove_again(ctx: Context, password: SecretStr | None) -> User:
    """As `prove_self`, for what asks for the password only sometimes; PosError `password_needed` without one."""
    if password is None:
        raise PASSWORD_NEEDED("password")
    return prove_self(ctx, password.get_secret_value())


def proven_device(proof: DeviceProof) -> Device:
    """The enrolled device whose key it is; PosError `device_unknown`."""
    found = Device.get_or_none((Device.id == proof.id) & ~Device.is_blocked)
    given = hashlib.sha256(proof.key.get_secret_value().encode()).digest()
    if found is None or not hmac.compare_digest(found.key_hash, given):
        raise DEVICE_UNKNOWN("device")
    return found  # type: ignore[no-any-return]


def ways(attempts: Iterable[Attempt], locked: Container[bytes]) -> list[str]:
    """Which ways in are locked: password, pin. Guesses at second factors lock the password's."""
    return sorted({attempt.kind for attempt in attempts if attempt.kind != "mfa" and attempt.lock in locked})


def reachable(ctx: Context, user_id: str) -> User:
    """The user whose credentials the actor may manage: nobody above the actor (`user_above_own`).

    At a store that is who works in this store alone: its tills, and in the store nobody who may more than the actor.
    Others are `not_found` there.
    """
    if ctx.store_id is None:
        return escalation.require_not_above(ctx, user_id)
    user = records.get(User, user_id, "user")
    places = grants.everywhere(user_id)
    if user.is_super_admin or not places or any(store_id != ctx.store_id for _, store_id in places):
        raise NOT_FOUND("id", entity="user", id=user_id)
    above = sorted(places.get(("store", ctx.store_id), frozenset()) - ctx.actor.permissions)
    if above and not ctx.actor.is_super_admin and user_id != ctx.actor.id:
        raise USER_ABOVE("id", permission=above[0])
    return user


def users_at(store_id: str) -> list[User]:
    """The active users who hold a till role in the store and have a PIN, by name."""
    holds = UserRole.select(UserRole.user).join(Role).where(UserRole.store == store_id, Role.scope == "pos")
    has_pin = Pin.select(Pin.user)
    return list(
        User.select().where(User.is_active, User.id.in_(has_pin), User.id.in_(holds)).order_by(User.username)
    )
