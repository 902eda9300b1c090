"""``python -m saccade`` is the command ``saccade``."""

import sys

from saccade.cli.main import main

sys.exit(main())
