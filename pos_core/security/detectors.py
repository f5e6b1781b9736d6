"""Detectors: what a module finds suspicious, as data. The sweep counts; a detector only says what.

    Detector("sales.void_spike", actions=("sale:void",), by=("actor", "store"), threshold="watch.voids",
             window="watch.voids_minutes", en="{count} voids within {minutes} minutes.", es="...")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pos_core.manifest import Setting
from pos_core.plugins import StartError
from pos_core.security.kinds import SEVERITIES, Severity

if TYPE_CHECKING:
    from pos_core.kernel import Kernel

PERMISSION = "hq:security.manage"
SUBJECTS = ("actor", "store", "register", "device", "ip")


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that happened, as a detector is shown it: an audit entry, or (with `kind`) a security event.

    user: whom a security event is about (an id, or the digest of a name that nobody has). fact: the audit entry's
    payload, or the event's details. settings: as they hold in its store.
    """

    chain_id: str
    seq: int
    at: datetime
    action: str
    outcome: str
    actor: str | None
    store: str | None
    register: str | None
    device: str | None
    ip: str | None
    settings: Mapping[str, Any]
    time_zone: str = "UTC"
    kind: str = ""
    user: str | None = None
    fact: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Detector:
    """Counts what happened by subject within a window, and finds it suspicious from a threshold on.

    name: dotted, unique. actions: names of actions, `*` matches any letters ("*:edit"); ones that no module brings
    yet may be named. kinds: kinds of security events instead. outcomes: which of their outcomes count.
    by: what the subject is made of, of actor, store, register, device and ip; what lacks one of them does not count.
    threshold, window: keys of settings, a number (0: do not watch) and minutes, read in the store of what happened.
    weigh: what one counts for, 0 for nothing (1 without it). distinct: gives the value of which different ones are
    counted instead. en, es: the finding in a sentence, with {count}, {threshold} and {minutes}.
    """

    name: str
    threshold: str
    window: str
    en: str
    es: str
    actions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ("done",)
    by: tuple[str, ...] = ("actor", "store")
    severity: Severity = "warning"
    weigh: Callable[[Seen], int] | None = None
    distinct: Callable[[Seen], str | None] | None = None
    module: str = ""

    def matches(self, seen: Seen) -> bool:
        """Whether it counts such a thing at all, before it is weighed."""
        if seen.outcome not in self.outcomes or any(getattr(seen, part) is None for part in self.by):
            return False
        if seen.kind:
            return seen.kind in self.kinds
        return any(fnmatchcase(seen.action, pattern) for pattern in self.actions)

    def subject_of(self, seen: Seen) -> str:
        """The subject as text, the same for everything that is counted together."""
        return "|".join(f"{part}:{getattr(seen, part)}" for part in self.by)

    def message(self, language: str, **figures: Any) -> str:
        return (self.es if language == "es" else self.en).format(**figures)


def threshold(key: str, default: int, description: str) -> Setting:
    """The setting of a detector's threshold; 0 switches the detector off."""
    return Setting(key, "int", default, description, minimum=0, maximum=100_000, permission=PERMISSION, security=True)


def window(key: str, default: int, description: str) -> Setting:
    """The setting of a detector's window in minutes, at most a week."""
    return Setting(key, "int", default, description, minimum=1, maximum=10_080, permission=PERMISSION, security=True)


def collect(kernel: Kernel) -> dict[str, Detector]:
    """Every detector of the running modules by name. StartError names each that is not as it must be."""
    found: dict[str, Detector] = {}
    wrong: list[str] = []
    for module, given in kernel.registered("register_detectors"):
        for one in given:
            wrong += [f"{module.name}: {one.name}: {problem}" for problem in _problems(kernel, one, found)]
            values = {name: getattr(one, name) for name in one.__dataclass_fields__}
            found[one.name] = Detector(**{**values, "module": module.name})
    if wrong:
        raise StartError("detectors are not as they must be:\n  " + "\n  ".join(wrong))
    return found


def _problems(kernel: Kernel, one: Detector, known: Mapping[str, Detector]) -> Iterable[str]:
    if one.name in known:
        yield f"{known[one.name].module} has one of that name"
    if bool(one.actions) == bool(one.kinds):
        yield "it counts either actions or kinds of security events"
    if not one.by or set(one.by) - set(SUBJECTS):
        yield f"its subject is made of {', '.join(SUBJECTS)}"
    if one.severity not in SEVERITIES:
        yield f"its severity is one of {', '.join(SEVERITIES)}"
    declared = kernel.declared_settings()
    for key in (one.threshold, one.window):
        if key not in declared or declared[key].kind != "int":
            yield f"no manifest declares the whole number {key}"
