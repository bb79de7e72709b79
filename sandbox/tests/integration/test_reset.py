"""A sandbox is empty after a reset."""

import time

_KINDS = {
    "buckets": ("s3", "list_buckets", "Buckets"),
    "functions": ("lambda", "list_functions", "Functions"),
    "log groups": ("logs", "describe_log_groups", "logGroups"),
    "saved queries": ("logs", "describe_query_definitions", "queryDefinitions"),
    "roles": ("iam", "list_roles", "Roles"),
    "repositories": ("ecr", "describe_repositories", "repositories"),
    "stacks": ("cloudformation", "list_stacks", "StackSummaries"),
    "images": ("sagemaker", "list_images", "Images"),
    "domains": ("sagemaker", "list_domains", "Domains"),
}


def test_nothing_is_left(iam_sandbox, push, stack_in, make_function_in):
    # GIVEN a sandbox with something of every kind, a fault, and decisions of IAM
    sandbox = iam_sandbox
    sandbox.reset()
    clients = {service: sandbox.client(service) for service, _, _ in _KINDS.values()}

    def contents():
        """The number of resources of every kind."""
        return {
            kind: len(getattr(clients[service], operation)()[key]) for kind, (service, operation, key) in _KINDS.items()
        }

    nothing = contents()
    role = sandbox.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    stack = stack_in(sandbox)
    image = {"Type": "AWS::SageMaker::Image", "Properties": {"ImageName": "i", "ImageRoleArn": role}}
    assert stack.create({"Bucket": {"Type": "AWS::S3::Bucket"}, "Image": image}) == "CREATE_COMPLETE"
    push(sandbox)
    sandbox.client("logs").create_log_group(logGroupName="g")
    sandbox.client("logs").put_query_definition(name="q", queryString="fields level")
    sandbox.client("sagemaker").create_domain(
        DomainName="d", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": role}, SubnetIds=["s"], VpcId="v"
    )
    sandbox.client("lambda").invoke(
        FunctionName=make_function_in(
            sandbox, "import boto3\ndef handler(event, context):\n    boto3.client('s3').list_buckets()\n"
        )
    )
    sandbox.faults.error(operation="ListAliases")
    assert all(number > nothing[kind] for kind, number in contents().items())
    assert sandbox.calls()

    # WHEN it is reset
    began = time.monotonic()
    sandbox.reset()

    # THEN that was quick, and all of it is gone
    assert time.monotonic() - began < 2
    assert sandbox.calls() == []
    assert contents() == nothing
    assert sandbox.faults.left() == []


def test_an_event_is_not_delivered_again(iam_sandbox, stack_in, make_function_in, tmp_path):
    # GIVEN a function that has responded, and that still runs
    sandbox = iam_sandbox
    events = tmp_path / "events"
    sandbox.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    function = make_function_in(sandbox, _SLOW.replace("FILE", str(events)))
    resource = {"Type": "Custom::Thing", "Properties": {"ServiceToken": function}}
    assert stack_in(sandbox).create({"Thing": resource}) == "CREATE_COMPLETE"

    # WHEN a reset ends the function, which Lambda would retry after a failure
    sandbox.reset()

    # THEN it is not, since the function does not exist any more
    time.sleep(2)
    assert events.read_text() == "Create\n"


_SLOW = """
import json, time, urllib.request

def handler(event, context):
    with open("FILE", "a") as file:
        print(event["RequestType"], file=file)
    response = {name: event[name] for name in ("RequestId", "StackId", "LogicalResourceId")}
    body = json.dumps(response | {"Status": "SUCCESS", "PhysicalResourceId": "thing"}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, method="PUT"))
    time.sleep(60)
"""
