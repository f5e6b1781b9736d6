"""The page of sensitive fields: what is masked, for whom, and through which doors it could be seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pos_core.documentation.markdown import code, codes, page, table
from pos_core.http.masking import DoorMask
from pos_core.http.routes import Door
from pos_core.kernel import Kernel
from pos_core.rbac.shapes import Shape

_INTRO = """\
A sensitive field is declared once, in its module's manifest, and masked at every door for those who hold none of its
`view` permissions in their context. A masked field is null, and `meta.masked` names it; a CSV keeps the column, empty,
and the header `Masked-Fields` names it. It is masked in reads, lists, reports, exports, the entries of the audit, and
in repeated answers too, for whoever repeats them.

Setting it without one of its `edit` permissions is refused with `field_denied`, whichever way it comes in: every field
at once, and nothing is written. Nothing can be searched, filtered or sorted by a masked field (`field_masked`), and a
report with a masked column is ordered by what is shown.

The ETag of a masked answer is weak (`W/"3"`): good for If-Match, and never answered with 304."""


def fields(kernel: Kernel, doors: Iterable[Door]) -> str:
    """The page of sensitive fields."""
    rows = [
        (code(one.code), one.description, codes(one.fields), codes(one.view), codes(one.edit),
         "yes" if one.blind else "")
        for one in kernel.masks.declared
    ]  # fmt: skip
    heads = ("Field", "Meaning", "Names", "Seen with", "Set with", "May be set unseen")
    found = sorted((door.route.path, door.route.method, codes(names)) for door, names in _doors(kernel, doors))
    places = table(("Route", "Masked"), [(code(f"{method} {path}"), names) for path, method, names in found])
    recorded = [(code(one.name), code(one.sensitive)) for one in kernel.queries() if one.sensitive]
    return page(
        "Sensitive fields", _INTRO, "## The fields\n\n" + table(heads, rows), f"## Where they stand\n\n{places}",
        "## Reads that are recorded\n\nWho sees the field leaves an entry in the audit with each of these reads, but "
        "for what they read about themselves.\n\n" + table(("Query", "For the sake of"), recorded),
    )  # fmt: skip


def _doors(kernel: Kernel, doors: Iterable[Door]) -> Iterator[tuple[Door, list[str]]]:
    for door in doors:
        shape = DoorMask(kernel.masks, door).shape
        names = sorted(_names(shape, "")) if shape is not None else []
        if names:
            yield door, names


def _names(shape: Shape, path: str) -> Iterator[str]:
    yield from (path + name for name in shape.leaves)
    for name, part in shape.parts.items():
        yield from _names(part, f"{path}{name}.")
