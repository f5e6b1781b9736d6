"""How each door of a module is shut while it is off. A hook that is not named here fails the tests.

`called`: each call goes through `Kernel.handlers` or the plan of an action, which know only modules that are on here.
`asked`: collected once at the start, and whether the module is on is asked at each use. `start`: called once, at a
start or a first run, for the modules that are on then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Guard = Literal["called", "asked", "start"]

HOOKS: Mapping[str, Guard] = {
    "register_routes": "asked",
    "register_reports": "asked",
    "register_detectors": "asked",
    "register_mfa_providers": "called",
    "register_rule_facts": "asked",
    "register_tabs": "called",
    "open_work": "called",
    "before_action": "called",
    "after_action": "called",
    "audit_event": "called",
    "on_event": "called",
    "kernel_started": "start",
    "kernel_stopping": "start",
    "first_run": "start",
    "load_demo": "start",
    "verify_facts": "called",
}

#: What a module declares and that stays while it is off, with the reason.
STAYS: Mapping[str, str] = {
    "fields": "what was masked stays masked in the data that is kept",
    "approvals": "what others were asked for before can still be decided",
    "transitions": "states of data that is kept",
    "tables": "data is kept; only `pos modules purge` drops it",
}
