"""What is still open in a module: what somebody would leave behind who switches it off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pos_core.context import Context


@dataclass(frozen=True, slots=True)
class OpenWork:
    """One kind of open work: a name (`open_sessions`), a title in two languages, and what it is, each as plain data.

    Every item has an `id` and a `label`; whatever else helps to find it (`store_id`, `lines`) may stand beside them.
    """

    name: str
    en: str
    es: str
    items: tuple[Mapping[str, Any], ...]

    def view(self, module: str, language: str) -> dict[str, Any]:
        """The work as the API shows it, at most fifty things of it."""
        return {
            "module": module, "name": self.name, "title": self.es if language == "es" else self.en,
            "count": len(self.items), "items": [dict(item) for item in self.items[:50]],
        }  # fmt: skip


def open_work(ctx: Context, module: str, store_id: str | None) -> list[dict[str, Any]]:
    """What modules that are on answer about open work in `module`, in a store (None: in all)."""
    found: list[dict[str, Any]] = []
    for handler in ctx.kernel.handlers("open_work", store_id, ctx.revision):
        answered: Iterable[OpenWork] = handler.call({"ctx": ctx, "module": module, "store_id": store_id}) or ()
        found += [work.view(module, ctx.language) for work in answered if work.items]
    return found
