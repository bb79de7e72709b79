"""`python -m imgver_sandbox` is `imgver-sandbox`."""

import sys

from imgver_sandbox.cli import main

sys.exit(main())
