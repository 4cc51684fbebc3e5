from __future__ import annotations

from hypothesis import settings

# A slow machine is no bug: what a test promises never depends on its time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
