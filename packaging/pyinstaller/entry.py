"""Where the packed executable starts."""

import signal
import sys

from bugwatch.symbolicators import child

if sys.argv[1:2] == [child.VERB]:
    child.main()
    sys.exit()

from bugwatch.cli import all_commands, main  # only now: the child needs none of it

all_commands()
signal.signal(signal.SIGINT, signal.default_int_handler)  # all is loaded: see quiet_start.py
sys.exit(main())
