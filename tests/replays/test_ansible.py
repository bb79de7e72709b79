"""The integration tests of Ansible's amazon.ai.sagemaker_image_version, step by step under their names.

https://github.com/ansible-collections/amazon.ai (tests/integration/targets/sagemaker_image_version)

Its check mode has no counterpart: a dry run is CloudFormation's change set, which sends no event. Its refusals are
scenarios of tests/SCENARIOS.md: no base image (R35), no image (R24), a changed base image, which is a replacement here
(R10), the update of a missing version, which is created here (R13), and the deletion of a missing version (R16) or of
an id without a version (R06).
"""


def test_create_with_alias_and_update_swaps_alias_and_metadata_and_a_rerun_changes_nothing(
    aws, create, update, alias, function
):
    create()
    alias("create")
    assert aws.aliases(1) == ["latest"]
    assert (aws.describe(1)["ReleaseNotes"], aws.describe(1)["Processor"]) == ("First release", "GPU")

    update(ReleaseNotes="updated")
    alias("delete")
    alias("create", Alias="stable")
    assert aws.aliases(1) == ["stable"]
    assert aws.describe(1)["ReleaseNotes"] == "updated"

    update(ReleaseNotes="updated")
    assert function.names() == ["DescribeImageVersion"]
    alias("update", Alias="stable", Version="1", physical_id="data-science/stable")
    assert function.names() == ["DescribeImageVersion"]
