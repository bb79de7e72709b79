#!/usr/bin/env bash
# Expected: without --repository, sm-docker pushes the tag `latest`, as its help says.
# Observed: in Studio, the tag is the name of the user profile. It is `latest` only outside of Studio.
# Why it matters: sm-docker builds custom images in Studio. An image version from the tag `latest` does not get the
# build that was just pushed. The tag of a user is overwritten by the next build of that user, so it identifies no build
# either. Pass --repository with another tag for each build. Duration: 1 to 2 minutes.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages sagemaker-studio-image-build==0.6.0 boto3==1.44.8

echo "help: $(COLUMNS=200 sm-docker build --help | grep -o 'default: sagemaker-studio-[^)]*')" >output
python - >>output <<'PY'
from unittest import mock

from sagemaker_studio_image_build.codebuild import TempCodeBuildProject

for place, domain_and_user in {"in Studio": ("d-example", "ann"), "elsewhere": (None, None)}.items():
    # Stands for the file of Studio with the names of the domain and the user profile.
    with mock.patch.object(TempCodeBuildProject, "_get_studio_metadata", return_value=domain_and_user):
        project = TempCodeBuildProject("bucket/source.zip", "builder")
    print(f"{place}: {project.repo_name}:{project.tag}")
PY

expect "The tag that the help states, and the tag that is pushed:" <<'OUTPUT'
help: default: sagemaker-studio-${domain_id}:latest
in Studio: sagemaker-studio-d-example:ann
elsewhere: sagemaker-studio:latest
OUTPUT
