"""For all tests, those of plugins too: how often a property is tried, with no deadline."""

from __future__ import annotations

import os

from hypothesis import settings

EXAMPLES = int(os.environ.get("RYNXS_EXAMPLES", "50"))

settings.register_profile("rynxs", deadline=None, max_examples=EXAMPLES)
settings.load_profile("rynxs")
