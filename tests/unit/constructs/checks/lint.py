"""cfn-lint, for every template that a test synthesizes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cfnlint
import cfnlint.core

# What CDK itself writes: a function depends on its role, which it refers to; LegacyStackSynthesizer uses two of three
# parameters. CDK's own validation leaves the first out, too.
NOT_LINTED = ["W3005", "W2001"]


def linter() -> Callable[[Path], list[str]]:
    """What says what cfn-lint does about the templates below a folder; it looks at each once."""
    rules = cfnlint.core.get_rules(append_rules=[], ignore_rules=NOT_LINTED, include_rules=[])
    seen = set()

    def lint(folder: Path) -> list[str]:
        findings = []
        for path in sorted(folder.rglob("*.template.json")):
            template, region = path.read_text(), region_of(path)
            # CDK deploys no stack without resources.
            if (template, region) in seen or "Resources" not in json.loads(template):
                continue
            seen.add((template, region))
            for match in cfnlint.lint(template, rules=rules, config={"regions": [region], "ignore_checks": NOT_LINTED}):
                # Weak references are split by CDK itself, and deployed in its own tests; cfn-lint does not know it yet.
                if not ("Fn::GetStackOutput" in match.message and "Fn::Split" in match.path):
                    where = "/".join(map(str, match.path))
                    findings.append(f"{path.name}: {match.rule.id} {match.message} at {where}")
        return findings

    return lint


def region_of(template: Path) -> str:
    """Where the stack is; a usual region where that is not known at synth."""
    manifest = template.parent / "manifest.json"
    for artifact in json.loads(manifest.read_text())["artifacts"].values() if manifest.exists() else ():
        if artifact.get("properties", {}).get("templateFile") == template.name:
            region = artifact["environment"].rpartition("/")[2]
            return "eu-west-1" if region == "unknown-region" else region
    return "eu-west-1"
