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
def test_r25_ten_versions_of_one_image_at_once(busy_account, seed):
    account = busy_account(seed=seed, requests_per_second=None, executions=EXECUTIONS)
    account.create_images(["data-science"])

    responses, _ = account.create_versions(["data-science"] * 10)

    assert _numbers_by_image(responses) == {"data-science": list(range(1, 11))}
    listed = account.sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"]
    assert [version["ImageVersionStatus"] for version in listed] == ["CREATED"] * 10


@pytest.mark.parametrize("seed", range(5))
def test_r26_two_hundred_versions_of_fifty_images(busy_account, seed):
    # GIVEN 4 versions of each of 50 images, in no particular order
    account = busy_account(seed=seed, requests_per_second=REQUESTS_PER_SECOND, executions=EXECUTIONS)
    images = [f"image-{number}" for number in range(50)]
    account.create_images(images)
    declared = images * 4
    account.random_numbers.shuffle(declared)

    responses, seconds = account.create_versions(declared)

    assert _numbers_by_image(responses) == {image: [1, 2, 3, 4] for image in images}
    # Every version needs two calls: CreateImageVersion, and the poll that finds the version CREATED.
    limit = 2 * len(declared) / REQUESTS_PER_SECOND
    assert seconds <= 1.5 * limit, f"{seconds / limit:.2f} times the limit, {account.throttled} calls throttled"
