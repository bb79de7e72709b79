"""The examples in one sandbox: the commands of their READMEs run, and boto3 reads what they have created."""

import shlex
import shutil

import pytest


@pytest.fixture(scope="module")
def sagemaker(sandbox):
    return sandbox.client("sagemaker")


def versions(sagemaker, image):
    """The aliases of every version, by number; all versions are CREATED."""
    listed = sagemaker.list_image_versions(ImageName=image)["ImageVersions"]
    assert {version["ImageVersionStatus"] for version in listed} <= {"CREATED"}
    return {
        number: sorted(sagemaker.list_aliases(ImageName=image, Version=number)["SageMakerImageVersionAliases"])
        for number in sorted(version["Version"] for version in listed)
    }


def described(sagemaker, image, number):
    version = sagemaker.describe_image_version(ImageName=image, Version=number)
    del version["ResponseMetadata"]
    return version


def assert_is_retained(sagemaker, image):
    """The stack is deleted, and its image and versions are not; the aliases are."""
    assert sagemaker.describe_image(ImageName=image)["ImageStatus"] == "CREATED"
    found = versions(sagemaker, image)
    assert found
    assert not any(found.values())


def test_minimal_with_the_cdk_cli(sagemaker, example, tmp_path):
    # GIVEN a copy of the example
    minimal = example("minimal")
    minimal.folder = shutil.copytree(minimal.folder, tmp_path / "minimal")
    push, *lines = minimal.lines
    deploy, destroy = (shlex.split(line, comments=True)[3:] for line in lines)

    minimal.push(push)
    minimal.execute([*deploy, "--require-approval=never", "--method=direct"])
    assert versions(sagemaker, "notebook") == {1: ["latest"]}
    assert described(sagemaker, "notebook", 1)["BaseImage"].endswith("/notebook:1.0.0")

    minimal.execute([*destroy, "--app", "cdk.out"])
    assert_is_retained(sagemaker, "notebook")


def test_followed_tag(sagemaker, example):
    nightly = example("followed_tag")
    push, first, unchanged, push_again, changed, destroy = nightly.lines

    nightly.run(push)
    nightly.run(first)
    assert versions(sagemaker, "nightly") == {1: ["latest"]}
    pushed_first = described(sagemaker, "nightly", 1)

    nightly.run(unchanged)
    assert versions(sagemaker, "nightly") == {1: ["latest"]}
    assert described(sagemaker, "nightly", 1) == pushed_first

    nightly.run(push_again)
    nightly.run(changed)
    assert versions(sagemaker, "nightly") == {1: [], 2: ["latest"]}
    assert described(sagemaker, "nightly", 2)["ContainerImage"] != pushed_first["ContainerImage"]

    nightly.run(destroy)
    assert_is_retained(sagemaker, "nightly")


def test_promoted_aliases(sagemaker, example):
    forecast = example("promoted_aliases")
    push, deploy, promote, undo, destroy = forecast.lines

    def releases():
        versions = [
            sagemaker.describe_image_version(ImageName="forecast", Alias=name) for name in ("stable", "candidate")
        ]
        return [version["BaseImage"].rpartition(":")[2] for version in versions]

    forecast.run(push)
    forecast.run(deploy)
    assert releases() == ["1.0.0", "1.1.0"]

    forecast.run(promote)
    assert releases() == ["1.1.0", "1.1.0"]

    forecast.run(undo)
    assert releases() == ["1.0.0", "1.1.0"]
    assert sorted(aliases[0] for aliases in versions(sagemaker, "forecast").values()) == ["1.0.0", "1.1.0"]

    forecast.run(destroy)
    assert_is_retained(sagemaker, "forecast")


def test_studio_domain(sagemaker, example):
    studio = example("studio_domain")
    push, deploy, deploy_next, destroy = studio.lines

    studio.run(push)
    studio.run(deploy)
    assert versions(sagemaker, "studio-lab") == {1: ["1.0.0"]}
    (config,) = sagemaker.list_app_image_configs()["AppImageConfigs"]
    assert config["JupyterLabAppImageConfig"] is not None
    offered = {"ImageName": "studio-lab", "AppImageConfigName": config["AppImageConfigName"]}
    assert custom_images(sagemaker) == [offered | {"ImageVersionNumber": 1}]

    studio.run(deploy_next)
    assert versions(sagemaker, "studio-lab") == {1: [], 2: ["1.1.0"]}
    assert custom_images(sagemaker) == [offered | {"ImageVersionNumber": 2}]

    studio.run(destroy)
    assert sagemaker.list_domains()["Domains"] == []
    assert_is_retained(sagemaker, "studio-lab")


def custom_images(sagemaker):
    """The custom images of the domain in JupyterLab."""
    (domain,) = sagemaker.list_domains()["Domains"]
    settings = sagemaker.describe_domain(DomainId=domain["DomainId"])["DefaultUserSettings"]
    return settings["JupyterLabAppSettings"]["CustomImages"]


@pytest.mark.exhaustive
def test_image_factory(sagemaker, example):
    factory = example("image_factory")
    push, deploy, destroy = factory.lines

    factory.run(push)
    factory.run(deploy)
    images = sagemaker.list_images(NameContains="team-", MaxResults=100)["Images"]
    assert len(images) == 20
    for image in images:
        assert versions(sagemaker, image["ImageName"]) == {1: ["latest"]}
    speech = described(sagemaker, "team-speech", 1)
    assert (speech["Processor"], speech["ProgrammingLang"]) == ("GPU", "Python 3.11")
    assert speech["BaseImage"].endswith("/platform:gpu-1.4.0")

    factory.run(destroy)
    for image in images:
        assert_is_retained(sagemaker, image["ImageName"])


def test_adoption(sagemaker, example):
    adoption = example("adoption")
    push, by_hand, adopt, drop, destroy = adoption.lines

    adoption.run(push)
    adoption.run(by_hand)
    registered = described(sagemaker, "legacy", 1)
    assert registered["ImageVersionStatus"] == "CREATED"

    adoption.run(adopt)
    assert versions(sagemaker, "legacy") == {1: []}
    assert described(sagemaker, "legacy", 1) == registered

    adoption.run(drop)
    assert versions(sagemaker, "legacy") == {1: []}
    assert described(sagemaker, "legacy", 1) == registered

    adoption.run(destroy)
    assert_is_retained(sagemaker, "legacy")


@pytest.mark.exhaustive
def test_the_template_of_one_of_many_accounts_with_the_cdk_cli(sagemaker, example, tmp_path):
    # GIVEN a copy of the example
    many = example("many_accounts")
    many.folder = shutil.copytree(many.folder, tmp_path / "many_accounts")
    (push,) = (line for line in many.lines if line.startswith("imgver-sandbox push "))
    synth, bucket, deploy, destroy = (shlex.split(line)[3:] for line in many.lines if line != push)

    many.push(push)
    for command in (synth, bucket, [*deploy, "--require-approval=never", "--method=direct"]):
        many.execute(command)
    assert versions(sagemaker, "data-science") == {1: ["latest"]}

    many.execute(destroy)
