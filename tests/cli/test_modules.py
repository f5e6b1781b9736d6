"""`pos modules`: what is on and why, and switching it from the command line."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result

from pos_admin.incidents.models import Incident
from pos_core.audit.models import AuditEntry
from pos_core.cli.main import cli
from pos_core.db import schema
from pos_core.db.model import database
from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.testing.harness import Business
from pos_core.testing.processes import settle
from tests.cli.conftest import call_on

Pos = Callable[..., Result]


def states(pos: Pos, *options: str) -> dict[str, str]:
    return {one["name"]: one["state"] for one in json.loads(pos("modules", "--json", *options).stdout)}


@pytest.mark.req("MOD-05", "MOD-02")
def test_switched_for_a_store_and_for_the_business(pos: Pos, business: Business) -> None:
    code = business.kernel.stores.all(0)[0].code
    told = pos("modules", "disable", "admin.incidents", "--store", code, "--dry-run")
    assert told.exit_code == 0, told.output
    assert "would go quiet: routes: GET /incidents" in told.output
    assert "Would be off: admin.incidents" in told.output
    refused = pos("modules", "disable", "admin.incidents", "--store", code)
    assert (refused.exit_code, "reason_required" in refused.output) == (1, True)
    done = pos("modules", "disable", "admin.incidents", "--store", code, "--reason", "not_in_use")
    assert "Now off: admin.incidents" in done.output
    assert states(pos)["admin.incidents"] == "on"
    assert states(pos, "--store", code)["admin.incidents"] == "off"
    why = pos("modules", "--why").output
    assert f"in store {code}: off" in why
    assert "core.audit: on (core, always on)" in why
    again = pos("modules", "disable", "admin.incidents", "--store", code, "--reason", "not_in_use")
    assert "nothing to do" in again.output
    assert pos("modules", "enable", "admin.incidents").exit_code == 0
    assert states(pos, "--store", code)["admin.incidents"] == "on"


@pytest.mark.req("MOD-03", "MOD-07")
def test_what_is_refused_says_why_and_what_to_do(pos: Pos) -> None:
    core = pos("modules", "disable", "core.audit", "--reason", "not_in_use")
    assert (core.exit_code, "belongs to the core" in core.output) == (1, True)
    needed = pos("modules", "disable", "ops.tenders", "--reason", "not_in_use")
    assert needed.exit_code == 1
    assert "ops.sales is on and needs ops.tenders" in needed.output
    assert pos("modules", "enable", "no.such").exit_code == 1
    nowhere = pos("modules", "enable", "mgmt.reports", "--store", "nowhere")
    assert (nowhere.exit_code, "there is no store nowhere" in nowhere.output) == (2, True)


def test_the_operator_s_override_is_named(pos: Pos) -> None:
    listed = pos("modules", "--why", env={"POS_MODULES__DISABLED": "mgmt.reports"}).output
    assert "mgmt.reports: off (modules.disabled in the configuration)" in listed


@pytest.mark.req("MOD-05")
def test_the_allowlist_of_what_is_installed(pos: Pos) -> None:
    told = pos("modules", "--allowlist").output
    assert '[[modules.allow]]\ndistribution = "pos-ops"' in told


@contextmanager
def looking(kernel: Kernel) -> Iterator[None]:
    """The business' own connection again: each command in this process brought another."""
    database.initialize(kernel.db)
    with kernel.db.in_use():
        yield


def record_incident(business: Business) -> str:
    made = business.perform("incident:record", {
        "id": uuid7(), "store_id": business.store_id, "title": "A window", "text": "It is broken.",
        "severity": "warning", "happened_at": "2026-03-02T09:00:00+00:00",
    })  # fmt: skip
    return str(made["id"])


@pytest.mark.req("MOD-02", "OPX-26")
def test_purging_exports_asks_drops_and_is_told(business: Business) -> None:
    incident = record_incident(business)
    kernel, directory = business.kernel, settle(business)
    pos = call_on(directory)
    still = pos("modules", "purge", "admin.incidents", "--yes", "--reason", "not_in_use")
    assert (still.exit_code, "is on" in still.output) == (1, True)
    assert pos("modules", "disable", "admin.incidents", "--reason", "not_in_use").exit_code == 0
    asked = CliRunner().invoke(cli, ["--data-dir", str(directory), "modules", "purge", "admin.incidents",
                                     "--reason", "not_in_use"], input="n\n")  # fmt: skip
    assert asked.exit_code == 1
    with looking(kernel):
        assert Incident.select().count() == 1
    done = pos("modules", "purge", "admin.incidents", "--yes", "--reason", "not_in_use")
    assert done.exit_code == 0, done.output
    files = sorted((directory / "exports").glob("admin.incidents-*.jsonl.gz"))
    rows = [json.loads(line) for line in gzip.decompress(files[-1].read_bytes()).splitlines()]
    assert [row["row"]["id"] for row in rows if row["table"] == "admin_incident"] == [incident]
    assert files[-1].stat().st_mode & 0o077 == 0
    with looking(kernel):
        assert Incident.select().count() == 0
        entry = AuditEntry.select().where(AuditEntry.action == "module:purge", AuditEntry.outcome == "done").get()
        assert json.loads(entry.payload)["after"]["sha256"] == hashlib.sha256(files[-1].read_bytes()).hexdigest()
        assert schema.differences(kernel.db, kernel.models, kernel.running()) == []
    assert pos("modules", "enable", "admin.incidents").exit_code == 0
    verified = pos("audit", "verify")
    assert verified.exit_code == 0, verified.output


@pytest.mark.req("MOD-07")
def test_what_is_not_purged(pos: Pos) -> None:
    core = pos("modules", "purge", "core.stores", "--yes", "--reason", "not_in_use")
    assert (core.exit_code, "belongs to the core" in core.output) == (1, True)
    assert pos("modules", "disable", "ops.tenders", "--cascade", "--reason", "not_in_use").exit_code == 0
    referred = pos("modules", "purge", "ops.tenders", "--yes", "--reason", "not_in_use")
    assert referred.exit_code == 1
    assert "refers to ops_tender" in referred.output
    assert pos("modules", "purge", "no.such", "--yes").exit_code == 1
