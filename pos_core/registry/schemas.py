"""Requests and answers about modules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from pos_core.schemas import Answer, Command, Id, Json, PageParams, Params, Reasoned

ModuleName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=100),
    Field(description="The module's name, such as ops.sales."),
]


class SwitchModule(Reasoned):
    """Without a store the switch is for the business and speaks for every store."""

    module: ModuleName
    store_id: Id | None = Field(None, description="The store to switch it in; without it the whole business.")
    cascade: bool = Field(False, description="Take along what it needs (on) or what needs it (off).")
    dry_run: bool = Field(False, description="Tell what would happen and do nothing.")


class ReleaseHandler(Reasoned):
    """Tell a subscriber of events again."""

    module: ModuleName
    handler: str = Field(max_length=200, description="The handler as GET /modules/{module} names it.")


class SuspendHandler(Command):
    """What the core itself records of a subscriber that failed again and again."""

    module: ModuleName
    handler: str
    failures: int
    error: str


class RecordModules(Command):
    """Nothing to say: recorded is what is installed."""


class PurgeModule(Reasoned):
    """What was dropped, and where it was exported to."""

    module: ModuleName
    tables: tuple[str, ...]
    rows: int
    file: str
    sha256: str


class Work(Answer):
    """Open work that switching off would leave behind."""

    module: str
    name: str
    title: str
    count: int
    items: list[Json]


class Quiet(Answer):
    """What can no longer be used where these modules are off."""

    routes: list[str]
    actions: list[str]
    queries: list[str]
    rules: list[str]
    reports: list[str]
    detectors: list[str]
    settings: list[str]
    permissions: list[str]


class SwitchAnswer(Answer):
    """What a switch did, or with `dry_run` would do. `changed` is empty where it was so already."""

    id: str | None
    module: str
    store_id: str | None
    enabled: bool
    dry_run: bool
    changed: list[str]
    dependants: list[str] = Field(description="What is on and needs it, directly or through others.")
    needs: list[str] = Field(description="What it needs, directly or through others, and is off.")
    open_work: list[Work]
    quiet: Quiet | None = Field(description="What goes quiet; null where it is switched on.")


class Released(Answer):
    """A subscriber that is told of events again."""

    id: str
    module: str
    handler: str
    released_at: str


class StoreState(Answer):
    """What holds in one store that was switched apart from the business."""

    store_id: str
    enabled: bool
    at: str
    actor_name: str


class Size(Answer):
    """The data of a module. `rows` is counted for one module and estimated in the list; bytes where it is known."""

    tables: int
    rows: int
    bytes: int | None


class HandlerAnswer(Answer):
    """A rule or hook of the module: how often it was called since the processes started, and how long it took."""

    handler: str
    hook: str
    on_error: str
    calls: int
    failures: int
    slow: int
    mean_ms: float
    max_ms: float
    last_error: str
    quarantined: bool


class ModuleAnswer(Answer):
    """A module as it stands."""

    name: str
    title: str
    version: str
    distribution: str
    state: str = Field(description="on, off, set_aside or gone; at a store as it holds there.")
    decided_by: str = Field(description="core, configuration, switch, default, dependency or error.")
    core: bool
    industry: str
    core_api: str
    depends: list[str]
    extras: list[str]
    dependants: list[str]
    error: str
    stores: list[StoreState]
    switched_at: str | None
    switched_by: str | None
    first_seen_at: str | None
    size: Size


class ModuleDetail(ModuleAnswer):
    """One module, with what it brings, its data table by table and its handlers."""

    tables: list[Json]
    brings: Quiet
    handlers: list[HandlerAnswer]


class HistoryEntry(Answer):
    """A switch or a version that was new."""

    kind: str
    at: str
    version: str | None
    enabled: bool | None
    store_id: str | None
    actor_name: str | None
    reason: str | None
    reason_note: str | None
    error: str


class ModulesParams(PageParams):
    """Filters of the list. `store_id`: show what holds in that store."""

    store_id: Id | None = None
    state: str | None = Field(None, pattern="^(on|off|set_aside|gone)$")
    industry: str | None = Field(None, max_length=40)


class OneModuleParams(Params):
    """`store_id`: show what holds in that store."""

    store_id: Id | None = None


class PreviewParams(Params):
    """What is asked about."""

    enabled: bool = Field(description="Whether it is to be on.")
    store_id: Id | None = None
    cascade: bool = False
