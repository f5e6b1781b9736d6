"""Configuration: files, environment, profiles, and secrets; whatever is misspelt or bad stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from pos_core.config import loader, secrets
from pos_core.plugins import StartError


def load(directory: Path, text: str = "", **environment: str) -> loader.Config:
    (directory / "pos.toml").write_text(text)
    return loader.load(directory, environment=environment)


@pytest.mark.req("CFG-01")
def test_the_environment_wins_over_the_file_and_the_file_over_the_profile(tmp_path: Path) -> None:
    config = load(tmp_path, 'profile = "dev"\n[http]\nport = 9000\nthreads = 8\n', POS_HTTP__PORT="9001")
    assert (config.http.port, config.http.threads, config.log.level) == (9001, 8, "debug")
    assert load(tmp_path, 'profile = "dev"\n[log]\nlevel = "error"\n').log.level == "error"
    assert load(tmp_path, "", POS_MODULES__DISABLED="a.b, c.d").modules.disabled == ("a.b", "c.d")


@pytest.mark.req("CFG-02")
def test_profiles(tmp_path: Path) -> None:
    assert load(tmp_path).profile == "prod"
    assert load(tmp_path, 'profile = "test"').auth.argon2_rounds == 1
    assert load(tmp_path, POS_PROFILE="dev").log.format == "text"
    with pytest.raises(StartError, match="profile must be one of dev, test, prod"):
        load(tmp_path, 'profile = "staging"')


@pytest.mark.req("CFG-03")
@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("[http]\nprot = 1", {}, "http.prot"), ("[htpt]\nport = 1", {}, "htpt"), ("port = 1", {}, "port"),
        ("", {"POS_HTTP__PROT": "1"}, "http.prot"), ("", {"POS_HTPT__PORT": "1"}, "htpt"),
        ("", {"POS_PORT": "1"}, "port"),
        ("[http]\nport = 70000", {}, "http.port"), ("", {"POS_HTTP__PORT": "many"}, "http.port"),
        ('[log]\nlevel = "loud"', {}, "log.level"), ("[http\n", {}, "not valid TOML"),
        ("[auth]\nargon2_memory_kib = 1", {}, "auth.argon2_memory_kib"),
    ],
)  # fmt: skip
def test_misspelt_keys_and_bad_values_stop_the_start(
    tmp_path: Path, text: str, environment: dict[str, str], said: str
) -> None:
    with pytest.raises(StartError) as caught:
        load(tmp_path, text, **environment)
    assert said in str(caught.value)


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(StartError) as caught:
        load(tmp_path, "[http]\nprot = 1\nport = -1\n[log]\nlevel = 1", POS_AUTH__ACCESS_MINUTES="0")
    assert all(key in str(caught.value) for key in ("http.prot", "http.port", "log.level", "auth.access_minutes"))


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    assert loader.load(tmp_path, environment={}).profile == "prod"
    with pytest.raises(StartError, match="there is no configuration file"):
        loader.load(tmp_path, file=tmp_path / "other.toml", environment={})
    (tmp_path / "pos.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(StartError, match="not valid TOML"):
        loader.load(tmp_path, environment={})


@pytest.mark.req("CFG-08")
def test_the_database_may_come_from_the_environment_alone(tmp_path: Path) -> None:
    url = "postgresql://user:secret@host:5433/name"
    assert load(tmp_path, "", POS_DATABASE__URL=url).database.url == url
    assert load(tmp_path).database.url == f"sqlite:///{tmp_path.resolve()}/pos.sqlite3"
    assert load(tmp_path, '[database]\nurl = "sqlite:////var/x.db"').database.url == "sqlite:////var/x.db"


def test_variables_of_tools_and_of_others_are_left_alone(tmp_path: Path) -> None:
    more = {"POSTGRES_USER": "x", "POS_TEST_POSTGRES": "y", "POS_BENCH_SECONDS": "z", "POS_DATA_DIR": "d", "PATH": "p"}
    assert load(tmp_path, "", **more) == load(tmp_path)


def test_configuration_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path).http.port = 1  # type: ignore[misc]


# -- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.req("CFG-04", "RGX-35")
def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    secrets.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    first = secrets.load(path)
    secrets.create(path)
    assert secrets.load(path) == first
    assert all(len(key) >= secrets.MINIMUM for key in first.token_keys)
    assert first.token_keys[0] not in repr(first)
    assert first.token_keys[0] not in str(first)


@pytest.mark.req("CFG-04")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_secrets_that_others_can_reach_stop_the_start(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secrets.toml"
    secrets.create(path)
    path.chmod(mode)
    with pytest.raises(StartError, match="chmod 600"):
        secrets.load(path)


@pytest.mark.req("RGX-35")
@pytest.mark.parametrize(
    "text", ["", "token_keys = []", 'token_keys = ["short"]', 'token_keys = "x"', "token_keys = [1]"]
)
def test_secrets_that_are_too_short_or_missing_stop_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(StartError, match="at least 32 characters"):
        secrets.load(path)
    with pytest.raises(StartError, match="run `pos init`"):
        secrets.load(tmp_path / "nowhere.toml")
