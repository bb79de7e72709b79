#!/usr/bin/env bash
# Expected: a linter of IAM policies accepts sagemaker:ListAliases for an image or for its versions, since these are the
# two kinds of resources of the action, as policy-sentry lists them.
# Observed: parliament wants both in one statement. Each of them alone is a RESOURCE_MISMATCH.
# Why it matters: a policy with least privilege, which names only the image or only its versions, is reported as wrong.
# Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages parliament==1.6.4 policy-sentry==0.15.2 'setuptools<81'

python -W ignore - >output <<'PY'
import json

import parliament
from policy_sentry.querying.actions import get_action_data

START = "arn:aws:sagemaker:eu-west-1:012345678901"
IMAGE, VERSIONS = f"{START}:image/data-science", f"{START}:image-version/data-science/*"
ALLOWED = {"the image": [IMAGE], "its versions": [VERSIONS], "both": [IMAGE, VERSIONS]}

for action in ["DescribeImageVersion", "ListAliases"]:
    kinds = [row["resource_arn_format"].split(":")[-1] for row in get_action_data("sagemaker", action)["sagemaker"]]
    print(action, "in policy-sentry:", *kinds)
    for name, resources in ALLOWED.items():
        statement = {"Effect": "Allow", "Action": f"sagemaker:{action}", "Resource": resources}
        policy = parliament.analyze_policy_string(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        print(f"  {name} in parliament:", *[finding.issue for finding in policy.findings] or ["accepted"])
PY

expect "The resources of two actions:" <<'OUTPUT'
DescribeImageVersion in policy-sentry: image-version/${ImageName}/${Version}
  the image in parliament: RESOURCE_MISMATCH
  its versions in parliament: accepted
  both in parliament: accepted
ListAliases in policy-sentry: image/${ImageName} image-version/${ImageName}/${Version}
  the image in parliament: RESOURCE_MISMATCH
  its versions in parliament: RESOURCE_MISMATCH
  both in parliament: accepted
OUTPUT
