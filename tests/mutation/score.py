"""Computes the share of mutants that made a test fail, from the output of `mutmut results --all true`.

It exits with 1 when the share is below 95 %, or when some mutants were not tried.
"""

from __future__ import annotations

import sys

REQUIRED = 95.0
ALIVE = ("survived", "no tests")
NOT_TRIED = "not checked"


def main() -> int:
    """Print the survivors and the score."""
    results = [line.strip().rpartition(": ") for line in sys.stdin if "__mutmut_" in line]
    tried = [(name, status) for name, _, status in results if status != NOT_TRIED]
    alive = sorted(name for name, status in tried if status in ALIVE)
    score = 100 * (len(tried) - len(alive)) / len(tried) if tried else 0.0
    sys.stdout.write("\n".join(alive))
    sys.stdout.write(f"\n{len(tried)} mutants, {len(alive)} alive: {score:.1f} % made a test fail\n")
    if len(tried) < len(results):
        sys.stdout.write(f"{len(results) - len(tried)} more were not tried: let the run finish\n")
        return 1
    return 0 if score >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
