"""The core's own detectors: edits outside the opening hours, and sign-ins tried under many names from one address."""

from __future__ import annotations

from pos_core.manifest import Setting
from pos_core.security import hours
from pos_core.security.detectors import PERMISSION, Detector, Seen, threshold, window

HOURS = tuple(f"security.hours_{day}" for day in hours.DAYS)
#: What changes something that stays; selling, counting a drawer and signing in are no edits.
EDITS = (
    "*:edit", "*:create", "*:change", "*:reset", "*:adjust", "*:activate", "*:deactivate", "*:set_*", "*:import*",
    "*:delete", "*:remove", "*:assign", "*:unassign", "*:review", "*:void", "*:refund",
)  # fmt: skip


def outside_hours(seen: Seen) -> int:
    """1 for what happened while the store was closed."""
    return 0 if hours.is_open([seen.settings[key] for key in HOURS], seen.at, seen.time_zone) else 1


def name_tried(seen: Seen) -> str | None:
    """Whose name was tried."""
    return seen.user


DETECTORS = (
    Detector(
        "security.after_hours", actions=EDITS, by=("actor", "store"), threshold="security.after_hours_edits",
        window="security.after_hours_minutes", weigh=outside_hours,
        en="{count} edits outside the opening hours within {minutes} minutes.",
        es="{count} ediciones fuera del horario de apertura en {minutes} minutos.",
    ),
    Detector(
        "security.names_tried", kinds=("sign_in",), outcomes=("refused", "denied"), by=("ip",),
        threshold="security.names_tried", window="security.names_tried_minutes", distinct=name_tried,
        severity="critical",
        en="Sign-ins failed under {count} different names from one address within {minutes} minutes.",
        es="Fallaron inicios de sesión con {count} nombres distintos desde una dirección en {minutes} minutos.",
    ),
)  # fmt: skip


SETTINGS = (
    *(
        Setting(key, "text", "",
                f"When the store is open on a {day.title()}, such as 09:00-13:00,16:00-20:30 or 18:00-02:00; `closed` "
                "where it is not. Empty: nothing counts as after hours.",
                maximum=100, permission=PERMISSION, security=True)
        for key, day in zip(HOURS, hours.DAYS, strict=True)
    ),
    threshold("security.after_hours_edits", 1,
              "Edits by one person outside the opening hours that raise a finding; 0 raises none."),
    window("security.after_hours_minutes", 60, "Within how many minutes edits after hours are counted together."),
    threshold("security.names_tried", 5,
              "Different names under which signing in failed from one address that raise a finding; 0 raises none."),
    window("security.names_tried_minutes", 10, "Within how many minutes names that were tried are counted together."),
    Setting("security.recorded_attempts_anonymous", "int", 30,
            "Failed attempts a minute that are recorded one by one from one address without a sign-in, ten times as "
            "many from all addresses together; what exceeds it is recorded as a number.",
            minimum=1, maximum=10_000, per_store=False, permission=PERMISSION, security=True),
    Setting("security.recorded_attempts_signed_in", "int", 120,
            "Failed attempts a minute that are recorded one by one in one sign-in; what exceeds it is recorded as a "
            "number.", minimum=1, maximum=10_000, per_store=False, permission=PERMISSION, security=True),
)
