"""Lets `python -m imgver_sandbox` run the command `imgver-sandbox`."""

import sys

from imgver_sandbox.cli.main import main

sys.exit(main())
