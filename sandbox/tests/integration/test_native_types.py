"""The CloudFormation types AWS::SageMaker::*."""

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/images"


def resource(kind, **properties):
    return {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}


def image(name, **properties):
    return resource("Image", ImageName=name, ImageRoleArn=ROLE, **properties)


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
        "Image": image(name),
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
        "Image": image(name),
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


def test_studio_from_create_to_delete(sandbox, sagemaker, stack, push, name):
    # GIVEN a domain with a user profile, a space and a lifecycle configuration
    uri, _ = push(sandbox)
    item = {"ImageName": name, "ImageVersionNumber": 1, "AppImageConfigName": {"Ref": "Lab"}}
    lab = {"CustomImages": [item], "LifecycleConfigArns": [{"Fn::GetAtt": ["Setup", "StudioLifecycleConfigArn"]}]}
    users = {"ExecutionRole": ROLE, "JupyterLabAppSettings": lab}
    domain = {"DomainId": {"Ref": "Domain"}}
    resources = {
        "Image": image(name),
        "Version": {**resource("ImageVersion", ImageName=name, BaseImage=uri), "DependsOn": "Image"},
        "Lab": resource("AppImageConfig", AppImageConfigName=name),
        "Setup": resource(
            "StudioLifecycleConfig",
            StudioLifecycleConfigName=f"{name}-first",
            StudioLifecycleConfigAppType="JupyterLab",
            StudioLifecycleConfigContent={"Fn::Base64": "echo hi"},
        ),
        "Domain": {
            **resource("Domain", DomainName=name, AuthMode="IAM", DefaultUserSettings=users),
            "DependsOn": "Version",
        },
        "User": resource("UserProfile", **domain, UserProfileName="ann"),
        "Space": resource(
            "Space",
            **domain,
            SpaceName="lab",
            SpaceDisplayName="Old",
            OwnershipSettings={"OwnerUserProfileName": "ann"},
            SpaceSharingSettings={"SharingType": "Private"},
            SpaceSettings={"AppType": "JupyterLab"},
        )
        | {"DependsOn": "User"},
        "Reader": reader(
            user="User",
            user_arn="User.UserProfileArn",
            space="Space",
            space_arn="Space.SpaceArn",
            url="Space.Url",
            setup="Setup",
            setup_arn="Setup.StudioLifecycleConfigArn",
        ),
    }
    assert stack.create(resources) == "CREATE_COMPLETE", stack.reasons()

    # THEN everything is in service, and references and attributes are those of the resource specification
    domain_id = stack.resources()["Domain"]
    which = {"DomainId": domain_id}
    prefix = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}"
    described = sagemaker.describe_domain(**which)
    outputs = read(sandbox, stack)
    assert outputs == {
        "user": f"ann|{domain_id}",
        "user_arn": f"{prefix}:user-profile/{domain_id}/ann",
        "space": f"{domain_id}|lab",
        "space_arn": f"{prefix}:space/{domain_id}/lab",
        "url": f"{described['Url']}/jupyterlab/default",
        "setup": f"{name}-first",
        "setup_arn": f"{prefix}:studio-lifecycle-config/{name}-first",
    }
    settings = described["DefaultUserSettings"]["JupyterLabAppSettings"]
    assert settings["LifecycleConfigArns"] == [outputs["setup_arn"]]
    assert settings["CustomImages"] == [{"ImageName": name, "ImageVersionNumber": 1, "AppImageConfigName": name}]
    user, space = {**which, "UserProfileName": "ann"}, {**which, "SpaceName": "lab"}
    assert sagemaker.describe_user_profile(**user)["Status"] == "InService"
    assert sagemaker.describe_space(**space)["SpaceDisplayName"] == "Old"

    # WHEN it is changed, with an app that runs on the version
    resources["Setup"]["Properties"]["StudioLifecycleConfigName"] = f"{name}-changed"
    resources["User"]["Properties"]["UserSettings"] = {"KernelGatewayAppSettings": {"CustomImages": [item]}}
    resources["Space"]["Properties"]["SpaceDisplayName"] = "New"
    spec = {"InstanceType": "ml.t3.medium", "SageMakerImageVersionArn": {"Ref": "Version"}}
    app = {"AppName": "kernel", "AppType": "KernelGateway", "UserProfileName": "ann"}
    resources["Kernel"] = {**resource("App", **domain, **app, ResourceSpec=spec), "DependsOn": "User"}
    resources["KernelReader"] = reader(kernel="Kernel", arn="Kernel.AppArn")
    assert stack.update(resources) == "UPDATE_COMPLETE", stack.reasons()

    # THEN the same resources have changed, the lifecycle configuration is replaced, and the version is in use
    assert read(sandbox, stack, "KernelReader") == {
        "kernel": f"kernel|KernelGateway|{domain_id}|ann",
        "arn": f"{prefix}:app/{domain_id}/ann/kernelgateway/kernel",
    }
    assert sagemaker.describe_app(**which, **app)["Status"] == "InService"
    kernel = sagemaker.describe_user_profile(**user)["UserSettings"]["KernelGatewayAppSettings"]
    assert kernel["CustomImages"] == settings["CustomImages"]
    assert sagemaker.describe_space(**space)["SpaceDisplayName"] == "New"
    configs = sagemaker.list_studio_lifecycle_configs(NameContains=name)["StudioLifecycleConfigs"]
    assert [config["StudioLifecycleConfigName"] for config in configs] == [f"{name}-changed"]
    with pytest.raises(ClientError, match="is in use"):
        sagemaker.delete_image_version(ImageName=name, Version=1)

    # WHEN the stack is deleted, THEN nothing is left
    stack.delete()
    assert name not in [domain["DomainName"] for domain in sagemaker.list_domains()["Domains"]]
    assert sagemaker.list_user_profiles(DomainIdEquals=domain_id)["UserProfiles"] == []
    assert sagemaker.list_spaces(DomainIdEquals=domain_id)["Spaces"] == []
    assert sagemaker.describe_app(**which, **app)["Status"] == "Deleted"
    assert sagemaker.list_studio_lifecycle_configs(NameContains=name)["StudioLifecycleConfigs"] == []
    assert sagemaker.list_images(NameContains=name)["Images"] == []


def studio(name, **settings):
    """A domain with these settings of its users, and a user profile."""
    users = {"ExecutionRole": ROLE, **settings}
    return {
        "Domain": resource("Domain", DomainName=name, AuthMode="IAM", DefaultUserSettings=users),
        "User": resource("UserProfile", DomainId={"Ref": "Domain"}, UserProfileName="ann"),
    }


def test_an_update_is_rolled_back_while_an_app_runs(sagemaker, stack, name, wait_until_stable):
    # GIVEN a stack with a user, and an app that the user has started
    assert stack.create(studio(name)) == "CREATE_COMPLETE", stack.reasons()
    domain_id = stack.resources()["Domain"]
    app = {"DomainId": domain_id, "UserProfileName": "ann", "AppType": "JupyterServer", "AppName": "default"}
    sagemaker.create_app(**app)

    def status():
        return sagemaker.describe_app(**app)["Status"].upper()

    assert wait_until_stable(status) == "INSERVICE"

    # WHEN the settings of the domain are updated
    assert stack.update(studio(name, SecurityGroups=["sg-1"])) == "UPDATE_ROLLBACK_COMPLETE"

    # THEN the reason is that of the service; without the app, the update and the deletion succeed
    assert f"domain/{domain_id}] with InService App. Delete all InService apps in the domain" in stack.reasons()
    sagemaker.delete_app(**app)
    assert wait_until_stable(status) == "DELETED"
    assert stack.update(studio(name, SecurityGroups=["sg-1"])) == "UPDATE_COMPLETE", stack.reasons()
    stack.delete()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("Image", "is CREATE_FAILED: why"), ("Domain", "is Failed: why"), ("UserProfile", "is Failed: why")],
)
def test_a_resource_that_fails_is_rolled_back(sandbox, sagemaker, stack, name, kind, reason):
    sandbox.faults.fail("why", operation=f"Create{kind}")

    assert stack.create({"Image": image(name), **studio(name)}) == "ROLLBACK_COMPLETE"

    assert reason in stack.reasons()
    assert name not in {image["ImageName"] for image in sagemaker.list_images()["Images"]}
    assert name not in {domain["DomainName"] for domain in sagemaker.list_domains()["Domains"]}
    stack.delete()


def read_tags(sagemaker, arn):
    """The tags of an image, and those that CloudFormation has added, without their prefix."""
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    prefix = "aws:cloudformation:"
    added = {key.removeprefix(prefix): tags.pop(key) for key in list(tags) if key.startswith(prefix)}
    return tags, added


def test_the_lifecycle_of_an_image(sandbox, sagemaker, stack, name):
    # WHEN a stack has an image and a parameter with its attributes
    tags = [{"Key": "team", "Value": "science"}]
    declared = image(name, ImageDisplayName="Science", ImageDescription="For science", Tags=tags)
    resources = {"Image": declared, "Reader": reader(ref="Image", arn="Image.ImageArn")}
    of_stack = [{"Key": "cost", "Value": "1"}, {"Key": "team", "Value": "of the stack"}]
    assert stack.create(resources, Tags=of_stack) == "CREATE_COMPLETE"

    # THEN the image is ready with all properties, and both attributes are its ARN
    arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:image/{name}"
    described = sagemaker.describe_image(ImageName=name)
    assert (described["ImageStatus"], described["DisplayName"], described["Description"], described["RoleArn"]) == (
        "CREATED",
        "Science",
        "For science",
        ROLE,
    )
    own, added = read_tags(sagemaker, arn)
    assert own == {"cost": "1", "team": "science"}
    assert added == {"logical-id": "Image", "stack-id": stack.describe()["StackId"], "stack-name": stack.name}
    assert stack.resources()["Image"] == arn
    assert read(sandbox, stack) == {"ref": arn, "arn": arn}

    # WHEN properties are changed and removed
    changed = image(name, ImageDescription="For everybody")
    changed["Properties"]["ImageRoleArn"] = f"{ROLE}-2"
    assert stack.update({"Image": changed}) == "UPDATE_COMPLETE"

    # THEN the same image is updated
    described = sagemaker.describe_image(ImageName=name)
    assert (described["ImageStatus"], described["Description"], described["RoleArn"], "DisplayName" in described) == (
        "CREATED",
        "For everybody",
        f"{ROLE}-2",
        False,
    )
    assert stack.resources() == {"Image": arn}
    assert read_tags(sagemaker, arn) == ({"cost": "1", "team": "of the stack"}, added)

    # WHEN the stack is deleted, THEN the image is deleted
    stack.delete()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_image(ImageName=name)


def test_a_new_name_is_a_new_image(sagemaker, stack, name):
    stack.create({"Image": image(name)})

    assert stack.update({"Image": image(f"{name}-2")}) == "UPDATE_COMPLETE"

    assert stack.resources()["Image"].endswith(f":image/{name}-2")
    assert [found["ImageName"] for found in sagemaker.list_images(NameContains=name)["Images"]] == [f"{name}-2"]


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
