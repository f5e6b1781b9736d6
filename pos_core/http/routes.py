"""Routes as data: what a module says about a door, and the checks that every door passes before the start."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pos_core.plugins import StartError
from pos_core.schemas import Params

if TYPE_CHECKING:
    from pos_core.actions import Action, Query
    from pos_core.kernel import Kernel

PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_VARIABLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One door: method and path under /api/v1, the action or query behind it, and its schemas.

    body: the request's schema where it is not the action's command. params: a query's parameters. answer: what
    stands under `data` (one, or a list of them with `paged` or `listed`). edits: the caller must say by If-Match which
    version it changes. media: a content type other than JSON, of which the query gives the text. upload: the larger
    body limit holds. token: whether the access token is read, ignored (signing in), or counts as none where it is no
    good (lenient). cookie: what the route does with the refresh token's cookie (`http/cookies.py`): give, exchange,
    end, beacon (end, and any body is ignored).
    """

    method: str
    path: str
    action: str = ""
    query: str = ""
    answer: type[BaseModel] | None = None
    params: type[Params] | None = None
    body: type[BaseModel] | None = None
    status: int = 0
    paged: bool = False
    listed: bool = False
    edits: bool = False
    media: str = ""
    upload: bool = False
    token: str = "read"
    cookie: str = ""
    tag: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(_VARIABLE.findall(self.path))

    @property
    def shape(self) -> str:
        """The path with its variables unnamed: two routes with the same shape are one door."""
        return _VARIABLE.sub("{}", self.path)


@dataclass(frozen=True, slots=True)
class Door:
    """A route bound to its module and to what it does."""

    route: Route
    module: str
    does: Action | Query

    @property
    def is_action(self) -> bool:
        return bool(self.route.action)

    @property
    def operation_id(self) -> str:
        """Unique over the API: the action's or query's name with `_`."""
        return self.does.name.replace(":", "_").replace(".", "_").replace("-", "_")

    @property
    def permissions(self) -> tuple[str, ...]:
        return self.does.permissions

    @property
    def status(self) -> int:
        return self.route.status or (self.does.status if self.is_action else 200)  # type: ignore[union-attr]


def collect(kernel: Kernel) -> list[Door]:
    """Every door of the running modules. StartError names each route that is unguarded, shapeless or in the way."""
    doors: list[Door] = []
    wrong: list[str] = []
    for module, given in kernel.registered("register_routes"):
        for route in given:
            problems = _problems(kernel, route, module.manifest.roots if module.manifest else ())
            if problems:
                wrong += [f"{module.name}: {route.method} {route.path}: {p}" for p in problems]
                continue
            does = kernel.action(route.action) if route.action else kernel.find_query(route.query)
            doors.append(Door(route, module.name, does))
    wrong += _collisions(doors)
    if wrong:
        raise StartError("routes are not as they must be:\n  " + "\n  ".join(wrong))
    return doors


def _problems(kernel: Kernel, route: Route, roots: Iterable[str]) -> list[str]:
    found = []
    if route.method not in METHODS:
        found.append(f"the method must be one of {', '.join(METHODS)}")
    if not any(route.path == root or route.path.startswith(root + "/") for root in roots):
        found.append("the path lies outside the manifest's roots")
    if bool(route.action) == bool(route.query):
        return [*found, "name either an action or a query"]
    known = {a.name for a in kernel.actions()} if route.action else {q.name for q in kernel.queries()}
    if (route.action or route.query) not in known:
        return [*found, f"{route.action or route.query} does not exist"]
    does = kernel.action(route.action) if route.action else kernel.find_query(route.query)
    if not does.permissions and not does.public:
        found.append(f"{does.name} has no permission and is not declared public")
    undeclared = [p for p in does.permissions if p not in kernel.permissions()]
    if undeclared:
        found.append(f"no manifest declares the permission {', '.join(undeclared)}")
    if route.answer is None and not route.media:
        found.append("it has no answer schema")
    if route.query and route.method != "GET":
        found.append("a query is read with GET")
    if route.action and route.method == "GET":
        found.append("GET must not change anything")
    return found


def _collisions(doors: list[Door]) -> list[str]:
    found = []
    seen: dict[tuple[str, str], Door] = {}
    variables: dict[str, tuple[str, Door]] = {}
    operations: dict[str, Door] = {}
    for door in doors:
        name = f"{door.module}: {door.route.method} {door.route.path}"
        other = seen.setdefault((door.route.method, door.route.shape), door)
        if other is not door:
            found.append(f"{name}: {other.module} has this door already")
        twin = operations.setdefault(door.operation_id, door)
        if twin is not door:
            found.append(f"{name}: {door.does.name} has a door already ({twin.route.method} {twin.route.path})")
        for match in _VARIABLE.finditer(door.route.path):
            prefix = _VARIABLE.sub("{}", door.route.path[: match.start()])
            first, owner = variables.setdefault(prefix, (match[1], door))
            if first != match[1]:
                found.append(f"{name}: calls {{{match[1]}}} what {owner.route.path} calls {{{first}}}")
    return found
