"""What every pack must keep, as checks: `pos check` prints them as a table, `ModuleConformance` runs them as tests.

Each check is a function (lab) that yields a sentence for everything that is wrong. `needs` names the checks without
which it says nothing: it is then not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pos_core.testing import reading, upgrading, working

if TYPE_CHECKING:
    from pos_core.testing.lab import Lab


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, what must hold, and what to do where it does not."""

    name: str
    holds: str
    cure: str
    run: Callable[[Lab], Iterable[str]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found; `blocked` names the failed check without which it could not be run."""

    check: Check
    problems: tuple[str, ...] = ()
    blocked: str = ""

    @property
    def state(self) -> str:
        return "not run" if self.blocked else "failed" if self.problems else "ok"


_LOADED = ("manifest", "core_api", "dependencies", "hooks")
_RUNS = (*_LOADED, "migrations")

CHECKS: tuple[Check, ...] = (
    Check("manifest", "each module has a sound manifest with its entry point's name and the distribution's version",
          "Mend MANIFEST in plugin.py, or the entry point in pyproject.toml.", reading.manifest),
    Check("core_api", "core_api is a range with an upper bound that holds this core",
          'Write core_api=">=1,<2" in the manifest: the range of contracts that the pack was tried with.',
          reading.core_api, ("manifest",)),
    Check("dependencies", "what the modules depend on is installed and not circular, and pos-core is required",
          "Mend `depends` in the manifest and `dependencies` in pyproject.toml.", reading.dependencies, ("manifest",)),
    Check("hooks", "hook implementations fit the specifications, and none is a wrapper",
          "See the reference of hooks for names and arguments; replace a wrapper by before and after rules.",
          reading.hooks, ("manifest", "core_api", "dependencies")),
    Check("routes", "routes lie under the manifest's roots and have a permission and an answer schema",
          "Mend the routes, or the manifest's roots and permissions.", reading.routes, _LOADED),
    Check("documented", "codes, settings, permissions, actions and modules are described, codes in both languages",
          "Write what is missing where the thing is declared.", reading.documented, _LOADED),
    Check("tables", "tables begin with the distribution's prefix",
          "Name tables by the distribution without pos-: pos-liquor owns liquor_...", reading.tables, _LOADED),
    Check("migrations", "the migrations make, from nothing, exactly what the models declare, triggers too",
          "Write a migration for what differs (python -m pos_core.db.ddl PREFIX FILE writes a first one).",
          reading.migrations, (*_LOADED, "tables")),
    Check("upgrade", "migrations run one after the other, and one that fails leaves nothing behind",
          "Let each build on those before it, and leave BEGIN and COMMIT to the runner.",
          upgrading.upgrade, (*_LOADED, "migrations")),
    Check("imports", "only pos_core's public modules are imported, and no plug",
          "Reach neighbours through ctx.query, ctx.perform, rules and hooks; pos_core.public lists what is public.",
          reading.imports),
    Check("wheel", "the wheel holds every file of the packages and announces the modules",
          "Mend [tool.setuptools] in pyproject.toml: packages.find and package-data.", reading.wheel),
    Check("examples", "every action has an example that works, and every rule ran",
          "Give EXAMPLES in examples.py beside plugin.py: {action: function(shop) -> command}.",
          working.examples, _RUNS),
    Check("doors", "a module that is off is off at every door",
          "Bring everything through routes, actions, queries, rules, hooks and reports; do nothing at import.",
          working.doors, (*_RUNS, "routes")),
    Check("permissions", "no door and no action is open to somebody without a permission",
          "Give each action and query a permission that the manifest declares, and do not declare it public.",
          working.permissions, (*_RUNS, "routes")),
    Check("before_rules", "before rules write nothing",
          "Write in a service or an after rule; a before rule returns violations.", working.before_rules, _RUNS),
    Check("after_rules", "where an after rule fails, no row, audit entry or outbox entry is left",
          "Do nothing in a transaction of its own: no ctx.perform in `beforehand`.", working.after_rules, _RUNS),
    Check("network", "rules, hooks and services keep off network, programs, sleep and databases of their own",
          "Do it after the commit in a job that an event starts.", working.network, _RUNS),
    Check("idempotency", "the same key has one effect",
          "Keep effects inside the action; what happens in `beforehand` happens at each repeat.",
          working.idempotency, _RUNS),
    Check("audit", "every write is audited, and the chains are whole",
          "Write through an action: ctx.perform in a handler of events.", working.audited, _RUNS),
    Check("events", "events are past-tense facts that serialise: plain data, no float",
          "Name them entity:past and give ids, text and whole numbers.", working.events, _RUNS),
    Check("speed", "no rule or hook takes longer than its budget",
          "Read less: a rule runs while a customer waits. Compute in `prepare`, once.", working.speed, _RUNS),
)


def run(lab: Lab, only: Sequence[str] = (), without: Sequence[str] = ()) -> Iterator[Result]:
    """Run the checks in their order, each once for a lab. KeyError for a name that is no check's."""
    unknown = {*only, *without} - {check.name for check in CHECKS}
    if unknown:
        raise KeyError(f"there is no check {', '.join(sorted(unknown))}")
    failed: set[str] = set()
    chosen = _with_needs(only) if only else {check.name for check in CHECKS}
    for check in CHECKS:
        if check.name not in chosen or check.name in without:
            continue
        result = lab.results.get(check.name)
        if result is None:
            blocked = next((name for name in check.needs if name in failed), "")
            result = Result(check, blocked=blocked) if blocked else Result(check, _found(check, lab))
            lab.results[check.name] = result
        if result.state != "ok":
            failed.add(check.name)
        yield result


def _found(check: Check, lab: Lab) -> tuple[str, ...]:
    try:
        return tuple(check.run(lab))
    except Exception as error:  # noqa: BLE001 - whatever a pack breaks is told, and the other checks go on
        return (f"the check broke off: {type(error).__name__}: {error}",)


def _with_needs(names: Iterable[str]) -> set[str]:
    by_name = {check.name: check for check in CHECKS}
    return {needed for name in names for needed in (name, *by_name[name].needs)}
