"""`python -m bugwatch`."""

import sys

from bugwatch.cli import main

sys.exit(main())
