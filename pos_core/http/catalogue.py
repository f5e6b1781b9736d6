"""The error catalogue: every code that the installed modules can answer with, loaded or not."""

from __future__ import annotations

import html
import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pos_core.errors import CLIENT_CLASS, ErrorCode, catalogue
from pos_core.http.problems import STATUS

if TYPE_CHECKING:
    from pos_core.kernel import Kernel

log = logging.getLogger("pos.http")

_SKIPPED = {"testing", "tests", "templates", "migrations", "__pycache__"}


def packages(kernel: Kernel) -> list[str]:
    """The top-level packages of the core and of the running modules."""
    names = {m.plugin.__name__.partition(".")[0] for m in kernel.running() if m.plugin is not None}
    return sorted(names | {"pos_core"})


def sources(package: str) -> Iterator[tuple[str, Path]]:
    """(dotted name, file) of each Python file of an imported package, without tests, templates and migrations."""
    module = sys.modules[package]
    if not hasattr(module, "__path__"):
        if module.__file__:
            yield package, Path(module.__file__)
        return
    root = Path(next(iter(module.__path__)))
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if not _SKIPPED.intersection(parts):
            yield ".".join((package, *(p for p in parts if p != "__init__"))), file


def error_codes(kernel: Kernel) -> list[ErrorCode]:
    """Every code of the core and the running modules, by code.

    Codes register where they are defined, and some of those files load late (commands, jobs): they are loaded here,
    so that the catalogue does not depend on what this process has done before. A file that cannot be loaded (it
    belongs to a module that was set aside) is logged and left out.
    """
    for package in packages(kernel):
        for name, file in sources(package):
            if name not in sys.modules and _defines_codes(file):
                try:
                    importlib.import_module(name)
                except Exception:
                    log.exception("a file that defines error codes cannot be loaded", extra={"file": str(file)})
    return catalogue()


def _defines_codes(file: Path) -> bool:
    text = file.read_text(encoding="utf-8")
    return "define(" in text and "pos_core.errors" in text


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>3PlugPOS: error codes</title>
<link rel="stylesheet" href="{style}">
</head>
<body class="page">
<header><h1>Error codes</h1><p><a href="/docs">The API</a></p></header>
<main>
<p>Every error carries one of these codes; a code never changes its meaning. The class says what kind of reaction
fits: <code>user_can_correct</code>, <code>not_permitted</code>, <code>conflict</code> or <code>system_fault</code>.</p>
{entries}
</main>
</body>
</html>
"""

_ENTRY = """<section id="{code}">
<h2><a href="#{code}"><code>{code}</code></a> <small>{status} &middot; {client_class}</small></h2>
<p lang="en">{en}</p>
<p lang="es">{es}</p>
<p class="cure"><strong>What to do:</strong> {cure}</p>
</section>"""


def page(codes: list[ErrorCode], style: str) -> str:
    """The catalogue as an HTML page with an anchor per code; `style` is the address of its style sheet."""
    entries = [
        _ENTRY.format(
            code=html.escape(code.code), status=STATUS[code.kind], client_class=CLIENT_CLASS[code.kind],
            en=html.escape(code.en), es=html.escape(code.es), cure=_marked(code.cure),
        )
        for code in codes
    ]  # fmt: skip
    return _PAGE.format(style=html.escape(style), entries="\n".join(entries))


def _marked(text: str) -> str:
    """Escaped text with its `code` marks as elements."""
    parts = html.escape(text).split("`")
    if len(parts) % 2 == 0:
        return html.escape(text)
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
