"""Small pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

HEAD = "<!-- Made by `pos docs` from the running modules; edit their source instead. -->"


def page(title: str, intro: str, *parts: str) -> str:
    """A whole page, ending in one newline."""
    return "\n\n".join(part.strip("\n") for part in (HEAD, f"# {title}", intro, *parts) if part.strip()) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty when there are no rows."""
    body = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    if not body:
        return ""
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads), *body])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Inline code; nothing for nothing."""
    return f"`{text}`" if text else ""


def codes(texts: Iterable[str], glue: str = ", ") -> str:
    """Several pieces of inline code."""
    return glue.join(f"`{text}`" for text in texts)
