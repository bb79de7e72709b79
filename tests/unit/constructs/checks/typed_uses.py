"""A right and a wrong use of every keyword, as users with type checking write them.

``mypy --strict`` (``make types``) accepts every right use, and fails on every wrong one: each is marked with
``type: ignore``, which strict mode reports where it is not needed. test_keywords.py runs both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
from aws_cdk import aws_sqs as sqs

from imgver_constructs import (
    AppImageConfig,
    AppType,
    BaseImage,
    Image,
    ImageAlias,
    ImageAttachment,
    ImageVersion,
    ImageVersionMonitoring,
    ImageVersionPolicy,
    ImageVersionProvider,
    ImageVersionRetention,
    JobType,
    Processor,
    StudioApp,
    VendorGuidance,
)

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"


Uses = dict[str, dict[str, Callable[[], object]]]


def right_uses(stack: cdk.Stack, folder: Path) -> None:
    """Use every keyword at least once; ``folder`` has a Dockerfile."""
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:123456789012:key/some")
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/some")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-12345678", availability_zones=["a"], private_subnet_ids=["subnet-12345678"]
    )
    provider = ImageVersionProvider(
        stack,
        "Provider",
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-12345678")],
        role=role,
        log_group=logs.LogGroup.from_log_group_name(stack, "LogGroup", "some"),
        log_retention=None,
        environment={"HTTPS_PROXY": "http://proxy.example.com:3128"},
        environment_encryption=key,
        memory_size=1024,
        architecture=lambda_.Architecture.X86_64,
        timeout=cdk.Duration.minutes(5),
        max_event_age=cdk.Duration.minutes(5),
        dead_letter_queue=sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:eu-west-1:123456789012:some"),
        tracing=lambda_.Tracing.ACTIVE,
        permitted_images=["*"],
    )
    weekly = ImageVersionProvider(stack, "Weekly", log_retention=logs.RetentionDays.ONE_WEEK)
    ImageVersionProvider.set_default(stack, provider=weekly)
    weekly.metric_errors(statistic="Maximum", period=cdk.Duration.minutes(1), label="Errors", color="#d62728")
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:some")
    ImageVersionMonitoring(
        stack,
        "Monitoring",
        provider=provider,
        alarm_actions=[cloudwatch_actions.SnsAction(topic)],
        dashboard=False,
    )
    image = Image(
        stack,
        "Image",
        image_name="data-science",
        display_name="Data Science",
        description="For notebooks",
        role=role,
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    by_name = Image.from_image_name(stack, "ByName", image_name="by-name")
    by_arn = Image.from_image_arn(stack, "ByArn", image_arn=f"{ARN}:image/by-arn")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    version = ImageVersion(
        stack,
        "Version",
        image=image,
        base_image=BaseImage.from_ecr_repository(repository=repository, tag="1.0.0"),
        aliases=["latest"],
        job_type=JobType.TRAINING,
        processor=Processor.CPU,
        horovod=False,
        ml_framework="PyTorch 2.5",
        programming_lang="Python 3.12",
        release_notes="First",
        vendor_guidance=VendorGuidance.STABLE,
        follow_tag="build 7",
        adopt_version=7,
        update_replace_policy=ImageVersionPolicy.ARCHIVE,
        deletion_policy=ImageVersionPolicy.DELETE,
        provider=provider,
    )
    digest = BaseImage.from_ecr_repository(repository, digest=f"sha256:{'0' * 64}")
    ImageVersion(stack, "ByDigest", image=by_name, base_image=digest)
    ImageVersion(stack, "ByUri", image=by_arn, base_image=BaseImage.from_uri(uri=URI))
    asset = BaseImage.from_asset(
        directory=folder,
        file="Dockerfile",
        target="last",
        build_args={"NAME": "value"},
        build_secrets={"token": cdk.DockerBuildSecret.from_src("token.txt")},
        platform=ecr_assets.Platform.LINUX_ARM64,
        exclude=["other"],
        outputs=[],
    )
    ImageVersion(stack, "Built", image=by_name, base_image=asset)
    arn = f"{ARN}:image-version/data-science/7"
    seventh = ImageVersion.from_image_version_arn(stack, "Seventh", image_version_arn=arn)
    eighth = ImageVersion.from_image_version_attributes(stack, "Eighth", image=image, version=8)
    ImageAlias(stack, "Alias", alias_name="stable", version=seventh, provider=provider)
    ImageVersionRetention(stack, "Retention", image=image, max_version_count=5, versions=[eighth], provider=provider)

    code_editor = StudioApp.code_editor(
        container_arguments=["--verbose"],
        container_entrypoint="/bin/start",
        container_environment_variables={"LOG_LEVEL": "debug"},
    )
    jupyter_lab = StudioApp.jupyter_lab(
        container_arguments=["--verbose"],
        container_entrypoint="/bin/start",
        container_environment_variables={"LOG_LEVEL": "debug"},
    )
    kernel_gateway = StudioApp.kernel_gateway(
        kernel_name="python3",
        kernel_display_name="Python",
        mount_path="/home/x",
        default_uid=1000,
        default_gid=100,
    )
    for name, app in (("CodeEditor", code_editor), ("Lab", jupyter_lab), ("Gateway", kernel_gateway)):
        policy = cdk.RemovalPolicy.RETAIN
        AppImageConfig(stack, name, app=app, app_image_config_name=f"my-{name}", removal_policy=policy)
    existing = AppImageConfig.from_app_image_config_name(stack, "Existing", app_image_config_name="existing")
    version.custom_image(app_image_config=existing)
    seventh.add_alias("nightly").version.grant_read(role)
    by_name.grant(role, "sagemaker:DescribeImage")
    for changes in (image.on_state_change, image.on_version_state_change):
        changes(f"On{changes.__name__}", description="Changes", rule_name=None)
    provider.share(repositories=[repository])
    for user_profile_name, settings in (("ann", False), (None, True)):
        ImageAttachment(
            stack,
            f"AttachmentTo{user_profile_name}",
            version=eighth,
            app_image_config=existing,
            domain="d-example",
            user_profile_name=user_profile_name,
            app_type=AppType.JUPYTER_LAB,
            default_space_settings=settings,
            superseded_version_count=2,
            provider=provider,
        )


def wrong_uses(stack: cdk.Stack, folder: Path) -> Uses:
    """Return a use of every keyword with a value of a wrong type, by callable and keyword."""
    name = "It"
    image = Image.from_image_name(stack, "Image", "data-science")
    base = BaseImage.from_uri(URI)
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    version = ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=7)
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-12345678", availability_zones=["a"])
    lab = StudioApp.jupyter_lab()
    lab_config = AppImageConfig.from_app_image_config_name(stack, "LabConfig", "lab")

    attach = partial(
        ImageAttachment,
        stack,
        name,
        version=version,
        app_image_config=lab_config,
        domain="d-1",
        app_type=AppType.JUPYTER_LAB,
    )
    declare = partial(ImageVersion, stack, name, image=image, base_image=base)

    return {
        "AppImageConfig": {
            "app": lambda: AppImageConfig(stack, name, app="JupyterLab"),  # type: ignore[arg-type]
            "app_image_config_name": lambda: AppImageConfig(stack, name, app=lab, app_image_config_name=7),  # type: ignore[arg-type]
            "removal_policy": lambda: AppImageConfig(stack, name, app=lab, removal_policy="retain"),  # type: ignore[arg-type]
        },
        "AppImageConfig.from_app_image_config_name": {
            "app_image_config_name": lambda: AppImageConfig.from_app_image_config_name(stack, name, 7),  # type: ignore[arg-type]
        },
        "BaseImage.from_asset": {
            "directory": lambda: BaseImage.from_asset(7),  # type: ignore[arg-type]
            "file": lambda: BaseImage.from_asset(folder, file=7),  # type: ignore[arg-type]
            "target": lambda: BaseImage.from_asset(folder, target=7),  # type: ignore[arg-type]
            "build_args": lambda: BaseImage.from_asset(folder, build_args={"NAME": 7}),  # type: ignore[dict-item]
            "build_secrets": lambda: BaseImage.from_asset(folder, build_secrets=["token"]),  # type: ignore[arg-type]
            "platform": lambda: BaseImage.from_asset(folder, platform="linux/amd64"),  # type: ignore[arg-type]
            "exclude": lambda: BaseImage.from_asset(folder, exclude=[7]),  # type: ignore[list-item]
            "outputs": lambda: BaseImage.from_asset(folder, outputs=7),  # type: ignore[arg-type]
        },
        "BaseImage.from_ecr_repository": {
            "repository": lambda: BaseImage.from_ecr_repository("data-science", tag="1.0.0"),  # type: ignore[arg-type]
            "tag": lambda: BaseImage.from_ecr_repository(repository, tag=1.0),  # type: ignore[arg-type]
            "digest": lambda: BaseImage.from_ecr_repository(repository, digest=7),  # type: ignore[arg-type]
        },
        "BaseImage.from_uri": {
            "uri": lambda: BaseImage.from_uri(["data-science"]),  # type: ignore[arg-type]
        },
        "Image": {
            "image_name": lambda: Image(stack, name, image_name=7),  # type: ignore[arg-type]
            "display_name": lambda: Image(stack, name, display_name=7),  # type: ignore[arg-type]
            "description": lambda: Image(stack, name, description=["For notebooks"]),  # type: ignore[arg-type]
            "role": lambda: Image(stack, name, role="arn:aws:iam::123456789012:role/some"),  # type: ignore[arg-type]
            "removal_policy": lambda: Image(stack, name, removal_policy="retain"),  # type: ignore[arg-type]
        },
        "Image.from_image_arn": {
            "image_arn": lambda: Image.from_image_arn(stack, name, 7),  # type: ignore[arg-type]
        },
        "Image.from_image_name": {
            "image_name": lambda: Image.from_image_name(stack, name, 7),  # type: ignore[arg-type]
        },
        "ImageAlias": {
            "alias_name": lambda: ImageAlias(stack, name, alias_name=1.4, version=version),  # type: ignore[arg-type]
            "version": lambda: ImageAlias(stack, name, alias_name="latest", version=7),  # type: ignore[arg-type]
            "provider": lambda: ImageAlias(stack, name, alias_name="latest", version=version, provider="own"),  # type: ignore[arg-type]
        },
        "ImageAttachment": {
            "version": lambda: attach(version=7),  # type: ignore[arg-type]
            "app_image_config": lambda: attach(app_image_config="lab"),  # type: ignore[arg-type]
            "domain": lambda: attach(domain=7),  # type: ignore[arg-type]
            "user_profile_name": lambda: attach(user_profile_name=7),  # type: ignore[arg-type]
            "app_type": lambda: attach(app_type="JupyterServer"),  # type: ignore[arg-type]
            "default_space_settings": lambda: attach(default_space_settings="yes"),  # type: ignore[arg-type]
            "superseded_version_count": lambda: attach(superseded_version_count="2"),  # type: ignore[arg-type]
            "provider": lambda: attach(provider="own"),  # type: ignore[arg-type]
        },
        "ImageVersionRetention": {
            "image": lambda: ImageVersionRetention(stack, name, image="data-science", max_version_count=5),  # type: ignore[arg-type]
            "max_version_count": lambda: ImageVersionRetention(stack, name, image=image, max_version_count="5"),  # type: ignore[arg-type]
            "versions": lambda: ImageVersionRetention(stack, name, image=image, max_version_count=5, versions=[7]),  # type: ignore[list-item]
            "provider": lambda: ImageVersionRetention(stack, name, image=image, max_version_count=5, provider="own"),  # type: ignore[arg-type]
        },
        "ImageVersion": {
            "image": lambda: declare(image="data-science"),  # type: ignore[arg-type]
            "base_image": lambda: declare(base_image=URI),  # type: ignore[arg-type]
            "aliases": lambda: declare(aliases={"latest"}),  # type: ignore[arg-type]
            "job_type": lambda: declare(job_type="BATCH"),  # type: ignore[arg-type]
            "processor": lambda: declare(processor=JobType.TRAINING),  # type: ignore[arg-type]
            "horovod": lambda: declare(horovod="yes"),  # type: ignore[arg-type]
            "ml_framework": lambda: declare(ml_framework=2.5),  # type: ignore[arg-type]
            "programming_lang": lambda: declare(programming_lang=3.12),  # type: ignore[arg-type]
            "release_notes": lambda: declare(release_notes=["First"]),  # type: ignore[arg-type]
            "vendor_guidance": lambda: declare(vendor_guidance="GOOD"),  # type: ignore[arg-type]
            "follow_tag": lambda: declare(follow_tag=True),  # type: ignore[arg-type]
            "adopt_version": lambda: declare(adopt_version="7"),  # type: ignore[arg-type]
            "update_replace_policy": lambda: declare(update_replace_policy="KEEP"),  # type: ignore[arg-type]
            "deletion_policy": lambda: declare(deletion_policy="KEEP"),  # type: ignore[arg-type]
            "provider": lambda: declare(provider="own"),  # type: ignore[arg-type]
        },
        "ImageVersion.from_image_version_arn": {
            "image_version_arn": lambda: ImageVersion.from_image_version_arn(stack, name, 7),  # type: ignore[arg-type]
        },
        "ImageVersion.from_image_version_attributes": {
            "image": lambda: ImageVersion.from_image_version_attributes(stack, name, image="data-science", version=7),  # type: ignore[arg-type]
            "version": lambda: ImageVersion.from_image_version_attributes(stack, name, image=image, version="7"),  # type: ignore[arg-type]
        },
        "ImageVersionMonitoring": {
            "provider": lambda: ImageVersionMonitoring(stack, name, provider="own"),  # type: ignore[arg-type]
            "alarm_actions": lambda: ImageVersionMonitoring(stack, name, alarm_actions=["on-call"]),  # type: ignore[list-item]
            "dashboard": lambda: ImageVersionMonitoring(stack, name, dashboard="large"),  # type: ignore[arg-type]
        },
        "ImageVersionProvider.set_default": {
            "provider": lambda: ImageVersionProvider.set_default(stack, "own"),  # type: ignore[arg-type]
        },
        "ImageVersionProvider": {
            "vpc": lambda: ImageVersionProvider(stack, name, vpc="vpc-12345678"),  # type: ignore[arg-type]
            "vpc_subnets": lambda: ImageVersionProvider(stack, name, vpc=vpc, vpc_subnets=["subnet-12345678"]),  # type: ignore[arg-type]
            "security_groups": lambda: ImageVersionProvider(stack, name, vpc=vpc, security_groups=["sg-12345678"]),  # type: ignore[list-item]
            "role": lambda: ImageVersionProvider(stack, name, role="arn:aws:iam::123456789012:role/some"),  # type: ignore[arg-type]
            "log_group": lambda: ImageVersionProvider(stack, name, log_group="/aws/lambda/some"),  # type: ignore[arg-type]
            "log_retention": lambda: ImageVersionProvider(stack, name, log_retention=7),  # type: ignore[arg-type]
            "environment": lambda: ImageVersionProvider(stack, name, environment=["HTTPS_PROXY"]),  # type: ignore[arg-type]
            "environment_encryption": lambda: ImageVersionProvider(stack, name, environment_encryption="alias/some"),  # type: ignore[arg-type]
            "memory_size": lambda: ImageVersionProvider(stack, name, memory_size="512"),  # type: ignore[arg-type]
            "architecture": lambda: ImageVersionProvider(stack, name, architecture="arm64"),  # type: ignore[arg-type]
            "timeout": lambda: ImageVersionProvider(stack, name, timeout=900),  # type: ignore[arg-type]
            "max_event_age": lambda: ImageVersionProvider(stack, name, max_event_age=300),  # type: ignore[arg-type]
            "dead_letter_queue": lambda: ImageVersionProvider(stack, name, dead_letter_queue="arn:aws:sqs:::some"),  # type: ignore[arg-type]
            "tracing": lambda: ImageVersionProvider(stack, name, tracing=True),  # type: ignore[arg-type]
            "permitted_images": lambda: ImageVersionProvider(stack, name, permitted_images={"team-*"}),  # type: ignore[arg-type]
        },
        "StudioApp.code_editor": {
            "container_arguments": lambda: StudioApp.code_editor(container_arguments=[7]),  # type: ignore[list-item]
            "container_entrypoint": lambda: StudioApp.code_editor(container_entrypoint=["/bin/start"]),  # type: ignore[arg-type]
            "container_environment_variables": lambda: StudioApp.code_editor(container_environment_variables={"N": 7}),  # type: ignore[dict-item]
        },
        "StudioApp.jupyter_lab": {
            "container_arguments": lambda: StudioApp.jupyter_lab(container_arguments=[7]),  # type: ignore[list-item]
            "container_entrypoint": lambda: StudioApp.jupyter_lab(container_entrypoint=["/bin/start"]),  # type: ignore[arg-type]
            "container_environment_variables": lambda: StudioApp.jupyter_lab(container_environment_variables={"N": 7}),  # type: ignore[dict-item]
        },
        "StudioApp.kernel_gateway": {
            "kernel_name": lambda: StudioApp.kernel_gateway(kernel_name=3.12),  # type: ignore[arg-type]
            "kernel_display_name": lambda: StudioApp.kernel_gateway(kernel_name="python3", kernel_display_name=3.12),  # type: ignore[arg-type]
            "mount_path": lambda: StudioApp.kernel_gateway(kernel_name="python3", mount_path=folder),  # type: ignore[arg-type]
            "default_uid": lambda: StudioApp.kernel_gateway(kernel_name="python3", default_uid="1000"),  # type: ignore[arg-type]
            "default_gid": lambda: StudioApp.kernel_gateway(kernel_name="python3", default_gid="100"),  # type: ignore[arg-type]
        },
    }
