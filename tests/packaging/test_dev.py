"""dev.py: when it installs, what it starts, and that a start is cheap. No network."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """dev.py as a module, looking after a small checkout of its own."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "requirements-dev.txt", "constraints.txt"):
        (tmp_path / name).write_text(f"# {name}\n", encoding="utf-8")
    (tmp_path / "requirements-dev.txt").write_text("-e .[test]\n-e ./plugs/pos_ops\n", encoding="utf-8")
    for folder in ("plugs/pos_ops", "industries/bakery"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def _finish(dev: ModuleType) -> None:
    dev.stamp_file().write_text(dev.fingerprint(), encoding="ascii")


def test_nothing_is_installed_twice(dev: ModuleType) -> None:
    assert not dev.up_to_date()
    _finish(dev)
    assert dev.up_to_date()


@pytest.mark.parametrize(
    "name",
    [
        "setup.cfg",
        "pyproject.toml",
        "requirements-dev.txt",
        "constraints.txt",
        "industries/bakery/pyproject.toml",
    ],
)
def test_a_changed_packaging_file_installs_again(dev: ModuleType, name: str) -> None:
    _finish(dev)
    (dev.ROOT / name).write_text("changed", encoding="utf-8")
    assert not dev.up_to_date()


def test_a_new_pack_installs_again_and_is_found(dev: ModuleType) -> None:
    _finish(dev)
    (dev.ROOT / "industries" / "pharmacy").mkdir()
    (dev.ROOT / "industries" / "pharmacy" / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    assert not dev.up_to_date()
    assert dev.editable_arguments() == [
        "-r", "requirements-dev.txt", "-e", "./industries/bakery", "-e", "./industries/pharmacy",
    ]  # fmt: skip


def test_files_that_swap_their_content_are_a_change(dev: ModuleType) -> None:
    before = dev.fingerprint()
    first, second = dev.ROOT / "setup.cfg", dev.ROOT / "setup.py"
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert dev.fingerprint() != before


def test_a_moved_checkout_or_a_lost_python_installs_again(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _finish(dev)
    elsewhere = tmp_path.parent / (tmp_path.name + "-moved")
    tmp_path.rename(elsewhere)
    monkeypatch.setattr(dev, "ROOT", elsewhere)
    assert not dev.up_to_date()
    _finish(dev)
    dev.venv_program("python").unlink()
    assert not dev.up_to_date()


def test_other_files_do_not_install_again(dev: ModuleType) -> None:
    _finish(dev)
    (dev.ROOT / "plugs" / "pos_ops" / "README.md").write_text("text", encoding="utf-8")
    assert dev.up_to_date()


def test_an_environment_that_works_is_kept_and_a_broken_one_is_not(dev: ModuleType) -> None:
    assert dev.venv_works()
    dev.venv_program("python").unlink()
    assert not dev.venv_works()
    dev.venv_program("python").symlink_to("/nonexistent/python3")
    assert not dev.venv_works()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["--db", "both", "-n", "4", "--dist", "loadgroup"]),
        (
            ["tests/x.py", "-k", "name"],
            ["--db", "both", "-n", "4", "--dist", "loadgroup", "tests/x.py", "-k", "name"],
        ),
        (["--db", "sqlite"], ["-n", "4", "--dist", "loadgroup", "--db", "sqlite"]),
        (["--db=postgresql", "-n0"], ["--db=postgresql", "-n0"]),
        (["--pdb"], ["--db", "both", "--pdb"]),
    ],
)
def test_the_callers_pytest_arguments_win(dev: ModuleType, given: list[str], expected: list[str]) -> None:
    assert dev.test_arguments(given, 4) == expected


def test_data_dir_is_taken_out_and_the_rest_is_passed_on(dev: ModuleType) -> None:
    assert dev.take_option(["--port", "9", "--data-dir", "d", "--empty"], "--data-dir") == (
        "d",
        ["--port", "9", "--empty"],
    )
    assert dev.take_option(["--data-dir=d"], "--data-dir") == ("d", [])
    assert dev.take_option(["--port", "9"], "--data-dir") == (None, ["--port", "9"])
    with pytest.raises(dev.DevError, match="needs a value"):
        dev.take_option(["--data-dir"], "--data-dir")


def test_run_becomes_the_demo_command(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[tuple[str, ...]] = []
    monkeypatch.setattr(dev, "become", lambda *words: seen.append(words))
    _finish(dev)
    monkeypatch.chdir("/")
    dev.run(["--empty", "--data-dir", "shop"])
    dev.run(["--port", "9"])
    assert seen == [
        ("pos", "--data-dir", "/shop", "demo", "--empty"),
        ("pos", "--data-dir", str(tmp_path / "pos-data"), "demo", "--port", "9"),
    ]


def test_bench_gets_a_durable_server_of_its_own_unless_one_is_named(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, ...]] = []

    def become(*words: str) -> None:
        seen.append(words)
        raise SystemExit(0)

    monkeypatch.setattr(dev, "become", become)
    monkeypatch.setattr(dev, "ensure_postgres", lambda: None)
    _finish(dev)
    for name in ("POS_BENCH_POSTGRES", "POS_TEST_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit):
        dev.bench(["--check"])
    monkeypatch.setenv("POS_BENCH_POSTGRES", "postgresql:///postgres")
    with pytest.raises(SystemExit):
        dev.bench(["--check"])
    runner = ("python", "-m", "pos_core.testing.with_postgres", "--durable", "--")
    command = ("-m", "bench", "--check")
    assert seen == [(*runner, str(dev.venv_program("python")), *command), ("python", *command)]


def test_too_old_a_python_is_told_what_to_install(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "MINIMUM", (99, 0))
    with pytest.raises(dev.DevError, match=r"99\.0 or later is needed"):
        dev.check_python()


def test_missing_ensurepip_names_the_debian_package(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(dev.DevError, match="apt install python3-venv"):
        dev.check_python()


def test_clean_leaves_a_shops_data_alone(dev: ModuleType) -> None:
    (dev.ROOT / "pos-data").mkdir()
    (dev.ROOT / "pos-data" / "pos.db").write_text("sales", encoding="utf-8")
    (dev.ROOT / "build").mkdir()
    dev.clean([])
    assert not (dev.ROOT / ".venv").exists()
    assert not (dev.ROOT / "build").exists()
    assert (dev.ROOT / "pos-data" / "pos.db").read_text(encoding="utf-8") == "sales"


def _checkout_with_program(dev: ModuleType, body: str) -> Path:
    """A checkout whose `.venv` is finished and whose `pos` is a small program."""
    (dev.ROOT / "dev.py").write_bytes((ROOT / "dev.py").read_bytes())
    program = dev.venv_program("pos")
    program.write_text(f"#!{sys.executable}\n{body}", encoding="utf-8")
    program.chmod(0o755)
    _finish(dev)
    return dev.ROOT / "dev.py"


def test_second_start_is_quick_and_keeps_the_status(dev: ModuleType) -> None:
    """The fastest of five starts, less a bare Python's start, which a loaded machine slows down too."""
    script = _checkout_with_program(dev, "import sys; sys.exit(7)")

    def fastest(command: list[str]) -> tuple[float, int]:
        times, status = [], 0
        for _ in range(5):
            began = time.perf_counter()
            status = subprocess.run(command, capture_output=True, check=False).returncode
            times.append(time.perf_counter() - began)
        return min(times), status

    bare, _ = fastest([sys.executable, "-c", ""])
    full, status = fastest([sys.executable, str(script), "run"])
    assert status == 7
    assert full - bare < 0.5


def test_ctrl_c_reaches_the_program_itself(dev: ModuleType) -> None:
    script = _checkout_with_program(
        dev,
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(42))\n"
        "print('up', flush=True)\n"
        "time.sleep(30)\n",
    )
    process = subprocess.Popen([sys.executable, str(script), "run"], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=10) == 42


@pytest.mark.parametrize(("words", "status"), [(["help"], 0), ([], 0), (["nonsense"], 2)])
def test_help_needs_no_environment(words: list[str], status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "dev.py"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert "usage: python3 dev.py" in done.stdout + done.stderr
