"""The schema of pos-core, one numbered file per change; installed as `pos_core.migrations`.

Files are named `NNN_what.py` (three digits) and are applied by `pos migrate` in one transaction with those of every
other distribution, never while serving.
"""

from __future__ import annotations
