#!/usr/bin/env bash
# Expected: where an L1 construct accepts a dict instead of a struct, its keys are written as in Python, as in the
# struct, or as in CloudFormation; other keys are an error.
# Observed: only the spelling of TypeScript works. With the other two, everything is left out without an error.
# Why it matters: the template has the user profile without its custom image, and no check says so. Use the struct
# classes, such as CustomImageProperty. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

python - >output <<'PY'
import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Template

SPELLINGS = {
    "Python": ("jupyter_lab_app_settings", "custom_images", "image_name", "app_image_config_name"),
    "CloudFormation": ("JupyterLabAppSettings", "CustomImages", "ImageName", "AppImageConfigName"),
    "TypeScript": ("jupyterLabAppSettings", "customImages", "imageName", "appImageConfigName"),
}
for language, (app, images, image, config) in SPELLINGS.items():
    stack = cdk.Stack()
    sagemaker.CfnUserProfile(
        stack,
        "Profile",
        domain_id="d-example",
        user_profile_name="ann",
        user_settings={app: {images: [{image: "data-science", config: "data-science"}]}},
    )
    print(language, Template.from_stack(stack).to_json()["Resources"]["Profile"]["Properties"].get("UserSettings"))
PY

expect "The settings of the same dict in three spellings:" <<'OUTPUT'
Python {}
CloudFormation {}
TypeScript {'JupyterLabAppSettings': {'CustomImages': [{'AppImageConfigName': 'data-science', 'ImageName': 'data-science'}]}}
OUTPUT
