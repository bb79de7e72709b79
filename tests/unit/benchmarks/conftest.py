"""Adds the folder of the benchmarks to sys.path, because the benchmarks import each other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
