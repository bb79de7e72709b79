"""R25 and R26: many versions at once, measured on the simulated clock."""

import pytest

REQUESTS_PER_SECOND = 5
EXECUTIONS = 10


def _numbers_by_image(responses):
    found = {}
    for response in responses:
        assert response["Status"] == "SUCCESS", response["Reason"]
        found.setdefault(response["Data"]["ImageName"], []).append(int(response["Data"]["Version"]))
    return {image: sorted(numbers) for image, numbers in found.items()}


@pytest.mark.parametrize("seed", range(5))
def test_r25_ten_versions_of_one_image_at_once(busy_account, seed, capsys):
    account = busy_account(seed=seed, requests_per_second=None, executions=EXECUTIONS)
    account.create_images(["data-science"])

    responses, seconds = account.create_versions(["data-science"] * 10)

    assert _numbers_by_image(responses) == {"data-science": list(range(1, 11))}
    listed = account.sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"]
    assert [version["ImageVersionStatus"] for version in listed] == ["CREATED"] * 10
    with capsys.disabled():
        print(f"\nR25, seed {seed}: 10 versions of one image in {seconds:.1f} s, {account.calls} calls")  # noqa: T201


@pytest.mark.parametrize("seed", range(5))
def test_r26_two_hundred_versions_of_fifty_images(busy_account, seed, capsys):
    # GIVEN 4 versions of each of 50 images, in no particular order
    account = busy_account(seed=seed, requests_per_second=REQUESTS_PER_SECOND, executions=EXECUTIONS)
    images = [f"image-{number}" for number in range(50)]
    account.create_images(images)
    declared = images * 4
    account.random_numbers.shuffle(declared)

    responses, seconds = account.create_versions(declared)

    assert _numbers_by_image(responses) == {image: [1, 2, 3, 4] for image in images}
    # Two calls a version cannot be avoided: CreateImageVersion, and one that sees the version CREATED.
    limit = 2 * len(declared) / REQUESTS_PER_SECOND
    with capsys.disabled():
        print(  # noqa: T201 (the figure is what the test is for)
            f"\nR26, seed {seed}: 200 versions of 50 images in {seconds:.1f} s, {seconds / limit:.2f} times the "
            f"{limit:.0f} s that the rate dictates; {account.calls} calls, {account.throttled} throttled"
        )
    assert seconds <= 1.5 * limit
