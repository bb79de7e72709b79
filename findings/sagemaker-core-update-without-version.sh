#!/usr/bin/env bash
# Expected: update() of an ImageVersion object changes that version, as delete() deletes that version.
# Observed: update() sends no version unless it is passed once more. delete() and refresh() send it.
# Why it matters: without a version, the service chooses one. An alias that is added to an old version through this
# object, for example to go back to it, is not added to that version. Pass version=. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages sagemaker-core==2.27.0 boto3==1.44.8

HOME=$folder python - 2>/dev/null >output <<'PY'
import json

import botocore.client

calls = []


def record(client, operation, parameters):
    """Stands for the service: it records the call and returns a description of version 2."""
    calls.append(f"{operation} {json.dumps(parameters)}")
    return {"Version": 2, "ImageVersionStatus": "CREATED"}


botocore.client.BaseClient._make_api_call = record

from sagemaker.core.resources import ImageVersion

version = ImageVersion(image_name="data-science", version=2)
version.update(aliases_to_add=["stable"])
version.delete()
print("\n".join(calls))
PY

expect "Only update() omits the version of the object:" <<'OUTPUT'
UpdateImageVersion {"ImageName": "data-science", "AliasesToAdd": ["stable"]}
DescribeImageVersion {"ImageName": "data-science", "Version": 2}
DeleteImageVersion {"ImageName": "data-science", "Version": 2}
OUTPUT
