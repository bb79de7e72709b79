#!/usr/bin/env bash
# Expected: get_response_field of an AwsCustomResource returns a time of the response as a string. The CDK documents
# that it returns the response's data as strings.
# Observed: the function that the CDK deploys leaves out every time. The template refers to an attribute that the answer
# does not have.
# Why it matters: a stack that reads when an image version was created, for example to detect that the version is not
# the one that it deployed, synthesizes. At deployment, CloudFormation finds no such attribute.
# Duration: 1 to 2 minutes.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0
npm_packages @aws-sdk/client-sagemaker@3.1142.0

python - >output <<'PY'
import json

import aws_cdk as cdk
from aws_cdk import custom_resources as cr

app = cdk.App(analytics_reporting=False, outdir="cdk.out")
stack = cdk.Stack(app, "Images")
version = cr.AwsCustomResource(
    stack, "Version", install_latest_aws_sdk=False,
    policy=cr.AwsCustomResourcePolicy.from_sdk_calls(resources=["*"]),
    on_update=cr.AwsSdkCall(
        service="SageMaker", action="describeImageVersion", parameters={"ImageName": "data-science", "Version": 3},
        physical_resource_id=cr.PhysicalResourceId.of("data-science/3"),
    ),
)
cdk.CfnOutput(stack, "Number", value=version.get_response_field("Version"))
cdk.CfnOutput(stack, "Time", value=version.get_response_field("CreationTime"))
template = app.synth().get_stack_by_name("Images").template
print("template:", *(output["Value"]["Fn::GetAtt"][1] for output in template["Outputs"].values()))
(resource,) = [one for one in template["Resources"].values() if one["Type"] == "Custom::AWS"]
with open("properties.json", "w") as file:
    json.dump({"InstallLatestAwsSdk": "false", "Update": resource["Properties"]["Update"]}, file)
PY

cat >invoke.cjs <<'JS'
// Invokes the function of the stack. Neither SageMaker nor CloudFormation is called.
const { readFileSync } = require("fs");
const https = require("https");
const { SageMakerClient } = require("@aws-sdk/client-sagemaker");

const print = console.log;
console.log = () => {};
SageMakerClient.prototype.send = async () => ({
  $metadata: {}, CreationTime: new Date("2026-01-01T00:00:00Z"), ImageVersionStatus: "CREATED", Version: 3,
});
https.request = (_, done) => ({
  on() {},
  write(answer) {
    const { Status, Data } = JSON.parse(answer);
    print(`answer: ${Status} ${JSON.stringify(Data)}`);
  },
  end: () => done(),
});
require(process.argv[2]).handler({
  RequestType: "Update", ResponseURL: "https://example.com/answer", StackId: "stack", RequestId: "request",
  LogicalResourceId: "Version", PhysicalResourceId: "data-science/3",
  ResourceProperties: JSON.parse(readFileSync("properties.json")),
}, {});
JS
AWS_REGION=eu-west-1 node invoke.cjs "$(echo "$folder"/cdk.out/asset.*/index.js)" >>output

expect "The template refers to the time, and the answer does not contain it:" <<'OUTPUT'
template: Version CreationTime
answer: SUCCESS {"region":"eu-west-1","ImageVersionStatus":"CREATED","Version":3}
OUTPUT
