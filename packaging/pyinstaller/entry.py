"""Where the packed executable starts."""

import sys

from bugwatch.cli import main

sys.exit(main())
