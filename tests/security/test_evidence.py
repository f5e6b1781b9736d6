"""`pos audit verify` holds the security log against the chains: what was changed, taken or put in is named."""

from __future__ import annotations

from typing import Any

import pytest

from pos_core import uuid7
from pos_core.audit.verify import verify
from pos_core.db.fields import UtcField
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Business
from tests.core.conftest import raw_writes


def told(business: Business) -> list[str]:
    found = [finding.message for finding in verify(business.context()).findings if "security event" in finding.message]
    return [message.removeprefix("core.security: ") for message in found]


def some(business: Business) -> SecurityEvent:
    return SecurityEvent.select().where(SecurityEvent.kind == "privilege_change").get()


@pytest.mark.req("SEC-06", "AUD-14")
def test_an_untouched_log_agrees_with_the_chains(business: Business) -> None:
    assert SecurityEvent.select().count() > 5
    assert told(business) == []


@pytest.mark.req("SEC-06", "AUD-14")
@pytest.mark.parametrize(("column", "value"), [
    ("kind", "sign_out"), ("result", "refused"), ("severity", "critical"), ("ip", "10.9.9.9"), ("count", 7),
    ("request_id", "another-request"), ("actor_name", "nobody"), ("details", '{"a":1}'), ("action", "store:edit"),
])  # fmt: skip
def test_a_changed_column_is_named(business: Business, column: str, value: Any) -> None:
    event = some(business)
    with raw_writes(business.kernel.db) as execute:
        execute(f"UPDATE core_security_event SET {column} = ? WHERE id = ?", value, event.id)
    (sentence,) = told(business)
    assert f"security event {event.id}: {column} is" in sentence
    assert f"entry {event.seq} says" in sentence


@pytest.mark.req("SEC-06")
def test_a_deleted_event_is_missed(business: Business) -> None:
    event = some(business)
    with raw_writes(business.kernel.db) as execute:
        execute("DELETE FROM core_security_event WHERE id = ?", event.id)
    (sentence,) = told(business)
    assert sentence == f"security event {event.id} (privilege_change) is gone; entry {event.seq} says that it was there"


@pytest.mark.req("SEC-06")
@pytest.mark.parametrize("place", ["beside", "beyond", "elsewhere"])
def test_an_event_that_was_put_in_is_named(business: Business, place: str) -> None:
    event, forged = some(business), uuid7()
    chain = uuid7() if place == "elsewhere" else event.chain_id
    seq = {"beside": event.seq, "beyond": 10_000, "elsewhere": 1}[place]
    with raw_writes(business.kernel.db) as execute:
        execute(
            "INSERT INTO core_security_event (id, at, kind, result, severity, action, app_context, channel, ip, "
            "request_id, chain_id, seq, count) VALUES (?, ?, 'export', 'done', 'info', 'x:y', 'hq', 'api', '', ?, ?, "
            "?, 1)", forged, UtcField().db_value(event.at), uuid7(), chain, seq,
        )
    (sentence,) = told(business)
    assert sentence.startswith(f"security event {forged} (export) was put in")
