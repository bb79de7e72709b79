#!/usr/bin/env bash
# Expected: CloudFormation's schemas allow as many custom images for a user profile as for a domain.
# Observed: the settings of kernel gateway apps allow 200 images in a domain and 30 in a user profile. The settings of
# JupyterLab apps allow 200 in both.
# Why it matters: a domain's list of images that is copied to a user profile passes all checks until it has 31 entries.
# Duration: 1 to 2 minutes.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages cfn-lint==1.58.0

cat >template.py <<'PY'
import json
import sys

resource_type, app_settings = sys.argv[1:]
custom_image = {"ImageName": "data-science", "AppImageConfigName": "science", "ImageVersionNumber": 1}
settings = {app_settings: {"CustomImages": [custom_image] * 31}}
if resource_type == "Domain":
    role = "arn:aws:iam::111122223333:role/example"
    settings["ExecutionRole"] = role
    properties = {"AuthMode": "IAM", "DomainName": "science", "DefaultUserSettings": settings}
else:
    properties = {"DomainId": "d-example", "UserProfileName": "user", "UserSettings": settings}
print(json.dumps({"Resources": {"Resource": {"Type": f"AWS::SageMaker::{resource_type}", "Properties": properties}}}))
PY
for type in Domain UserProfile; do
  for settings in JupyterLabAppSettings KernelGatewayAppSettings; do
    python template.py $type $settings >template.json
    # cfn-lint returns a nonzero exit code when it finds an error.
    cfn-lint --regions eu-west-1 -- template.json >found.txt || true
    message=$(grep '^E' found.txt || true)
    echo "$type $settings, 31 images: ${message:-accepted}"
  done
done >output

expect "One of the four lists ends at 30 images:" <<'OUTPUT'
Domain JupyterLabAppSettings, 31 images: accepted
Domain KernelGatewayAppSettings, 31 images: accepted
UserProfile JupyterLabAppSettings, 31 images: accepted
UserProfile KernelGatewayAppSettings, 31 images: E3032 expected maximum item count: 30, found: 31
OUTPUT
