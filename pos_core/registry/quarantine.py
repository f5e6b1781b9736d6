"""Subscribers that fail again and again: they are told of nothing more, until somebody releases them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pos_core.registry.health import FAILURES

if TYPE_CHECKING:
    from pos_core.kernel import Kernel
    from pos_core.rules import Rule

log = logging.getLogger("pos.modules")


def failed(kernel: Kernel, handler: Rule, error: Exception) -> None:
    """Count a subscriber's failure; at the last straw it is suspended, in every process from its next request on."""
    if handler.meter is None or handler.meter.failed(error) < FAILURES:
        return
    count, handler.meter.in_a_row = handler.meter.in_a_row, 0
    command = {"module": handler.module, "handler": handler.name, "failures": count,
               "error": handler.meter.last_error}  # fmt: skip
    try:
        kernel.perform(kernel.system_context("modules", channel="system"), "module:suspend", command)
    except Exception:
        log.exception("a subscriber could not be suspended", extra={"handler": handler.name})
    else:
        log.error("a subscriber was suspended", extra={"handler": handler.name, "failures": count})
