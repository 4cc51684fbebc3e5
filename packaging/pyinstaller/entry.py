"""Where the packed executable starts."""

import signal
import sys

from bugwatch.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
