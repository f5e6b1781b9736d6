"""The schema of pos-admin, one numbered file per change; applied by `pos migrate`, never while serving."""

from __future__ import annotations
