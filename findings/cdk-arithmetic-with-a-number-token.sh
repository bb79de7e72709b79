#!/usr/bin/env bash
# Expected: a calculation with the number token of an image version's attribute is an error at synthesis, because the
# number is not known before the deployment.
# Observed: the result of adding or subtracting 1 is the same token, so the template has the version number itself. The
# maximum of the token and 1 is 1. Synthesis succeeds without a warning.
# Why it matters: a user profile that is meant to get the version before the new one, for example to test the new one
# with few users, gets the new one. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

python - >output <<'PY'
import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Template

CALCULATIONS = {
    "number": lambda number: number,
    "number - 1": lambda number: number - 1,
    "number + 1": lambda number: number + 1,
    "max(number, 1)": lambda number: max(number, 1),
}
for name, calculate in CALCULATIONS.items():
    stack = cdk.Stack()
    version = sagemaker.CfnImageVersion(stack, "Version", image_name="data-science", base_image="repository:1.0.0")
    image = sagemaker.CfnUserProfile.CustomImageProperty(
        image_name="data-science", app_image_config_name="science",
        image_version_number=calculate(version.attr_version),
    )
    sagemaker.CfnUserProfile(
        stack, "User", domain_id="d-example", user_profile_name="ann",
        user_settings=sagemaker.CfnUserProfile.UserSettingsProperty(
            jupyter_lab_app_settings=sagemaker.CfnUserProfile.JupyterLabAppSettingsProperty(custom_images=[image])
        ),
    )
    profile = Template.from_stack(stack).to_json()["Resources"]["User"]["Properties"]
    (written,) = profile["UserSettings"]["JupyterLabAppSettings"]["CustomImages"]
    print(f"{name}:", written["ImageVersionNumber"])
PY

expect "The version number that the template has for each calculation:" <<'OUTPUT'
number: {'Fn::GetAtt': ['Version', 'Version']}
number - 1: {'Fn::GetAtt': ['Version', 'Version']}
number + 1: {'Fn::GetAtt': ['Version', 'Version']}
max(number, 1): 1
OUTPUT
