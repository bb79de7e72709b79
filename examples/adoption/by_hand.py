"""Creates the resources that exist before the stack: a role that may pull, and the image legacy with one version."""

import json
import time

import boto3

sagemaker, iam = boto3.client("sagemaker"), boto3.client("iam")
account, region = boto3.client("sts").get_caller_identity()["Account"], sagemaker.meta.region_name

trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
pull = {
    "Effect": "Allow",
    "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    "Resource": f"arn:aws:ecr:{region}:{account}:repository/legacy",
}
login = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
trusts, permits = (
    json.dumps({"Version": "2012-10-17", "Statement": statements}) for statements in ([trust], [pull, login])
)
role = iam.create_role(RoleName="legacy", AssumeRolePolicyDocument=trusts)["Role"]
iam.put_role_policy(RoleName="legacy", PolicyName="pull", PolicyDocument=permits)

sagemaker.create_image(ImageName="legacy", RoleArn=role["Arn"])
while sagemaker.describe_image(ImageName="legacy")["ImageStatus"] == "CREATING":
    time.sleep(0.1)

base_image = f"{account}.dkr.ecr.{region}.amazonaws.com/legacy:1.0.0"
sagemaker.create_image_version(ImageName="legacy", BaseImage=base_image, ClientToken="by-hand")
while sagemaker.describe_image_version(ImageName="legacy", Version=1)["ImageVersionStatus"] == "CREATING":
    time.sleep(0.1)
