"""The code of the README runs."""

import json
import re
import runpy

import pytest
from pages import ROOT

README = (ROOT / "README.md").read_text()
FIRST, MORE = [code for code in re.findall(r"```python\n(.*?)```", README, re.S) if "ImageVersion(\n    " in code][1:]


def run(app, folder):
    (folder / "app.py").write_text(app.replace("cdk.App()", f"cdk.App(outdir={str(folder)!r})"))
    runpy.run_path(str(folder / "app.py"))


@pytest.mark.slow
def test_the_stacks_synthesize(tmp_path):
    run(FIRST.replace("app.synth()", f"{MORE}app.synth()"), tmp_path)

    templates = [json.loads((tmp_path / f"{stack}.template.json").read_text()) for stack in ("DataScience", "InVpc")]
    types = [resource["Type"] for template in templates for resource in template["Resources"].values()]
    assert types.count("Custom::SageMakerImageVersion") == 3
    assert types.count("Custom::SageMakerImageAlias") == 2
    assert types.count("Custom::SageMakerImageRetention") == types.count("AWS::SageMaker::AppImageConfig") == 1


def test_the_error_that_it_quotes_is_raised(tmp_path):
    (quoted,) = re.findall(r"`(ml_framework 'PyTorch' must be) …`", README)

    with pytest.raises(ValueError, match=quoted):
        run(FIRST.replace("PyTorch 2.5", "PyTorch"), tmp_path)
