"""Print what the function's role used in the end-to-end tests beside what it was granted; exit with 1 when they differ.

    make permissions

The argument is the file that the tests leave: {"used": […], "granted": […]}, both lists of [action, resource].
"""

import json
import re
import sys
from pathlib import Path

# A version's number and a log stream's name are not known when permissions are granted.
WILDCARDS = [(re.compile(r"(:image-version/[^/]+/)[^/]+"), r"\1*"), (re.compile(r"(:log-group:[^:]+:).*"), r"\1*")]


def granted_as(resource):
    """A resource as a policy names it."""
    for pattern, wildcard in WILDCARDS:
        resource = pattern.sub(wildcard, resource)
    return resource


def folded(pair):
    """A pair whatever the spelling of the image's name: which one SageMaker authorises is not documented."""
    return tuple(text.lower() for text in pair)


def compare(used, granted):
    """Rows of action, resource, whether it was used and whether it was granted."""
    used = {(action, granted_as(resource)) for action, resource in used}
    granted = set(map(tuple, granted))
    folded_used, folded_granted = set(map(folded, used)), set(map(folded, granted))
    return [(*pair, folded(pair) in folded_used, folded(pair) in folded_granted) for pair in sorted(used | granted)]


def main():
    pairs = json.loads(Path(sys.argv[1]).read_text())
    rows = compare(pairs["used"], pairs["granted"])
    width = max((len(action) for action, *_ in rows), default=0)
    sys.stdout.write(f"used  granted  {'action':{width}}  resource\n")
    for action, resource, is_used, is_granted in rows:
        marks = "yes " if is_used else "NO  ", "yes    " if is_granted else "NO     "
        sys.stdout.write(f"{'  '.join(marks)}  {action:{width}}  {resource}\n")
    return 0 if rows and all(is_used and is_granted for *_, is_used, is_granted in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
