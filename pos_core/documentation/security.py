"""The generated page of security events and detectors."""

from __future__ import annotations

from collections.abc import Iterable

from pos_core.actions import Action
from pos_core.documentation.markdown import code, codes, page, table
from pos_core.http.catalogue import error_codes
from pos_core.kernel import Kernel
from pos_core.security import detectors, kinds
from pos_core.security.kinds import SecurityKind

_INTRO = (
    "Each of these is a row of the security log beside an entry of the audit chains, written in the same transaction "
    "and under the same request id; how that works stands in [the security log](security-log.md). The severity is "
    "that of what was done, then that of an attempt that was refused, denied or failed."
)
_DETECTORS = (
    "A detector counts what was done, by subject, within a window. Threshold and window are settings, a threshold of "
    "0 watches nothing. What reaches the threshold is one finding per subject and window."
)


def security_events(kernel: Kernel) -> str:
    """The page of the kinds of security events, and of the detectors of the installed modules."""
    actions = kernel.actions()
    declared: dict[str, list[str]] = {}
    for error in error_codes(kernel):
        if error.security:
            declared.setdefault(error.security, []).append(error.code)
    rows = [_kind_row(kind, actions, declared.get(kind.name, ())) for kind in kinds.kinds()]
    heads = ("Kind", "Severity", "English", "Spanish", "Actions", "Error codes")
    watching = [
        (code(one.name), codes((*one.actions, *one.kinds)), ", ".join(one.by), code(one.threshold), code(one.window),
         one.severity, one.en, one.es, code(one.module))
        for one in detectors.collect(kernel).values()
    ]  # fmt: skip
    watch_heads = ("Detector", "Counts", "By", "Threshold", "Minutes", "Severity", "English", "Spanish", "Module")
    return page("Security events", _INTRO, "## Kinds", table(heads, rows), "## Detectors", _DETECTORS,
                table(watch_heads, sorted(watching)))


def _kind_row(kind: SecurityKind, actions: Iterable[Action], errors: Iterable[str]) -> tuple[str, ...]:
    named = [action.name for action in actions if action.security == kind.name]
    return (code(kind.name), f"{kind.severity}, {kind.otherwise}", kind.en, kind.es, codes(named), codes(errors))
