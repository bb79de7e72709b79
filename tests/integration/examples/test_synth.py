"""app.py and every example synthesize without a warning, with the feature flags that `cdk init` writes."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from lint import linter

CHECKOUT = Path(__file__).parents[3]
EXAMPLES = CHECKOUT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/app.py"))
FLAGS = json.loads((CHECKOUT / "cdk.json").read_text())["context"] | {
    # The CDK's own validation raises its warnings as errors, too.
    "@aws-cdk/core:validateAgainstDefaultRules": True,
    "@aws-cdk/core:strictCfnValidateErrors": True,
}

VERSION = "Custom::SageMakerImageVersion"


@pytest.fixture(scope="module")
def synthesized(run_app):
    """The folder of the assembly of an example, which is synthesized once."""

    @cache
    def synthesized(name):
        context = json.loads((EXAMPLES / name / "cdk.json").read_text()).get("context", {})
        return run_app(EXAMPLES / name / "app.py", FLAGS | context)

    return synthesized


@pytest.fixture(scope="module")
def cfn_lint():
    return linter()


def resources(template, resource_type):
    return [each for each in json.loads(template.read_text())["Resources"].values() if each["Type"] == resource_type]


@pytest.mark.parametrize("name", [pytest.param("..", id="app.py"), *NAMES])
def test_it_synthesizes_without_a_warning(synthesized, cfn_lint, name):
    out = synthesized(name)

    manifests = [path.read_text() for pattern in ("manifest.json", "*.metadata.json") for path in out.rglob(pattern)]
    assert [entry for text in manifests for entry in re.findall('"aws:cdk:(?:warning|error)"', text)] == []
    assert list(out.rglob("*.template.json")) != []
    assert cfn_lint(out) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_has_an_app_and_a_readme_and_is_in_the_index(name):
    assert json.loads((EXAMPLES / name / "cdk.json").read_text())["app"] == "python3 app.py"
    assert (EXAMPLES / name / "README.md").read_text().startswith(f"# {name}\n")
    assert f"[{name}]({name}/)" in (EXAMPLES / "README.md").read_text()


@pytest.mark.parametrize("readme", ["README.md", *(f"{name}/README.md" for name in NAMES)])
def test_links_have_a_target(readme):
    text = (EXAMPLES / readme).read_text()
    for target, anchor in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text):
        path = (EXAMPLES / readme).parent / target
        assert path.exists()
        if anchor:
            titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
            assert anchor in [title.lower().replace(" ", "-") for title in titles]


def test_docker_asset_uses_the_container_image_of_its_folder(synthesized):
    out = synthesized("docker_asset")

    assets = json.loads((out / "DockerAsset.assets.json").read_text())["dockerImages"]
    ((tag, asset),) = assets.items()
    (version,) = resources(out / "DockerAsset.template.json", VERSION)
    assert version["Properties"]["BaseImage"]["Fn::Sub"].endswith(f":{tag}")
    built = (out / asset["source"]["directory"] / "Dockerfile").read_bytes()
    assert built == (EXAMPLES / "docker_asset" / "docker" / "Dockerfile").read_bytes()


@pytest.mark.parametrize(("stage", "account"), [("Development", "222222222222"), ("Production", "333333333333")])
def test_pipeline_deploys_one_container_image_to_both_accounts(synthesized, stage, account):
    out = synthesized("pipeline") / f"assembly-Pipeline-{stage}"
    (template,) = out.glob("*.template.json")

    assert f'"environment": "aws://{account}/eu-west-1"' in (out / "manifest.json").read_text()
    (version,) = resources(template, VERSION)
    base_image = json.dumps(version["Properties"]["BaseImage"])
    assert "111111111111.dkr.ecr.eu-west-1." in base_image
    assert "data-science:1.0.0" in base_image


def test_pipeline_requires_an_approval_before_production(synthesized):
    (pipeline,) = resources(synthesized("pipeline") / "Pipeline.template.json", "AWS::CodePipeline::Pipeline")

    stages = {stage["Name"]: stage["Actions"] for stage in pipeline["Properties"]["Stages"]}
    assert list(stages) == ["Source", "Build", "UpdatePipeline", "Assets", "Development", "Production"]
    first = min(stages["Production"], key=lambda action: action.get("RunOrder", 1))
    assert first["ActionTypeId"]["Provider"] == "Manual"


def test_pipeline_logs_in_to_the_index_and_selects_a_node_that_the_cdk_supports(synthesized):
    projects = resources(synthesized("pipeline") / "Pipeline.template.json", "AWS::CodeBuild::Project")

    specs = [json.loads(project["Properties"]["Source"]["BuildSpec"]) for project in projects]
    assert {json.dumps(spec["phases"]["install"]["runtime-versions"]) for spec in specs} == {
        '{"python": "3.13", "nodejs": "22"}'
    }
    (synth,) = [spec["phases"] for spec in specs if "synth" in str(spec["phases"]["build"])]
    login, install = synth["install"]["commands"]
    guide = (CHECKOUT / "docs" / "how-to" / "share-in-your-company.md").read_text()
    assert f"\n{login}\n" in guide
    assert (EXAMPLES / "pipeline" / install.partition(" -r ")[2]).exists()


def test_many_accounts_has_a_stage_for_each_account_and_region_and_one_template_for_all(synthesized):
    out = synthesized("many_accounts")
    in_stages = [json.loads(path.read_text()) for path in out.rglob("assembly-ByPipeline-In-*/*.template.json")]
    (of_stack_set,) = out.glob("assembly-ByStackSet-PerAccount/*.template.json")
    (stack_set,) = resources(out / "ByStackSet.template.json", "AWS::CloudFormation::StackSet")

    # THEN every stage has the same resources as the template of the stack set, which needs no bootstrap stack
    assert [set(each["Resources"]) for each in in_stages] == [
        set(json.loads(of_stack_set.read_text())["Resources"])
    ] * 4
    assert "bootstrap" not in of_stack_set.read_text()
    assert stack_set["Properties"]["StackInstancesGroup"][0]["Regions"] == ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize("name", ["docker_asset", "pipeline"])
def test_an_example_that_the_sandbox_cannot_deploy_is_synthesized(name):
    assert "```sh\nimgver-sandbox run -- cdk synth --quiet\n```" in (EXAMPLES / name / "README.md").read_text()
