"""Businesses with modules of a test's own, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pos_core.testing.harness import PASSWORD, Business, Client, Server
from tests.core.conftest import module_of

__all__ = ["module_of"]


@pytest.fixture
def server_of() -> Iterator[Callable[[Business], Client]]:
    """server_of(business): the administrator's client at a server of that business."""
    with ExitStack() as stack:

        def serve(business: Business) -> Client:
            server = Server(business.kernel)
            stack.callback(server.close)
            client = server.client()
            body = {"username": "admin", "password": PASSWORD, "app_context": "hq"}
            client.token = client.post("/auth/login", body).data["access_token"]
            return client

        yield serve
