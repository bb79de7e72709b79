"""cfn-lint for the templates in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

# The CDK itself writes these: a function depends on its role although it refers to it, and LegacyStackSynthesizer
# declares a parameter that it does not use.
IGNORED = ["W3005", "W2001"]


def linter() -> Callable[[Path], list[str]]:
    """Return a function that lints the templates below a folder, each template once."""
    # The import takes three seconds, and most tests do not lint.
    import cfnlint  # noqa: PLC0415
    import cfnlint.core  # noqa: PLC0415

    rules = cfnlint.core.get_rules(append_rules=[], ignore_rules=IGNORED, include_rules=[])
    seen = set()

    def lint(folder: Path) -> list[str]:
        findings = []
        for path in sorted(folder.rglob("*.template.json")):
            template, region = path.read_text(), region_of(path)
            # The CDK does not deploy a stack without resources.
            if (template, region) in seen or "Resources" not in json.loads(template):
                continue
            seen.add((template, region))
            for match in cfnlint.lint(template, rules=rules, config={"regions": [region], "ignore_checks": IGNORED}):
                # cfn-lint does not know yet that Fn::Split accepts Fn::GetStackOutput, with which the CDK writes weak
                # references.
                if not ("Fn::GetStackOutput" in match.message and "Fn::Split" in match.path):
                    where = "/".join(map(str, match.path))
                    findings.append(f"{path.name}: {match.rule.id} {match.message} at {where}")
        return findings

    return lint


def region_of(template: Path) -> str:
    """Return the region of the stack, or eu-west-1 if it is not known at synth."""
    manifest = template.parent / "manifest.json"
    for artifact in json.loads(manifest.read_text())["artifacts"].values() if manifest.exists() else ():
        if artifact.get("properties", {}).get("templateFile") == template.name:
            region = artifact["environment"].rpartition("/")[2]
            return "eu-west-1" if region == "unknown-region" else str(region)
    return "eu-west-1"
