"""What the README shows works."""

import json
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_stack_to_start_from_synthesizes(tmp_path):
    # GIVEN
    (app,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "app.synth()" in code]
    (tmp_path / "app.py").write_text(app.replace("cdk.App()", f"cdk.App(outdir={str(tmp_path / 'out')!r})"))

    # WHEN
    done = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=False)

    # THEN
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    template = json.loads((tmp_path / "out" / "DataScience.template.json").read_text())
    types = [resource["Type"] for resource in template["Resources"].values()]
    assert types.count("Custom::SageMakerImageVersion") == 1
    assert types.count("Custom::SageMakerImageAlias") == 1


def test_the_rest_of_it_synthesizes(tmp_path):
    # GIVEN what is shown after the stack to start from
    first, more = [
        code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "ImageVersion(\n    " in code
    ][1:]
    head, _, tail = first.rpartition("app.synth()")
    head = head.replace("cdk.App()", f"cdk.App(outdir={str(tmp_path / 'out')!r})")
    (tmp_path / "app.py").write_text(f"{head}{more}app.synth(){tail}")

    # WHEN
    done = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=False)

    # THEN
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    types = [
        resource["Type"]
        for stack in ("DataScience", "InVpc")
        for resource in json.loads((tmp_path / "out" / f"{stack}.template.json").read_text())["Resources"].values()
    ]
    assert types.count("Custom::SageMakerImageVersion") == 3
    assert types.count("Custom::SageMakerImageAlias") == 2
    assert types.count("Custom::SageMakerImageRetention") == types.count("AWS::SageMaker::AppImageConfig") == 1


def test_the_mistake_that_it_names_is_refused():
    # GIVEN
    (shown,) = re.findall(r"`(ml_framework 'PyTorch' must be) …`", README)

    # WHEN
    code = "from imgver_constructs._validation.rules import *; check_text('ml_framework', 'PyTorch', ML_FRAMEWORK)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    # THEN
    assert f"ValueError: {shown}" in done.stderr
