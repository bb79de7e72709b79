"""The share of mutants that made a test fail, from what `mutmut results --all true` prints; fails below 90 %."""

from __future__ import annotations

import sys

WANTED = 90.0
ALIVE = ("survived", "no tests")


def main() -> int:
    """Print the survivors and the score."""
    results = [line.strip().rpartition(": ") for line in sys.stdin if "__mutmut_" in line]
    alive = sorted(name for name, _, status in results if status in ALIVE)
    score = 100 * (len(results) - len(alive)) / len(results) if results else 0.0
    sys.stdout.write("\n".join(alive))
    sys.stdout.write(f"\n{len(results)} mutants, {len(alive)} alive: {score:.1f} % made a test fail\n")
    return 0 if score >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
