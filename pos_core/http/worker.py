"""A worker: waitress on the supervisor's socket, until it is told to stop, and then every running request to its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:

    pass

log = logging.getLogger("pos.http.worker")

#: Exit status of a worker that could not begin to serve.
CANNOT_START = 3
