"""The generated part of docs/: what the running modules say of themselves, as Markdown."""
