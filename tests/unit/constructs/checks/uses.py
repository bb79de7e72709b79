"""One right and one wrong use of every keyword, as users with type checking write them.

Every line of ``right_uses`` passes mypy and changes the template; every line of ``wrong_uses`` fails both mypy and
synth. A keyword without a line makes a test fail.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageRetention,
    ImageVersion,
    ImageVersionMonitoring,
    ImageVersionProvider,
    JobType,
    Processor,
    StudioApp,
    Superseded,
    VendorGuidance,
)

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image"

Uses = dict[str, dict[str, Callable[[], object]]]
"""By what is made, and by keyword; the use under no keyword is the one that the others are compared with."""


def right_uses(stack: cdk.Stack, folder: Path) -> Uses:
    """For ``stack``, which has nothing else in it, and for a folder with a Dockerfile."""
    name = "It"
    some = Image.from_image_name(stack, "Some", "some")
    other = Image.from_image_name(stack, "Other", "other")
    first, second = BaseImage.from_uri(URI), BaseImage.from_uri(f"{URI}.1")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    elsewhere = ecr.Repository.from_repository_name(stack, "Elsewhere", "other")
    seventh = ImageVersion.from_image_version_attributes(stack, "Seventh", image=some, version=7)
    eighth = ImageVersion.from_image_version_attributes(stack, "Eighth", image=some, version=8)
    role = iam.Role.from_role_name(stack, "Role", "some")
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:123456789012:key/some")
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-12345678")
    log_group = logs.LogGroup.from_log_group_name(stack, "LogGroup", "some")
    subnets = ec2.SubnetSelection(subnet_group_name="Two")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-12345678",
        availability_zones=["a"],
        private_subnet_ids=["subnet-11111111", "subnet-22222222"],
        private_subnet_names=["One", "Two"],
    )
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:some")
    lab = StudioApp.jupyter_lab()
    retain = cdk.RemovalPolicy.RETAIN

    def provider() -> ImageVersionProvider:
        return ImageVersionProvider(stack, "Provider")

    def version(base_image: BaseImage) -> ImageVersion:
        return ImageVersion(stack, name, image=some, base_image=base_image)

    def config(app: StudioApp) -> AppImageConfig:
        return AppImageConfig(stack, name, app=app)

    def output(value: str) -> cdk.CfnOutput:
        return cdk.CfnOutput(stack, name, value=value)

    def number(value: float) -> cdk.CfnOutput:
        return output(cdk.Tokenization.stringify_number(value))

    return {
        "AppImageConfig": {
            "": lambda: AppImageConfig(stack, name, app=lab),
            "app": lambda: AppImageConfig(stack, name, app=StudioApp.kernel_gateway(kernel_name="python3")),
            "app_image_config_name": lambda: AppImageConfig(stack, name, app=lab, app_image_config_name="lab"),
            "removal_policy": lambda: AppImageConfig(stack, name, app=lab, removal_policy=retain),
        },
        "AppImageConfig.from_app_image_config_name": {
            "": lambda: output("lab"),
            "app_image_config_name": lambda: output(
                AppImageConfig.from_app_image_config_name(stack, "Config", "labs").app_image_config_name
            ),
        },
        "BaseImage.from_asset": {
            "": lambda: version(BaseImage.from_asset(folder)),
            "directory": lambda: version(BaseImage.from_asset(str(folder / "other"))),
            "file": lambda: version(BaseImage.from_asset(folder, file="other/Dockerfile")),
            "target": lambda: version(BaseImage.from_asset(folder, target="last")),
            "build_args": lambda: version(BaseImage.from_asset(folder, build_args={"NAME": "value"})),
            "build_secrets": lambda: version(BaseImage.from_asset(folder, build_secrets={"token": "src=token"})),
            "platform": lambda: version(BaseImage.from_asset(folder, platform=ecr_assets.Platform.LINUX_ARM64)),
            "exclude": lambda: version(BaseImage.from_asset(folder, exclude=["other"])),
            "outputs": lambda: version(BaseImage.from_asset(folder, outputs=[])),
        },
        "BaseImage.from_ecr_repository": {
            "": lambda: version(BaseImage.from_ecr_repository(repository, tag="1.0.0")),
            "repository": lambda: version(BaseImage.from_ecr_repository(elsewhere, tag="1.0.0")),
            "tag": lambda: version(BaseImage.from_ecr_repository(repository, tag="1.1.0")),
            "digest": lambda: version(BaseImage.from_ecr_repository(repository, digest=f"sha256:{'0' * 64}")),
        },
        "BaseImage.from_uri": {
            "": lambda: version(BaseImage.from_uri(URI)),
            "uri": lambda: version(BaseImage.from_uri(f"{URI}.1")),
        },
        "Image": {
            "": lambda: Image(stack, name),
            "image_name": lambda: Image(stack, name, image_name="data-science"),
            "display_name": lambda: Image(stack, name, display_name="Data Science"),
            "description": lambda: Image(stack, name, description="For notebooks"),
            "role": lambda: Image(stack, name, role=role),
            "removal_policy": lambda: Image(stack, name, removal_policy=retain),
        },
        "Image.from_image_arn": {
            "": lambda: output("some"),
            "image_arn": lambda: output(Image.from_image_arn(stack, "Image", f"{ARN}/one").image_arn),
        },
        "Image.from_image_name": {
            "": lambda: output("some"),
            "image_name": lambda: output(Image.from_image_name(stack, "Image", "one").image_name),
        },
        "ImageAlias": {
            "": lambda: ImageAlias(stack, name, alias_name="latest", version=seventh),
            "alias_name": lambda: ImageAlias(stack, name, alias_name="stable", version=seventh),
            "version": lambda: ImageAlias(stack, name, alias_name="latest", version=eighth),
            "provider": lambda: ImageAlias(stack, name, alias_name="latest", version=seventh, provider=provider()),
        },
        "ImageRetention": {
            "": lambda: ImageRetention(stack, name, image=some, keep=5),
            "image": lambda: ImageRetention(stack, name, image=other, keep=5),
            "keep": lambda: ImageRetention(stack, name, image=some, keep=6),
            "versions": lambda: ImageRetention(stack, name, image=some, keep=5, versions=[seventh]),
            "provider": lambda: ImageRetention(stack, name, image=some, keep=5, provider=provider()),
        },
        "ImageVersion": {
            "": lambda: ImageVersion(stack, name, image=some, base_image=first),
            "image": lambda: ImageVersion(stack, name, image=other, base_image=first),
            "base_image": lambda: ImageVersion(stack, name, image=some, base_image=second),
            "aliases": lambda: ImageVersion(stack, name, image=some, base_image=first, aliases=["latest"]),
            "job_type": lambda: ImageVersion(stack, name, image=some, base_image=first, job_type=JobType.TRAINING),
            "processor": lambda: ImageVersion(stack, name, image=some, base_image=first, processor=Processor.CPU),
            "horovod": lambda: ImageVersion(stack, name, image=some, base_image=first, horovod=False),
            "ml_framework": lambda: ImageVersion(stack, name, image=some, base_image=first, ml_framework="PyTorch 2.5"),
            "programming_lang": lambda: ImageVersion(
                stack, name, image=some, base_image=first, programming_lang="Python 3.12"
            ),
            "release_notes": lambda: ImageVersion(stack, name, image=some, base_image=first, release_notes="First"),
            "vendor_guidance": lambda: ImageVersion(
                stack, name, image=some, base_image=first, vendor_guidance=VendorGuidance.STABLE
            ),
            "follow_tag": lambda: ImageVersion(stack, name, image=some, base_image=first, follow_tag="build 7"),
            "adopt_version": lambda: ImageVersion(stack, name, image=some, base_image=first, adopt_version=7),
            "removal_policy": lambda: ImageVersion(stack, name, image=some, base_image=first, removal_policy=retain),
            "superseded": lambda: ImageVersion(
                stack, name, image=some, base_image=first, superseded=Superseded.ARCHIVE
            ),
            "provider": lambda: ImageVersion(stack, name, image=some, base_image=first, provider=provider()),
        },
        "ImageVersion.from_image_version_arn": {
            "": lambda: output("some"),
            "image_version_arn": lambda: number(
                ImageVersion.from_image_version_arn(stack, "Version", f"{ARN}-version/some/9").version
            ),
        },
        "ImageVersion.from_image_version_attributes": {
            "": lambda: output(seventh.image_version_arn),
            "image": lambda: output(
                ImageVersion.from_image_version_attributes(stack, "V", image=other, version=7).image_version_arn
            ),
            "version": lambda: output(
                ImageVersion.from_image_version_attributes(stack, "V", image=some, version=8).image_version_arn
            ),
        },
        "ImageVersionMonitoring": {
            "": lambda: ImageVersionMonitoring(stack, name),
            "provider": lambda: ImageVersionMonitoring(stack, name, provider=provider()),
            "alarm_actions": lambda: ImageVersionMonitoring(
                stack, name, alarm_actions=[cloudwatch_actions.SnsAction(topic)]
            ),
            "dashboard": lambda: ImageVersionMonitoring(stack, name, dashboard=False),
        },
        "ImageVersionProvider": {
            "": lambda: ImageVersionProvider(stack, name),
            "vpc": lambda: ImageVersionProvider(stack, name, vpc=vpc),
            "vpc_subnets": lambda: ImageVersionProvider(stack, name, vpc=vpc, vpc_subnets=subnets),
            "security_groups": lambda: ImageVersionProvider(stack, name, vpc=vpc, security_groups=[group]),
            "role": lambda: ImageVersionProvider(stack, name, role=role),
            "log_group": lambda: ImageVersionProvider(stack, name, log_group=log_group),
            "log_retention": lambda: ImageVersionProvider(stack, name, log_retention=logs.RetentionDays.ONE_WEEK),
            "environment_encryption": lambda: ImageVersionProvider(stack, name, environment_encryption=key),
            "memory_size": lambda: ImageVersionProvider(stack, name, memory_size=1024),
            "architecture": lambda: ImageVersionProvider(stack, name, architecture=lambda_.Architecture.X86_64),
            "timeout": lambda: ImageVersionProvider(stack, name, timeout=cdk.Duration.minutes(5)),
            "tracing": lambda: ImageVersionProvider(stack, name, tracing=lambda_.Tracing.ACTIVE),
            "permitted_images": lambda: ImageVersion(
                stack,
                "Version",
                image=some,
                base_image=first,
                provider=ImageVersionProvider(stack, name, permitted_images=["so*"]),
            ),
        },
        "StudioApp.code_editor": {
            "": lambda: config(StudioApp.code_editor()),
            "container_arguments": lambda: config(StudioApp.code_editor(container_arguments=["--verbose"])),
            "container_entrypoint": lambda: config(StudioApp.code_editor(container_entrypoint="/bin/start")),
            "container_environment_variables": lambda: config(
                StudioApp.code_editor(container_environment_variables={"LOG_LEVEL": "debug"})
            ),
        },
        "StudioApp.jupyter_lab": {
            "": lambda: config(StudioApp.jupyter_lab()),
            "container_arguments": lambda: config(StudioApp.jupyter_lab(container_arguments=["--verbose"])),
            "container_entrypoint": lambda: config(StudioApp.jupyter_lab(container_entrypoint="/bin/start")),
            "container_environment_variables": lambda: config(
                StudioApp.jupyter_lab(container_environment_variables={"LOG_LEVEL": "debug"})
            ),
        },
        "StudioApp.kernel_gateway": {
            "": lambda: config(StudioApp.kernel_gateway(kernel_name="python3", default_uid=1000)),
            "kernel_name": lambda: config(StudioApp.kernel_gateway(kernel_name="ir", default_uid=1000)),
            "kernel_display_name": lambda: config(
                StudioApp.kernel_gateway(kernel_name="python3", default_uid=1000, kernel_display_name="Python")
            ),
            "mount_path": lambda: config(
                StudioApp.kernel_gateway(kernel_name="python3", default_uid=1000, mount_path="/home/x")
            ),
            "default_uid": lambda: config(StudioApp.kernel_gateway(kernel_name="python3", default_gid=100)),
            "default_gid": lambda: config(
                StudioApp.kernel_gateway(kernel_name="python3", default_uid=1000, default_gid=100)
            ),
        },
    }


def wrong_uses(stack: cdk.Stack, folder: Path) -> Uses:
    """Each with one value of a wrong type, on the line of its keyword."""
    name = "It"
    image = Image.from_image_name(stack, "Image", "data-science")
    base = BaseImage.from_uri(URI)
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    version = ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=7)
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-12345678", availability_zones=["a"])
    lab = StudioApp.jupyter_lab()
    return {
        "AppImageConfig": {
            "app": lambda: AppImageConfig(stack, name, app="JupyterLab"),
            "app_image_config_name": lambda: AppImageConfig(stack, name, app=lab, app_image_config_name=7),
            "removal_policy": lambda: AppImageConfig(stack, name, app=lab, removal_policy="retain"),
        },
        "AppImageConfig.from_app_image_config_name": {
            "app_image_config_name": lambda: AppImageConfig.from_app_image_config_name(stack, name, 7),
        },
        "BaseImage.from_asset": {
            "directory": lambda: BaseImage.from_asset(7),
            "file": lambda: BaseImage.from_asset(folder, file=7),
            "target": lambda: BaseImage.from_asset(folder, target=7),
            "build_args": lambda: BaseImage.from_asset(folder, build_args={"NAME": 7}),
            "build_secrets": lambda: BaseImage.from_asset(folder, build_secrets=["token"]),
            "platform": lambda: BaseImage.from_asset(folder, platform="linux/amd64"),
            "exclude": lambda: BaseImage.from_asset(folder, exclude=[7]),
            "outputs": lambda: BaseImage.from_asset(folder, outputs=7),
        },
        "BaseImage.from_ecr_repository": {
            "repository": lambda: BaseImage.from_ecr_repository("data-science", tag="1.0.0"),
            "tag": lambda: BaseImage.from_ecr_repository(repository, tag=1.0),
            "digest": lambda: BaseImage.from_ecr_repository(repository, digest=7),
        },
        "BaseImage.from_uri": {
            "uri": lambda: BaseImage.from_uri(["data-science"]),
        },
        "Image": {
            "image_name": lambda: Image(stack, name, image_name=7),
            "display_name": lambda: Image(stack, name, display_name=7),
            "description": lambda: Image(stack, name, description=["For notebooks"]),
            "role": lambda: Image(stack, name, role="arn:aws:iam::123456789012:role/some"),
            "removal_policy": lambda: Image(stack, name, removal_policy="retain"),
        },
        "Image.from_image_arn": {
            "image_arn": lambda: Image.from_image_arn(stack, name, 7),
        },
        "Image.from_image_name": {
            "image_name": lambda: Image.from_image_name(stack, name, 7),
        },
        "ImageAlias": {
            "alias_name": lambda: ImageAlias(stack, name, alias_name=1.4, version=version),
            "version": lambda: ImageAlias(stack, name, alias_name="latest", version=7),
            "provider": lambda: ImageAlias(stack, name, alias_name="latest", version=version, provider="own"),
        },
        "ImageRetention": {
            "image": lambda: ImageRetention(stack, name, image="data-science", keep=5),
            "keep": lambda: ImageRetention(stack, name, image=image, keep="5"),
            "versions": lambda: ImageRetention(stack, name, image=image, keep=5, versions=[7]),
            "provider": lambda: ImageRetention(stack, name, image=image, keep=5, provider="own"),
        },
        "ImageVersion": {
            "image": lambda: ImageVersion(stack, name, image="data-science", base_image=base),
            "base_image": lambda: ImageVersion(stack, name, image=image, base_image=URI),
            "aliases": lambda: ImageVersion(stack, name, image=image, base_image=base, aliases={"latest"}),
            "job_type": lambda: ImageVersion(stack, name, image=image, base_image=base, job_type="BATCH"),
            "processor": lambda: ImageVersion(stack, name, image=image, base_image=base, processor=JobType.TRAINING),
            "horovod": lambda: ImageVersion(stack, name, image=image, base_image=base, horovod="yes"),
            "ml_framework": lambda: ImageVersion(stack, name, image=image, base_image=base, ml_framework=2.5),
            "programming_lang": lambda: ImageVersion(stack, name, image=image, base_image=base, programming_lang=3.12),
            "release_notes": lambda: ImageVersion(stack, name, image=image, base_image=base, release_notes=["First"]),
            "vendor_guidance": lambda: ImageVersion(stack, name, image=image, base_image=base, vendor_guidance="GOOD"),
            "follow_tag": lambda: ImageVersion(stack, name, image=image, base_image=base, follow_tag=True),
            "adopt_version": lambda: ImageVersion(stack, name, image=image, base_image=base, adopt_version="7"),
            "removal_policy": lambda: ImageVersion(stack, name, image=image, base_image=base, removal_policy="retain"),
            "superseded": lambda: ImageVersion(stack, name, image=image, base_image=base, superseded="KEEP"),
            "provider": lambda: ImageVersion(stack, name, image=image, base_image=base, provider="own"),
        },
        "ImageVersion.from_image_version_arn": {
            "image_version_arn": lambda: ImageVersion.from_image_version_arn(stack, name, 7),
        },
        "ImageVersion.from_image_version_attributes": {
            "image": lambda: ImageVersion.from_image_version_attributes(stack, name, image="data-science", version=7),
            "version": lambda: ImageVersion.from_image_version_attributes(stack, name, image=image, version="7"),
        },
        "ImageVersionMonitoring": {
            "provider": lambda: ImageVersionMonitoring(stack, name, provider="own"),
            "alarm_actions": lambda: ImageVersionMonitoring(stack, name, alarm_actions=["on-call"]),
            "dashboard": lambda: ImageVersionMonitoring(stack, name, dashboard="large"),
        },
        "ImageVersionProvider": {
            "vpc": lambda: ImageVersionProvider(stack, name, vpc="vpc-12345678"),
            "vpc_subnets": lambda: ImageVersionProvider(stack, name, vpc=vpc, vpc_subnets=["subnet-12345678"]),
            "security_groups": lambda: ImageVersionProvider(stack, name, vpc=vpc, security_groups=["sg-12345678"]),
            "role": lambda: ImageVersionProvider(stack, name, role="arn:aws:iam::123456789012:role/some"),
            "log_group": lambda: ImageVersionProvider(stack, name, log_group="/aws/lambda/some"),
            "log_retention": lambda: ImageVersionProvider(stack, name, log_retention=7),
            "environment_encryption": lambda: ImageVersionProvider(stack, name, environment_encryption="alias/some"),
            "memory_size": lambda: ImageVersionProvider(stack, name, memory_size="512"),
            "architecture": lambda: ImageVersionProvider(stack, name, architecture="arm64"),
            "timeout": lambda: ImageVersionProvider(stack, name, timeout=900),
            "tracing": lambda: ImageVersionProvider(stack, name, tracing=True),
            "permitted_images": lambda: ImageVersionProvider(stack, name, permitted_images={"team-*"}),
        },
        "StudioApp.code_editor": {
            "container_arguments": lambda: StudioApp.code_editor(container_arguments=[7]),
            "container_entrypoint": lambda: StudioApp.code_editor(container_entrypoint=["/bin/start"]),
            "container_environment_variables": lambda: StudioApp.code_editor(container_environment_variables={"N": 7}),
        },
        "StudioApp.jupyter_lab": {
            "container_arguments": lambda: StudioApp.jupyter_lab(container_arguments=[7]),
            "container_entrypoint": lambda: StudioApp.jupyter_lab(container_entrypoint=["/bin/start"]),
            "container_environment_variables": lambda: StudioApp.jupyter_lab(container_environment_variables={"N": 7}),
        },
        "StudioApp.kernel_gateway": {
            "kernel_name": lambda: StudioApp.kernel_gateway(kernel_name=3.12),
            "kernel_display_name": lambda: StudioApp.kernel_gateway(kernel_name="python3", kernel_display_name=3.12),
            "mount_path": lambda: StudioApp.kernel_gateway(kernel_name="python3", mount_path=folder),
            "default_uid": lambda: StudioApp.kernel_gateway(kernel_name="python3", default_uid="1000"),
            "default_gid": lambda: StudioApp.kernel_gateway(kernel_name="python3", default_gid="100"),
        },
    }
