"""Rotating the keys that sign: the file, the command, the record, and servers that run meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pos_core.audit.models import AuditEntry
from pos_core.cli.main import cli
from pos_core.config import secrets
from pos_core.db.model import database
from pos_core.errors import PosError
from pos_core.plugins import StartError
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Business
from pos_core.testing.processes import ServerProcess, settle
from tests.auth.signing import credentials

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEEP = timedelta(minutes=16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "secrets.toml"
    secrets.create(made)
    return made


@pytest.mark.req("AUT-11", "CFG-04")
def test_a_new_key_signs_and_the_old_ones_go_when_their_tokens_have_ended(path: Path) -> None:
    first = secrets.load(path)
    made, dropped = secrets.rotate(path, NOW, KEEP)
    second = secrets.load(path)
    assert (dropped, secrets.key_id(second.token_keys[-1])) == ([], made)
    assert second.token_keys[:-1] == first.token_keys
    assert second.data_keys == first.data_keys, "what else the file holds stays"
    assert secrets.prune(path, NOW + KEEP - timedelta(microseconds=1), KEEP) == []
    _, dropped = secrets.rotate(path, NOW + KEEP, KEEP)
    assert dropped == [secrets.key_id(first.token_keys[0])]
    assert len(secrets.load(path).token_keys) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_key_that_signs_is_never_dropped(path: Path) -> None:
    secrets.rotate(path, NOW, KEEP)
    assert len(secrets.prune(path, NOW + timedelta(days=900), KEEP)) == 1
    assert secrets.prune(path, NOW + timedelta(days=900), KEEP) == []
    assert len(secrets.load(path).token_keys) == 1


def test_a_file_that_is_damaged_meanwhile_changes_nothing_for_a_running_process(path: Path) -> None:
    file = secrets.SecretsFile(path)
    before = file.current()
    assert file.current() is before
    whole = path.read_text()
    path.write_text(whole[:30])
    assert file.current() is before
    path.unlink()
    assert file.current() is before
    secrets.create(path)
    assert file.current() != before
    path.chmod(0o644)
    with pytest.raises(StartError, match="chmod 600"):
        secrets.rotate(path, NOW, KEEP)


def test_a_file_with_other_things_is_not_written_over(path: Path) -> None:
    path.write_text(path.read_text() + 'note = "a \\"quoted\\" one"\n')
    before = path.read_text()
    with pytest.raises(StartError, match="by hand"):
        secrets.rotate(path, NOW, KEEP)
    assert path.read_text() == before


def test_rotations_at_the_same_time_lose_no_key(path: Path) -> None:
    start = threading.Barrier(6)

    def turn(_: int) -> str:
        start.wait(timeout=30)
        return secrets.rotate(path, NOW, KEEP)[0]

    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(turn, range(6)))
    assert made <= {secrets.key_id(key) for key in secrets.load(path).token_keys}
    assert len(made) == 6


def test_a_file_from_before_gets_the_data_keys_it_lacks(path: Path) -> None:
    key = secrets.load(path).token_keys[0]
    path.write_text(f'token_keys = ["{key}"]\n')
    secrets.create(path)
    found = secrets.load(path)
    assert (found.token_keys, len(found.data_keys)) == ((key,), 1)


@pytest.mark.req("AUT-11", "CFG-04")
def test_the_command_rotates_and_leaves_a_record_without_the_keys(business: Business) -> None:
    shop = settle(business)

    def pos(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["--data-dir", str(shop), "keys", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    before = secrets.load(shop / "secrets.toml").token_keys
    said = pos("rotate") + pos("list") + pos("list", "--json") + pos("prune")
    found = secrets.load(shop / "secrets.toml").token_keys
    assert found[:-1] == before
    assert secrets.key_id(found[-1]) in said
    assert "nothing to drop" in said
    assert "was dropped" in pos("rotate", "--drop-old")
    assert len(secrets.load(shop / "secrets.toml").token_keys) == 1
    database.initialize(business.kernel.db)  # the command had a kernel of its own in this process
    with business.kernel.db.in_use():
        entries = [str(row.payload) for row in AuditEntry.select().where(AuditEntry.action ** "signing_key:%")]
        assert SecurityEvent.select().where(SecurityEvent.kind == "key_rotation").count() == 3
    assert len(entries) == 3
    everything = said + "".join(entries)
    assert not [key for key in (*before, *found) if key in everything]


@pytest.mark.req("AUT-11")
def test_keys_are_rotated_at_the_machine_only(business: Business) -> None:
    before = business.kernel.secrets.token_keys
    for action in ("signing_key:rotate", "signing_key:prune"):
        with pytest.raises(PosError) as caught:
            business.perform(action, {})
        assert caught.value.code.code == "permission_denied"
    assert business.kernel.secrets.token_keys == before


@pytest.mark.req("AUT-11")
@pytest.mark.slow
def test_running_servers_take_a_new_key_over_without_a_restart(business: Business) -> None:
    """Two workers: whatever one of them signs with the new key, both accept, and what the old one signed too."""
    shop = settle(business)
    server = ServerProcess(shop, "--workers", "2")
    try:
        server.wait_for("worker ready", count=2)
        client = server.client()
        old = client.post("/auth/login", credentials(business)).data
        rotated = CliRunner().invoke(cli, ["--data-dir", str(shop), "keys", "rotate"])
        assert rotated.exit_code == 0, rotated.output
        new = client.post("/auth/refresh", {"refresh_token": old["refresh_token"]}).data
        for opened in (old, new):
            assert {server.client(opened["access_token"]).get("/me").status for _ in range(20)} == {200}
        dropped = CliRunner().invoke(cli, ["--data-dir", str(shop), "keys", "rotate", "--drop-old"])
        assert dropped.exit_code == 0, dropped.output
        for opened in (old, new):
            assert {server.client(opened["access_token"]).get("/me").status for _ in range(20)} == {401}
        last = client.post("/auth/refresh", {"refresh_token": new["refresh_token"]}).data
        assert server.client(last["access_token"]).get("/me").status == 200
    finally:
        server.kill()
