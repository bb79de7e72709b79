"""The CloudFormation types AWS::SageMaker::ImageVersion, AppImageConfig and Domain."""

ROLE = "arn:aws:iam::000000000000:role/images"


def resource(kind, **properties):
    return {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}


def reader(**attributes):
    """A parameter with attributes of other resources."""
    values = " ".join(f"{name}=${{{attribute}}}" for name, attribute in attributes.items())
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::Sub": values}}}


def read(sandbox, stack, logical_id="Reader"):
    value = sandbox.client("ssm").get_parameter(Name=stack.resources()[logical_id])["Parameter"]["Value"]
    return dict(part.split("=", 1) for part in value.split())


def custom_images(*items):
    return {"ExecutionRole": ROLE, "JupyterLabAppSettings": {"CustomImages": list(items)}}


def aliases(sagemaker, name, number):
    return sagemaker.list_aliases(ImageName=name, Version=number)["SageMakerImageVersionAliases"]


def test_a_template_with_all_types(sandbox, sagemaker, stack, push, name):
    # GIVEN a template whose resources refer to each other
    uri, digest = push(sandbox)
    lab = {"ContainerConfig": {"ContainerEnvironmentVariables": [{"Key": "MODE", "Value": "fast"}]}}
    item = {
        "ImageName": name,
        "ImageVersionNumber": {"Fn::GetAtt": ["Version", "Version"]},
        "AppImageConfigName": {"Ref": "Lab"},
    }
    resources = {
        "Image": resource("Image", ImageName=name, ImageRoleArn=ROLE),
        "Version": {
            **resource(
                "ImageVersion",
                ImageName=name,
                BaseImage=uri,
                Alias="only",
                Aliases=["latest", "1.0"],
                Horovod="true",
                ReleaseNotes="First",
            ),
            "DependsOn": "Image",
        },
        "Lab": resource(
            "AppImageConfig",
            AppImageConfigName=f"{name}-lab",
            JupyterLabAppImageConfig=lab,
            KernelGatewayImageConfig={"KernelSpecs": [{"Name": "python3"}], "FileSystemConfig": {"DefaultUid": "0"}},
        ),
        "Studio": resource(
            "Domain", DomainName=f"{name}-studio", AuthMode="IAM", DefaultUserSettings=custom_images(item)
        ),
        "Reader": reader(
            version="Version",
            arn="Version.ImageVersionArn",
            image="Version.ImageArn",
            container="Version.ContainerImage",
            number="Version.Version",
            lab="Lab",
            lab_arn="Lab.AppImageConfigArn",
            studio="Studio",
            studio_id="Studio.DomainId",
            studio_arn="Studio.DomainArn",
            url="Studio.Url",
            files="Studio.HomeEfsFileSystemId",
        ),
    }

    # WHEN it is deployed
    assert stack.create(resources) == "CREATE_COMPLETE", stack.reasons()

    # THEN all resources are ready
    version = sagemaker.describe_image_version(ImageName=name, Version=1)
    assert (version["ImageVersionStatus"], version["Horovod"], version["ReleaseNotes"]) == ("CREATED", True, "First")
    assert aliases(sagemaker, name, 1) == ["1.0", "latest", "only"]
    config = sagemaker.describe_app_image_config(AppImageConfigName=f"{name}-lab")
    assert config["JupyterLabAppImageConfig"] == {
        "ContainerConfig": {"ContainerEnvironmentVariables": {"MODE": "fast"}}
    }
    assert config["KernelGatewayImageConfig"]["FileSystemConfig"] == {"DefaultUid": 0}
    domain_id = stack.resources()["Studio"]
    domain = sagemaker.describe_domain(DomainId=domain_id)
    assert domain["Status"] == "InService"
    named = {"ImageName": name, "ImageVersionNumber": 1, "AppImageConfigName": f"{name}-lab"}
    assert domain["DefaultUserSettings"]["JupyterLabAppSettings"]["CustomImages"] == [named]

    # AND references and attributes are what AWS documents
    prefix = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}"
    assert read(sandbox, stack) == {
        "version": f"{prefix}:image-version/{name}/1",
        "arn": f"{prefix}:image-version/{name}/1",
        "image": f"{prefix}:image/{name}",
        "container": f"{uri.partition(':')[0]}@{digest}",
        "number": "1",
        "lab": f"{name}-lab",
        "lab_arn": f"{prefix}:app-image-config/{name}-lab",
        "studio": domain_id,
        "studio_id": domain_id,
        "studio_arn": f"{prefix}:domain/{domain_id}",
        "url": domain["Url"],
        "files": domain["HomeEfsFileSystemId"],
    }

    # WHEN properties change that can be updated in place
    resources["Version"]["Properties"] |= {"Aliases": ["latest", "1.1"], "Horovod": False, "Processor": "GPU"}
    del resources["Version"]["Properties"]["Alias"]
    resources["Lab"]["Properties"]["JupyterLabAppImageConfig"] = {"ContainerConfig": {"ContainerArguments": ["serve"]}}
    resources["Studio"]["Properties"]["DomainSettings"] = {"SecurityGroupIds": ["sg-1"]}
    assert stack.update(resources) == "UPDATE_COMPLETE", stack.reasons()

    # THEN the same resources have changed
    assert [listed["Version"] for listed in sagemaker.list_image_versions(ImageName=name)["ImageVersions"]] == [1]
    version = sagemaker.describe_image_version(ImageName=name, Version=1)
    assert (version["Horovod"], version["Processor"], version["ReleaseNotes"]) == (False, "GPU", "First")
    assert aliases(sagemaker, name, 1) == ["1.1", "latest"]
    config = sagemaker.describe_app_image_config(AppImageConfigName=f"{name}-lab")
    assert config["JupyterLabAppImageConfig"] == {"ContainerConfig": {"ContainerArguments": ["serve"]}}
    domain = sagemaker.describe_domain(DomainId=domain_id)
    assert (domain["Status"], domain["DomainSettings"]) == ("InService", {"SecurityGroupIds": ["sg-1"]})

    # WHEN the stack is deleted, THEN all resources are deleted in a possible order
    stack.delete()
    assert sagemaker.list_images(NameContains=name)["Images"] == []
    assert sagemaker.list_app_image_configs(NameContains=name)["AppImageConfigs"] == []
    assert domain_id not in {domain["DomainId"] for domain in sagemaker.list_domains()["Domains"]}


def test_a_version_in_use_is_retained_with_a_reason(sandbox, sagemaker, stack, push, name):
    # GIVEN a stack with a version, and a domain that uses it by its number
    uri, _ = push(sandbox)
    item = {"ImageName": name, "ImageVersionNumber": 1, "AppImageConfigName": {"Ref": "Lab"}}
    studio = resource("Domain", DomainName=name, AuthMode="IAM", DefaultUserSettings=custom_images(item))
    rest = {
        "Image": resource("Image", ImageName=name, ImageRoleArn=ROLE),
        "Lab": resource("AppImageConfig", AppImageConfigName=name),
        "Studio": studio,
    }
    version = {**resource("ImageVersion", ImageName=name, BaseImage=uri), "DependsOn": "Image"}
    with_version = {**rest, "Version": version, "Studio": {**studio, "DependsOn": "Version"}}
    assert stack.create(with_version) == "CREATE_COMPLETE", stack.reasons()

    # WHEN the version is removed from the template
    assert stack.update(rest) == "UPDATE_COMPLETE"

    assert sagemaker.describe_image_version(ImageName=name, Version=1)["ImageVersionStatus"] == "CREATED"
    assert (
        f"Resource of type 'AWS::SageMaker::ImageVersion' with identifier '{name}' has a conflict. "
        f"Reason: Image: [{name}] is in use."
    ) in stack.reasons()


# Calls the handlers of the types on a fast service.
_HANDLERS = """
import re
from collections import deque
from imgver_sandbox import ministack
from imgver_sandbox.sagemaker.clock import SystemClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService

account, region = "000000000000", "us-east-1"
arn, role = f"arn:aws:sagemaker:{region}:{account}:image-version/i", f"arn:aws:iam::{account}:role/r"
registry = InMemoryRegistry()
uri = f"{account}.dkr.ecr.{region}.amazonaws.com/r:1"
registry.push(uri)
service = ImagesService(
    clock=SystemClock(), registry=registry,
    create_seconds=0.05, delete_seconds=0.05, write_seconds=0, image_seconds=0, domain_seconds=0)
ministack.install(service, deque())
from ministack.services.cloudformation import provisioners

def call(operation, **parameters):
    return service.call(operation, parameters, account=account, region=region)

def show(title, call):
    try:
        result = call()
    except Exception as error:
        by_handler = re.fullmatch(
            r'Resource handler returned message: "(.*)" \\(RequestToken: [-0-9a-f]{36}, HandlerErrorCode: (\\w+)\\)',
            str(error))
        result = f"{by_handler[2]}: {by_handler[1]}" if by_handler else f"{type(error).__name__}: {error}"
    print(title, "->", result)

def create(kind, **properties):
    return provisioners._provision_resource(f"AWS::SageMaker::{kind}", "It", properties, "s")[0]

def update(kind, physical_id, old, new):
    return provisioners._update_resource(f"AWS::SageMaker::{kind}", physical_id, old, new, "s", "It")[0]

def delete(kind, physical_id, **properties):
    return provisioners._delete_resource(f"AWS::SageMaker::{kind}", physical_id, properties, "s", "It")

call("CreateImage", ImageName="i", RoleArn=role)
declared = {"ImageName": "i", "BaseImage": uri}
"""

ARN = "arn:aws:sagemaker:us-east-1:000000000000:image-version/i"
CONFLICT = (
    "ResourceConflict: Resource of type 'AWS::SageMaker::ImageVersion' with identifier 'i' has a conflict. "
    "Reason: Image: [i] is in use. Could not create new Image Version.."
)
CREATE_FAILED = (
    "GeneralServiceException: Error occurred during operation "
    f"'AWS::SageMaker::ImageVersion [{ARN}/2] failed to create.'."
)


def test_errors_of_the_handlers(run_in_server_environment):
    result = run_in_server_environment(
        _HANDLERS
        + """
# WHEN templates are wrong
show("extraneous", lambda: create("ImageVersion", **declared, Color="red", Tags=[]))
show("missing", lambda: create("Domain", DomainName="d"))
show("read only", lambda: create("ImageVersion", **declared, Version=1))
show("invalid", lambda: create("ImageVersion", **declared, MLFramework="PyTorch"))
show("invalid config", lambda: create("AppImageConfig", AppImageConfigName="-"))

# WHEN a version cannot be created
show("no image", lambda: create("ImageVersion", ImageName="other", BaseImage=uri))
show("first", lambda: create("ImageVersion", **declared, Aliases=["latest"]))
show("alias held", lambda: create("ImageVersion", **declared, Alias="latest"))
service.faults.fail("no space left")
show("fails", lambda: create("ImageVersion", **declared))
print([version["Version"] for version in call("ListImageVersions", ImageName="i")["ImageVersions"]])

# WHEN it is updated
with_both = {**declared, "Aliases": ["latest", "1.0"], "VendorGuidance": "STABLE"}
show("update", lambda: update("ImageVersion", f"{arn}/1", {**declared, "Aliases": ["latest"]}, with_both))
call("UpdateImageVersion", ImageName="i", Version=1, AliasesToDelete=["1.0"], AliasesToAdd=["by-hand"])
show("update wrong", lambda: update("ImageVersion", f"{arn}/1", declared, {**declared, "Color": "red"}))
show("drift", lambda: update("ImageVersion", f"{arn}/1", with_both, {**declared, "Alias": "2.0"}))
print(call("ListAliases", ImageName="i")["SageMakerImageVersionAliases"],
      call("DescribeImageVersion", ImageName="i", Version=1)["VendorGuidance"])
show("update fails", lambda: update("ImageVersion", f"{arn}/7", declared, {**declared, "Horovod": True}))
show("replaced", lambda: update("ImageVersion", f"{arn}/1", declared, {**declared, "BaseImage": f"{uri}x"}))

# WHEN it is deleted
service.faults.fail("pinned", operation="DeleteImageVersion")
show("delete fails", lambda: delete("ImageVersion", f"{arn}/1", **declared))
call("DeleteImageVersion", ImageName="i", Version=1)
show("going", lambda: delete("ImageVersion", f"{arn}/1", **declared))
show("gone", lambda: delete("ImageVersion", f"{arn}/1", **declared))

# WHEN the other types are used
show("config", lambda: create("AppImageConfig", AppImageConfigName="c"))
show("config again", lambda: create("AppImageConfig", AppImageConfigName="c"))
show("config renamed", lambda: update("AppImageConfig", "c", {"AppImageConfigName": "c"}, {"AppImageConfigName": "d"}))
print([config["AppImageConfigName"] for config in call("ListAppImageConfigs")["AppImageConfigs"]])
call("DeleteAppImageConfig", AppImageConfigName="d")
show("config gone", lambda: delete("AppImageConfig", "d", AppImageConfigName="d"))
item = {"ImageName": "i", "ImageVersionNumber": 9, "AppImageConfigName": "c"}
settings = {"ExecutionRole": role, "JupyterLabAppSettings": {"CustomImages": [item]}}
show("domain", lambda: create("Domain", DomainName="d", AuthMode="IAM", DefaultUserSettings=settings))
show("domain gone", lambda: delete("Domain", "d-1", DomainName="d"))
"""
    )

    # THEN the handlers report the errors of AWS
    wrong = "ValueError: Properties validation failed for resource It with message:"
    refused = "(Service: SageMaker, Status Code: 400, Error Code: ValidationException)"
    assert result.stdout.splitlines() == [
        f"extraneous -> {wrong}",
        "#: extraneous key [Color] is not permitted",
        "#: extraneous key [Tags] is not permitted",
        f"missing -> {wrong}",
        "#: required key [AuthMode] not found",
        "#: required key [DefaultUserSettings] not found",
        f"read only -> {wrong}",
        "#: extraneous key [Version] is not permitted",
        "invalid -> InvalidRequest: Invalid request provided: CREATE",
        (
            "invalid config -> InvalidRequest: 1 validation error detected: Value '-' at 'appImageConfigName' failed "
            "to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62} "
            f"{refused}"
        ),
        (
            "no image -> InvalidRequest: Invalid request provided: Image: [other] not found. "
            "Failed to create Image Version"
        ),
        f"first -> {ARN}/1",
        f"alias held -> {CONFLICT}",
        f"fails -> {CREATE_FAILED}",
        "[1]",
        f"update -> {ARN}/1",
        f"update wrong -> {wrong}",
        "#: extraneous key [Color] is not permitted",
        f"drift -> {ARN}/1",
        "['2.0', 'by-hand'] STABLE",
        "update fails -> GeneralServiceException: Error occurred during operation 'UPDATE'.",
        f"replaced -> {CREATE_FAILED}",
        (
            "delete fails -> NotStabilized: Resource of type 'AWS::SageMaker::ImageVersion' with identifier "
            f"'{ARN}/1' did not stabilize."
        ),
        "going -> None",
        "gone -> None",
        "config -> c",
        (
            "config again -> AlreadyExists: Resource of type 'AWS::SageMaker::AppImageConfig' with identifier 'c' "
            "already exists."
        ),
        "config renamed -> d",
        "['d']",
        "config gone -> None",
        (
            "domain -> InvalidRequest: ImageVersion with ImageName i and Version 9 does not exist. Please provide a "
            f"valid ImageName and Version. {refused}"
        ),
        "domain gone -> None",
    ], result.stderr
