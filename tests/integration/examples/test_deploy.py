"""The examples on the sandbox, by the lines of their READMEs: the real CDK CLI deploys, boto3 looks at what is there.

All of them share one sandbox, which evaluates IAM; each destroys what it deployed.
"""

import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.runtime.sandbox import Sandbox


@pytest.fixture(scope="module")
def sagemaker(tmp_path_factory, new_example, index):
    """SageMaker in the sandbox that the index of the examples starts, which is bootstrapped then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGVER_SANDBOX_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        install, start, bootstrap = index
        assert install == "pip install '.[sandbox]' PyYAML"
        assert start == "imgver-sandbox start"
        shell = new_example("minimal", tmp_path_factory.mktemp("account"))
        try:
            shell.run(f"{start} --enforce-iam")
            # How long SageMaker takes is tested elsewhere.
            for operation in ("CreateImage", "CreateImageVersion", "DeleteImage", "DeleteImageVersion"):
                shell.run(f"imgver-sandbox fault add slow 0.05 --operation {operation} --times 1000")
            shell.run(bootstrap)
            sandbox = Sandbox.running()
            yield sandbox.client("sagemaker")
        finally:
            shell.run("imgver-sandbox stop")


def versions(sagemaker, image):
    """The aliases of every version, by number; all are CREATED."""
    listed = sagemaker.list_image_versions(ImageName=image)["ImageVersions"]
    assert {version["ImageVersionStatus"] for version in listed} <= {"CREATED"}
    return {
        number: sorted(sagemaker.list_aliases(ImageName=image, Version=number)["SageMakerImageVersionAliases"])
        for number in sorted(version["Version"] for version in listed)
    }


def described(sagemaker, image, number):
    answer = sagemaker.describe_image_version(ImageName=image, Version=number)
    del answer["ResponseMetadata"]
    return answer


def is_gone(sagemaker, image):
    """Whether there is no such image, and thus no version of it."""
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_image(ImageName=image)
    return True


def test_minimal(sagemaker, example):
    minimal = example("minimal")
    push, deploy, destroy = minimal.lines

    minimal.run(push)
    minimal.run(deploy)
    assert versions(sagemaker, "notebook") == {1: ["latest"]}
    assert described(sagemaker, "notebook", 1)["BaseImage"].endswith("/notebook:1.0.0")

    minimal.run(destroy)
    assert is_gone(sagemaker, "notebook")


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
    assert is_gone(sagemaker, "nightly")


def test_promoted_aliases(sagemaker, example):
    forecast = example("promoted_aliases")
    push, deploy, promote, take_back, destroy = forecast.lines
    before = {"1.0.0": ["stable"], "1.1.0": ["candidate"]}

    forecast.run(push)
    forecast.run(deploy)
    assert aliases_by_release(sagemaker) == before

    forecast.run(promote)
    assert aliases_by_release(sagemaker) == {"1.0.0": [], "1.1.0": ["candidate", "stable"]}

    forecast.run(take_back)
    assert aliases_by_release(sagemaker) == before

    forecast.run(destroy)
    assert is_gone(sagemaker, "forecast")


def aliases_by_release(sagemaker):
    """What else points to the version of each release."""
    every = versions(sagemaker, "forecast").values()
    return {
        release: [alias for alias in aliases if alias != release]
        for aliases in every
        for release in aliases
        if release[0].isdigit()
    }


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
    assert is_gone(sagemaker, "studio-lab")


def custom_images(sagemaker):
    """What the domain offers in JupyterLab."""
    (domain,) = sagemaker.list_domains()["Domains"]
    settings = sagemaker.describe_domain(DomainId=domain["DomainId"])["DefaultUserSettings"]
    return settings["JupyterLabAppSettings"]["CustomImages"]


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
    assert sagemaker.list_images(NameContains="team-")["Images"] == []


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

    # THEN the version is the stack's, and the image is not
    adoption.run(destroy)
    assert versions(sagemaker, "legacy") == {}
    assert sagemaker.describe_image(ImageName="legacy")["ImageStatus"] == "CREATED"


@pytest.mark.parametrize("name", ["docker_asset", "pipeline"])
def test_what_cannot_be_deployed_here_synthesizes(sagemaker, example, name):
    copy = example(name)

    (synth,) = copy.lines
    copy.run(synth)

    assert list((copy.folder / "cdk.out").glob("*.template.json")) != []
