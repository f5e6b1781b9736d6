"""`pos rules`: who reacts to what, in which order."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from pos_core import tracing
from pos_core.cli.main import open_kernel
from pos_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from pos_core.kernel import Kernel
    from pos_core.rules import Rule

#: The hooks that react to what happens, and the stage that each of them is.
HOOKS = {"before_action": "before", "after_action": "after", "audit_event": "audit", "on_event": "event"}
STAGES = ("before", "after", "audit", "event")


@dataclass(frozen=True, slots=True)
class Reaction:
    """One handler: what it reacts to ("*": everything), when, and everything that its place in the order depends on."""

    action: str
    stage: str
    priority: int
    depth: int
    module: str
    name: str
    source: str
    on_error: str


def reactions(kernel: Kernel, action: str | None = None, module: str | None = None) -> list[Reaction]:
    """The handlers of the modules that are on, in the order in which they are called at an action.

    action: only those that are called for it, wildcards among them. module: only its own. PosError
    `unknown_operation` for an action that nobody brings.
    """
    if action is not None:
        kernel.action(action)
    on = kernel.registry.enabled_set(None)
    found: list[tuple[Rule, str]] = [(rule, rule.stage) for rule in kernel.rules() if rule.module in on]
    for hook, stage in HOOKS.items():
        found += [(rule, stage) for rule in kernel.handlers(hook, None)]
    chosen = [
        (rule, stage) for rule, stage in found
        if action in (None, rule.action) or rule.action == "*"
    ]  # fmt: skip
    chosen.sort(key=lambda one: ("" if action else one[0].action, STAGES.index(one[1]), one[0].order))
    return [_reaction(rule, stage) for rule, stage in chosen if module in (None, rule.module)]


def _reaction(rule: Rule, stage: str) -> Reaction:
    return Reaction(rule.action, stage, rule.priority, rule.depth, rule.module, rule.function.__name__,
                    tracing.place(rule.function), rule.on_error if stage == "before" else "")


@click.command(name="rules")
@click.argument("action", required=False)
@click.option("--module", help="Only this module's.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def rules(context: click.Context, action: str | None, module: str | None, as_json: bool) -> None:
    """List who reacts to what, in the order of the calls; for ACTION only (sale:complete) where one is named.

    The order within a stage is (priority, depth, module, name). Rules for * and hooks see every action.
    """
    with open_kernel(context, require_instance=False) as kernel:
        found = reactions(kernel, action, module)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_table(
        ("Action", "Stage", "Priority", "Depth", "Module", "Name", "Source", "On error"),
        [(r.action, r.stage, str(r.priority), str(r.depth), r.module, r.name, r.source, r.on_error) for r in found],
    )
