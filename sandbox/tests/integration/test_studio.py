"""Studio in a template: domains with user profiles, spaces, apps and lifecycle configurations."""

import json
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/studio"

# A stack of aws-cdk-lib's own constructs. The second argument is the part of its life.
APP = """
import sys
import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

name, uri, changed = sys.argv[1], sys.argv[2], sys.argv[3] == "changed"
app = cdk.App(outdir=sys.argv[3])
stack = cdk.Stack(app, "Studio", stack_name=name, synthesizer=cdk.BootstraplessSynthesizer())
role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
image = sagemaker.CfnImage(stack, "Image", image_name=name, image_role_arn=role.role_arn)
version = sagemaker.CfnImageVersion(stack, "Version", image_name=image.image_name, base_image=uri)
version.add_dependency(image)
lab = sagemaker.CfnAppImageConfig(
    stack,
    "Lab",
    app_image_config_name=name,
    jupyter_lab_app_image_config=sagemaker.CfnAppImageConfig.JupyterLabAppImageConfigProperty(),
    kernel_gateway_image_config=sagemaker.CfnAppImageConfig.KernelGatewayImageConfigProperty(
        kernel_specs=[sagemaker.CfnAppImageConfig.KernelSpecProperty(name="python3")]
    ),
)
setup = sagemaker.CfnStudioLifecycleConfig(
    stack,
    "Setup",
    studio_lifecycle_config_name=f"{name}-{sys.argv[3]}",
    studio_lifecycle_config_app_type="JupyterLab",
    studio_lifecycle_config_content=cdk.Fn.base64("echo hi"),
)
item = {
    "imageName": image.image_name,
    "imageVersionNumber": cdk.Token.as_number(version.get_att("Version")),
    "appImageConfigName": lab.ref,
}
domain = sagemaker.CfnDomain(
    stack,
    "Domain",
    domain_name=name,
    auth_mode="IAM",
    default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
        execution_role=role.role_arn,
        jupyter_lab_app_settings=sagemaker.CfnDomain.JupyterLabAppSettingsProperty(
            custom_images=[item], lifecycle_config_arns=[setup.attr_studio_lifecycle_config_arn]
        ),
    ),
)
user = sagemaker.CfnUserProfile(
    stack,
    "User",
    domain_id=domain.attr_domain_id,
    user_profile_name="ann",
    user_settings=sagemaker.CfnUserProfile.UserSettingsProperty(
        kernel_gateway_app_settings=sagemaker.CfnUserProfile.KernelGatewayAppSettingsProperty(custom_images=[item])
    )
    if changed
    else None,
)
space = sagemaker.CfnSpace(
    stack,
    "Space",
    domain_id=domain.attr_domain_id,
    space_name="lab",
    space_display_name="New" if changed else "Old",
    ownership_settings=sagemaker.CfnSpace.OwnershipSettingsProperty(owner_user_profile_name=user.user_profile_name),
    space_sharing_settings=sagemaker.CfnSpace.SpaceSharingSettingsProperty(sharing_type="Private"),
    space_settings=sagemaker.CfnSpace.SpaceSettingsProperty(app_type="JupyterLab"),
)
space.add_dependency(user)
if changed:
    kernel = sagemaker.CfnApp(
        stack,
        "Kernel",
        app_name="kernel",
        app_type="KernelGateway",
        domain_id=domain.attr_domain_id,
        user_profile_name=user.user_profile_name,
        resource_spec=sagemaker.CfnApp.ResourceSpecProperty(
            instance_type="ml.t3.medium", sage_maker_image_version_arn=version.ref
        ),
    )
    kernel.add_dependency(user)
    cdk.CfnOutput(stack, "KernelRef", value=kernel.ref)
    cdk.CfnOutput(stack, "KernelArn", value=kernel.attr_app_arn)
for output, value in {
    "UserRef": user.ref,
    "UserArn": user.attr_user_profile_arn,
    "SpaceRef": space.ref,
    "SpaceArn": space.attr_space_arn,
    "SpaceUrl": space.attr_url,
    "SetupRef": setup.ref,
    "SetupArn": setup.attr_studio_lifecycle_config_arn,
}.items():
    cdk.CfnOutput(stack, output, value=value)
app.synth()
"""


@pytest.fixture
def cdk(sandbox, tmp_path, name, push):
    """Deploy (`first`, then `changed`) or destroy the stack with the CDK CLI. Returns the outputs of the stack."""
    uri, _ = push(sandbox)

    def run(*command):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**sandbox.environment(), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def act(action, part):
        if action == "destroy":
            return run("cdk", "destroy", "--app", part, "--force")
        run(sys.executable, "-c", APP, name, uri, part)
        run("cdk", "deploy", "--app", part, "--require-approval", "never", "--outputs-file", "outputs.json")
        return json.loads((tmp_path / "outputs.json").read_text())[name]

    return act


def missing(call):
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"] == "ResourceNotFound"


def test_a_studio_app_of_the_cdk(sandbox, sagemaker, name, cdk):
    # WHEN it is deployed
    outputs = cdk("deploy", "first")

    # THEN everything is in service, and references and attributes are those of the resource specification
    (domain,) = [one for one in sagemaker.list_domains()["Domains"] if one["DomainName"] == name]
    where = {"DomainId": domain["DomainId"]}
    prefix = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}"
    assert outputs == {
        "UserRef": f"ann|{where['DomainId']}",
        "UserArn": f"{prefix}:user-profile/{where['DomainId']}/ann",
        "SpaceRef": f"{where['DomainId']}|lab",
        "SpaceArn": f"{prefix}:space/{where['DomainId']}/lab",
        "SpaceUrl": f"{domain['Url']}/jupyterlab/default",
        "SetupRef": f"{name}-first",
        "SetupArn": f"{prefix}:studio-lifecycle-config/{name}-first",
    }
    settings = sagemaker.describe_domain(**where)["DefaultUserSettings"]["JupyterLabAppSettings"]
    assert settings["LifecycleConfigArns"] == [outputs["SetupArn"]]
    assert settings["CustomImages"] == [{"ImageName": name, "ImageVersionNumber": 1, "AppImageConfigName": name}]
    user, space = {**where, "UserProfileName": "ann"}, {**where, "SpaceName": "lab"}
    assert sagemaker.describe_user_profile(**user)["Status"] == "InService"
    assert sagemaker.describe_space(**space)["SpaceDisplayName"] == "Old"

    # WHEN it is changed, with an app that runs on the version
    outputs = cdk("deploy", "changed")

    # THEN the same resources have changed, the lifecycle configuration is replaced, and the version is in use
    assert outputs["KernelRef"] == f"kernel|KernelGateway|{where['DomainId']}|ann"
    assert outputs["KernelArn"] == f"{prefix}:app/{where['DomainId']}/ann/kernelgateway/kernel"
    kernel = {**user, "AppType": "KernelGateway", "AppName": "kernel"}
    assert sagemaker.describe_app(**kernel)["Status"] == "InService"
    found = sagemaker.describe_user_profile(**user)["UserSettings"]["KernelGatewayAppSettings"]
    assert found["CustomImages"] == settings["CustomImages"]
    assert sagemaker.describe_space(**space)["SpaceDisplayName"] == "New"
    assert missing(lambda: sagemaker.describe_studio_lifecycle_config(StudioLifecycleConfigName=f"{name}-first"))
    assert outputs["SetupArn"].endswith("-changed")
    with pytest.raises(ClientError, match="is in use"):
        sagemaker.delete_image_version(ImageName=name, Version=1)

    # WHEN it is destroyed, THEN nothing is left
    cdk("destroy", "changed")
    assert missing(lambda: sagemaker.describe_domain(**where))
    assert missing(lambda: sagemaker.describe_user_profile(**user))
    assert missing(lambda: sagemaker.describe_space(**space))
    assert sagemaker.describe_app(**kernel)["Status"] == "Deleted"
    assert missing(lambda: sagemaker.describe_studio_lifecycle_config(StudioLifecycleConfigName=f"{name}-changed"))
    assert missing(lambda: sagemaker.describe_image(ImageName=name))


def resource(kind, **properties):
    return {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}


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

    image = resource("Image", ImageName=name, ImageRoleArn=ROLE)
    assert stack.create({"Image": image, **studio(name)}) == "ROLLBACK_COMPLETE"

    assert reason in stack.reasons()
    assert name not in {image["ImageName"] for image in sagemaker.list_images()["Images"]}
    assert name not in {domain["DomainName"] for domain in sagemaker.list_domains()["Domains"]}
    stack.delete()
