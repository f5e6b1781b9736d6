"""Trees of departments and categories: small enough to be read whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Deeper trees are somebody's mistake, and no till can show them.
MAX_LEVELS = 8

Parents = Mapping[str, str | None]


def parents_of(model: Any) -> dict[str, str | None]:
    """Every node of a tree with its parent (None: a root)."""
    return {str(node): parent and str(parent) for node, parent in model.select(model.id, model.parent).tuples()}


def below(parents: Parents, root: str) -> list[str]:
    """A node and everything below it."""
    children: dict[str, list[str]] = {}
    for node, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(node)
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += children.get(node, [])
    return found


def path_up(parents: Parents, node: str | None) -> list[str]:
    """A node and everything above it, upwards; stops where a node comes again."""
    found: list[str] = []
    while node is not None and node not in found:
        found.append(node)
        node = parents.get(node)
    return found


def height(parents: Parents, root: str) -> int:
    """How many levels stand in the tree below and with `root`."""
    return max(len(path_up(parents, node)) for node in below(parents, root)) - len(path_up(parents, root)) + 1
