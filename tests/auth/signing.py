"""Signing in and refreshing as a client does, over HTTP and in process."""

from __future__ import annotations

from typing import Any

from pos_core.auth import schemas
from pos_core.auth.sessions import context_of
from pos_core.context import Context
from pos_core.kernel import Kernel
from pos_core.testing.harness import PASSWORD, Answer, Business, Client

#: What a browser's own page sends along.
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "X-Requested-With": "pos"}


def credentials(business: Business, role: str = "admin", till: int = 1, **more: Any) -> dict[str, Any]:
    """The body of a sign-in of one of the business' people, in body mode."""
    body: dict[str, Any] = {"username": role, "password": PASSWORD, "app_context": "hq", "delivery": "body"}
    if role == "manager":
        body |= {"app_context": "store", "store_id": business.store_id}
    if role == "cashier":
        body |= {"username": f"cashier{till}", "app_context": "pos", "device": device(business, till)}
    return body | more


def device(business: Business, till: int = 1) -> dict[str, str]:
    return {"id": business.ids[f"device{till}"], "key": business.keys[f"device{till}"]}


def sign_in(client: Client, business: Business, role: str = "admin", till: int = 1, **more: Any) -> Answer:
    answer = client.post("/auth/login", credentials(business, role, till, **more))
    assert answer.status == 201, answer.text
    return answer


def refresh(client: Client, token: str, **more: Any) -> Answer:
    return client.post("/auth/refresh", {"refresh_token": token, **more})


def anybody(kernel: Kernel, **request: Any) -> Context:
    """The context of a request without a token."""
    return Context(kernel, app_context="public", revision=kernel.revision(), **request)


def open_session(business: Business, role: str = "admin", till: int = 1, **more: Any) -> dict[str, Any]:
    """A session, opened in process."""
    command = schemas.SignIn.model_validate(credentials(business, role, till, **more))
    return business.kernel.perform(anybody(business.kernel), "session:open", command).data


def use(business: Business, token: str, **request: Any) -> dict[str, Any]:
    """A refresh in process."""
    command = schemas.Refresh(refresh_token=token)  # type: ignore[arg-type]
    return business.kernel.perform(anybody(business.kernel, **request), "session:refresh", command).data


def as_user(business: Business, opened: dict[str, Any]) -> Context:
    """The context of an access token's next request; PosError where it is no good."""
    kernel = business.kernel
    return context_of(kernel, kernel.tokens.read(opened["access_token"]))
