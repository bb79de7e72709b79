"""`python -m imgver_sandbox` is `imgver-sandbox`."""

import sys

from imgver_sandbox.cli.main import main

sys.exit(main())
