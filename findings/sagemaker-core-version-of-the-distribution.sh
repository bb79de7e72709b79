#!/usr/bin/env bash
# Expected: image_uris.retrieve returns the address of the version that it is given, or raises the error that it raises
# for a version of PyTorch that it does not know.
# Observed: for SageMaker Distribution, it knows one version, and returns the address of that one for any other version.
# Why it matters: SageMaker Distribution is AWS's image for Studio, from which custom images are built. With the address
# for version 1.10, the image or the image version is built from 3.2.0. Write the tag yourself, or compare it.
# Duration: 1 to 2 minutes.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages sagemaker-core==2.27.0 boto3==1.44.8

HOME=$folder python - 2>/dev/null >output <<'PY'
from sagemaker.core import image_uris

REQUESTS = [("pytorch", "2.1"), ("pytorch", "99.0"), *(("sagemaker-distribution", v) for v in ("3.2", "1.10", "99.0"))]
for framework, version in REQUESTS:
    try:
        uri = image_uris.retrieve(
            framework, "eu-west-1", version=version, image_scope="inference", instance_type="ml.m5.large"
        )
        print(framework, version, "->", uri.split("/")[1])
    except ValueError as error:
        print(framework, version, "->", str(error).split(":")[0])
PY

expect "The repository and the tag for each version:" <<'OUTPUT'
pytorch 2.1 -> pytorch-inference:2.1-cpu-py310
pytorch 99.0 -> Unsupported pytorch version
sagemaker-distribution 3.2 -> sagemaker-distribution-prod:3.2-cpu
sagemaker-distribution 1.10 -> sagemaker-distribution-prod:3.2.0-cpu
sagemaker-distribution 99.0 -> sagemaker-distribution-prod:3.2.0-cpu
OUTPUT
