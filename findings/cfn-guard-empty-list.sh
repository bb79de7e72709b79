#!/usr/bin/env bash
# Expected: a rule that no alias is "latest" passes for a version whose list of aliases is empty.
# Observed: cfn-guard's rules engine fails the rule for the empty list, as it does for a version without the property.
# Why it matters: the rule rejects exactly the versions that have no alias at all. It needs a condition such as
# `when Properties.Aliases !empty`. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages cfn-guard-rs==0.3.3

python - >output <<'PY'
import cfn_guard_rs

CLAUSE = "Resources.Version.Properties.Aliases[*] != 'latest'"
RULES = {
    "rule": f"rule no_latest {{ {CLAUSE} }}",
    "rule with a condition": f"rule no_latest when Resources.Version.Properties.Aliases !empty {{ {CLAUSE} }}",
}
for name, rule in RULES.items():
    for aliases in (["stable"], ["latest"], []):
        properties = {"ImageName": "data-science", "BaseImage": "repository:1.0.0", "Aliases": aliases}
        template = {"Resources": {"Version": {"Type": "AWS::SageMaker::ImageVersion", "Properties": properties}}}
        print(name, aliases, str(cfn_guard_rs.run_checks(template, rule).status).split(".")[-1])
PY

expect "The rule fails for an empty list:" <<'OUTPUT'
rule ['stable'] PASS
rule ['latest'] FAIL
rule [] FAIL
rule with a condition ['stable'] PASS
rule with a condition ['latest'] FAIL
rule with a condition [] SKIP
OUTPUT
