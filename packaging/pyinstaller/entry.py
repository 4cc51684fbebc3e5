"""Where the packed executable starts."""

import signal
import sys

from bugwatch.cli import all_commands, main

all_commands()
signal.signal(signal.SIGINT, signal.default_int_handler)  # all is loaded: see quiet_start.py
sys.exit(main())
