"""Every route, asked by everybody from everywhere: what the declared permissions say is what the server does.

The routes come from the registry and the roles from the database, so neither a new route nor a new role escapes. A
request that is let in is answered by its own schema (the body holds a field that no schema knows), so nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pos_core.audit.models import AuditEntry
from pos_core.documentation import authorisation
from pos_core.http.routes import Door
from pos_core.testing.harness import Answer
from tests.authorisation.world import SHARED, WORDS, Place, World, variable_kind

#: A field that no command has: its request is refused by the schema, behind the permission.
PROBE = {"nobody_knows_this_field": 1}
#: What a denied request may write: its record and the record's chain.
RECORDS = ("core_audit_entry", "core_chain", "core_security_event")
#: What every request with a token may move on: when the session was used last.
USE = {"core_session": ("last_seen_at", "idle_until", "updated_at")}
#: Refusals behind an open door, by what the thing itself is.
BEHIND = {"user_above_own": "nobody looks after the account of somebody who may do more"}


@dataclass(frozen=True)
class Somebody:
    """Who asks: a role's holder, signed in at a place."""

    role: str
    name: str
    token: str


@pytest.fixture(scope="module")
def people(world: World) -> list[Somebody]:
    """A holder of each role, signed in at the first store or at the headquarters."""
    found = []
    for role, scope in world.roles.items():
        name = world.person(role, world.own)
        answer = world.sign_in(name, scope, world.own)
        assert answer.status == 201, f"{role}: {answer.text}"
        found.append(Somebody(role, name, answer.data["access_token"]))
    return found


def ask(world: World, door: Door, token: str | None, place: Place) -> Answer:
    path = world.path(door, place)
    return world.wire.ask(door.route.method, path, token, PROBE if door.is_action else None)


def is_let_in(answer: Answer) -> bool:
    """Whether the door was open, whatever stands behind it."""
    return answer.status < 500 and (answer.status not in (401, 403) or answer.json.get("code") in BEHIND)


def is_denied(answer: Answer) -> bool:
    """Refused at the door: for want of its permission, not by what lies behind it."""
    return answer.status == 403 and answer.code == "permission_denied" and not answer.json["errors"]


def names_store(door: Door) -> bool:
    """Whether the path names something that belongs to one store."""
    return any(v not in WORDS and variable_kind(door, v) != SHARED for v in door.route.variables)


def told(door: Door, somebody: str, answer: Answer) -> str:
    return f"{door.route.method} {door.route.path} as {somebody}: {answer.status} {answer.text[:200]}"


def contents(world: World) -> dict[str, Any]:
    """Every table's rows but those of the record of attempts."""
    found = {}
    for model in world.kernel.models:
        table = model._meta.table_name
        if table in RECORDS or model.__module__.startswith("tests."):  # other tests of this process have tables too
            continue
        hidden = USE.get(table, ())
        fields = [f for f in model._meta.sorted_fields if f.column_name not in hidden]
        found[table] = sorted(map(repr, model.select(*fields).tuples()))
    return found


def denied_entries() -> int:
    return int(AuditEntry.select().where(AuditEntry.outcome == "denied").count())


@pytest.mark.req("RBC-02")
@pytest.mark.req("RBC-20")
@pytest.mark.req("RBC-08")
def test_each_role_opens_the_doors_of_its_permissions_and_no_other(world: World, people: list[Somebody]) -> None:
    before, entries, denials, wrong, reads = contents(world), denied_entries(), 0, [], 0
    for somebody in people:
        for door in world.doors:
            if door.route.cookie == "beacon":  # takes no body that could be wrong: it would end the session
                continue
            answer = ask(world, door, somebody.token, world.own)
            denials += answer.status == 403
            if not world.may(somebody.role, door):
                as_wanted = is_denied(answer)
            elif door.is_action:
                as_wanted = answer.status == 422  # let in, and then refused by the schema
            else:
                as_wanted = is_let_in(answer)
                reads += answer.status == 200
            if not as_wanted:
                wrong.append(told(door, somebody.role, answer))
    assert wrong == [], "\n".join(wrong)
    assert reads > 150
    assert denials > 100
    assert denied_entries() - entries == denials, "each denial is recorded, once"
    after = contents(world)
    assert [table for table in before if before[table] != after[table]] == [], "a refused request wrote something"


@pytest.mark.req("RBC-03")
def test_the_page_of_the_documentation_says_what_the_database_holds(world: World) -> None:
    text = authorisation.authorisation(world.kernel, world.doors)
    for scope, title in authorisation.CONTEXTS.items():
        part = text.partition(f"## {title}")[2].partition("\n## ")[0]
        lines = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("|")]
        rows = [[cell.strip(" `") for cell in line] for line in lines]
        roles = rows[0][2:]
        assert sorted(role for role, of in world.roles.items() if of == scope and world.grants[role]) == roles
        shown = {row[0]: dict(zip(roles, row[2:], strict=True)) for row in rows[2:]}
        for door in world.doors:
            reached = any(p.startswith(f"{scope}:") for p in door.permissions)
            wanted = {role: "yes" if not world.grants[role].isdisjoint(door.permissions) else "" for role in roles}
            assert shown.get(f"{door.route.method} {door.route.path}") == (wanted if reached else None), door.route


@pytest.mark.req("RBC-12")
def test_another_stores_things_are_not_there_but_for_the_headquarters(world: World, people: list[Somebody]) -> None:
    wrong, hidden, shown = [], 0, 0
    for somebody in people:
        at_headquarters = world.roles[somebody.role] == "hq"
        for door in world.doors:
            if door.is_action or not names_store(door):
                continue
            answer = ask(world, door, somebody.token, world.other)
            if not world.may(somebody.role, door):
                as_wanted = is_denied(answer)
            elif at_headquarters:
                as_wanted, shown = is_let_in(answer) and answer.status != 404, shown + (answer.status == 200)
            else:
                as_wanted, hidden = answer.status == 404, hidden + 1
            if not as_wanted:
                wrong.append(told(door, somebody.role, answer))
    assert wrong == [], "\n".join(wrong)
    assert hidden > 20
    assert shown > 10


def closed(world: World) -> Iterator[Door]:
    """The doors that want a token."""
    return (door for door in world.doors if not door.does.public)


@pytest.mark.req("RBC-02")

def test_without_a_token_only_public_doors_answer(world: World) -> None:
    wrong = []
    for door in world.doors:
        answer = ask(world, door, None, world.own)
        as_wanted = answer.status != 403 and answer.status < 500 if door.does.public else answer.status == 401
        if not as_wanted:
            wrong.append(told(door, "nobody", answer))
    assert wrong == [], "\n".join(wrong)
    assert sum(1 for _ in closed(world)) > 90


def shut_out(world: World, people: list[Somebody], why: str) -> None:
    """Whoever holds these tokens is let in nowhere, and nothing is written."""
    before, entries = contents(world), denied_entries()
    wrong = [
        told(door, f"{somebody.role}, {why}", answer)
        for somebody in people for door in closed(world)
        if (answer := ask(world, door, somebody.token, world.own)).status != 401
    ]  # fmt: skip
    assert wrong == [], "\n".join(wrong)
    after = contents(world)
    assert [table for table in before if before[table] != after[table]] == []
    assert denied_entries() == entries


def arrivals(world: World) -> list[Somebody]:
    """A new holder of each role, signed in."""
    made = []
    for role, scope in world.roles.items():
        name = world.person(role, world.own)
        made.append(Somebody(role, name, world.sign_in(name, scope, world.own).data["access_token"]))
    return made


@pytest.mark.req("SES-04")
def test_a_session_that_was_ended_opens_nothing(world: World) -> None:
    gone = arrivals(world)
    for somebody in gone:
        assert world.wire.ask("POST", "/auth/logout", somebody.token, {}).status == 200
    shut_out(world, gone, "signed out")


@pytest.mark.req("RBC-04")
def test_somebody_who_was_switched_off_opens_nothing(world: World) -> None:
    gone = arrivals(world)
    for somebody in gone:
        user = world.business.query("user:find", username=somebody.name)
        world.do("user:edit", id=user["id"], is_active=False, version=user["version"], reason="left_company")
        assert world.sign_in(somebody.name, world.roles[somebody.role], world.own).status == 401
    shut_out(world, gone, "switched off")


def _changed(token: str) -> str:
    """The token with another letter in the middle of its signature."""
    middle = token.rindex(".") + 20
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


def test_a_token_that_was_changed_opens_nothing(world: World, people: list[Somebody]) -> None:
    changed = [Somebody(p.role, p.name, _changed(p.token)) for p in people]
    shut_out(world, changed, "with a changed token")


@pytest.mark.req("SES-06")
def test_a_device_that_was_blocked_opens_nothing(world: World) -> None:
    """And a till of another store takes nobody who works here."""
    place = Place({**world.own.ids})
    enrol = {"store_id": place.ids["store"], "register_id": place.ids["register"], "name": "Lost tablet"}
    device = world.do("device:enrol", **enrol)
    place.ids["device"], place.device_key = device["id"], device["key"]
    gone = []
    for role, scope in world.roles.items():
        if scope != "pos":
            continue
        name = world.person(role, world.own)
        assert world.sign_in(name, scope, world.other).status in (401, 403), f"{role} at another store's till"
        gone.append(Somebody(role, name, world.sign_in(name, scope, place).data["access_token"]))
    assert len(gone) > 1
    world.do("device:block", id=device["id"], version=device["version"], reason="maintenance")
    shut_out(world, gone, "on a blocked device")
    for somebody in gone:
        assert world.sign_in(somebody.name, "pos", place).status == 401


@pytest.mark.req("SES-03")
def test_a_token_that_expired_opens_nothing(world: World) -> None:
    """The last test of the file: it turns the business' clock on."""
    gone = arrivals(world)
    world.business.clock.advance(timedelta(minutes=world.kernel.config.auth.access_minutes, seconds=1))
    shut_out(world, gone, "too late")
