"""Run first of all: whoever presses Ctrl-C while we are still loading wants an end, not a traceback.

entry.py takes this back once everything is loaded.
"""

import _signal  # the one that is loaded already

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)
