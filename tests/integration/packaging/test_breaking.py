"""What is breaking, line by line of the file that says what is public."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from breaking import Changes, Size, Version, api_changes, logical_id_changes, smallest_version

CHECKOUT = Path(__file__).parents[3]

CHECKS = CHECKOUT / "tests" / "constructs"
PUBLIC = """\
class BaseImage(ABC)
    staticmethod from_uri(uri: str) -> BaseImage

class ImageAlias(Construct)
    alias_name: str

class ImageBase(Resource, IImageRef)
    grant(grantee: iam.IGrantable, *actions: str) -> iam.Grant
    grant_read(grantee: iam.IGrantable) -> iam.Grant

class ImageRetention(Construct)
    __init__(
        scope: Construct,
        construct_id: str,
        *,
        image: ImageBase,
        keep: int,
        provider: ImageVersionProvider | None = None,
    ) -> None

class ImageVersion(ImageVersionBase)
    __init__(
        scope: Construct,
        construct_id: str,
        *,
        horovod: bool | None = None,
    ) -> None
    container_image: str
    image_version_arn: str
    provider: ImageVersionProvider

class ImageVersionBase(Construct)
    image_version_arn: str
    provider: ImageVersionProvider | None

class ImageVersionProvider(Construct)
    __init__(
        scope: Construct,
        construct_id: str,
        *,
        memory_size: int = 512,
    ) -> None

class Processor(Enum)
    CPU = 'CPU'
    GPU = 'GPU'
"""
LOGICAL_IDS = """\
def test_a():
    assert types(stack) == {
        "Version6A868472": "Custom::SageMakerImageVersion",
    }

def test_b():
    name = "not asserted"
    assert types(stack) == {
        "Version6A868472": "Custom::SageMakerImageVersion",
    }
"""


@pytest.mark.parametrize(
    ("line", "change", "breaking"),
    [
        ("        keep: int,\n", "", ["ImageRetention.__init__(keep) is gone"]),
        ("keep: int,", "keep: str,", ["ImageRetention.__init__(keep) was int, and is str"]),
        ("keep: int,", "keep: int,\n        least: int,", ["ImageRetention.__init__(least) is new"]),
        ("keep: int,", "last: int = 1,", ["ImageRetention.__init__(keep) is gone"]),
        (
            "memory_size: int = 512",
            "memory_size: int = 256",
            ["ImageVersionProvider.__init__(memory_size) was int = 512, and is int = 256"],
        ),
        (
            "memory_size: int = 512",
            "memory_size: int",
            ["ImageVersionProvider.__init__(memory_size) was int = 512, and is int"],
        ),
        (
            "horovod: bool | None = None",
            "horovod: bool = None",
            ["ImageVersion.__init__(horovod) was bool | None = None, and is bool = None"],
        ),
        (
            "staticmethod from_uri(uri: str) -> BaseImage",
            "from_uri(uri: str) -> BaseImage",
            ["BaseImage.from_uri() was staticmethod -> BaseImage, and is -> BaseImage"],
        ),
        ("    container_image: str\n", "", ["ImageVersion.container_image is gone"]),
        ("    alias_name: str\n", "    alias_name: int\n", ["ImageAlias.alias_name was str, and is int"]),
        ("    CPU = 'CPU'\n", "    CPU = 'cpu'\n", ["Processor.CPU was 'CPU', and is 'cpu'"]),
        ("    GPU = 'GPU'\n", "", ["Processor.GPU is gone"]),
        ("class ImageBase(Resource, IImageRef)", "class ImageBase(Resource)", ["ImageBase(IImageRef) is gone"]),
        (
            "grant(grantee: iam.IGrantable, *actions: str) -> iam.Grant\n    grant_read",
            "grant(*actions: str) -> iam.Grant\n    grant_read",
            ["ImageBase.grant(grantee) is gone"],
        ),
    ],
)
def test_what_users_wrote_would_not_do_any_more(line: str, change: str, breaking: list[str]) -> None:
    assert line in PUBLIC

    changes = api_changes(PUBLIC, PUBLIC.replace(line, change, 1))

    # What is inherited is named at each class that has it.
    assert set(breaking) <= set(changes.breaking)
    assert {each.partition(".")[2] for each in changes.breaking} == {each.partition(".")[2] for each in breaking}


@pytest.mark.parametrize(
    ("line", "change", "feature"),
    [
        ("keep: int,", "keep: int,\n        older: int = 0,", "ImageRetention.__init__(older) is new"),
        ("keep: int,", "keep: int = 5,", "ImageRetention.__init__(keep) was int, and is int = 5"),
        ("keep: int,", "keep: int | None,", "ImageRetention.__init__(keep) was int, and is int | None"),
        ("    CPU = 'CPU'\n", "    CPU = 'CPU'\n    TPU = 'TPU'\n", "Processor.TPU is new"),
        ("    alias_name: str\n", "    alias_name: str\n    old: str\n", "ImageAlias.old is new"),
        (
            "from_uri(uri: str) -> BaseImage",
            "from_uri(uri: str, *, region: str | None = None) -> BaseImage",
            "BaseImage.from_uri(region) is new",
        ),
        (
            "class Processor(",
            "class New(Construct)\n    __init__(scope: str) -> None\n\nclass Processor(",
            "New.__init__(scope) is new",
        ),
    ],
)
def test_what_is_added_is_a_feature(line: str, change: str, feature: str) -> None:
    assert line in PUBLIC

    changes = api_changes(PUBLIC, PUBLIC.replace(line, change, 1))

    assert changes.breaking == []
    assert feature in changes.features


def test_what_moves_to_a_public_base_stays() -> None:
    moved = PUBLIC.replace("    image_version_arn: str\n    provider: ImageVersionProvider\n", "", 1)
    assert moved.count("    image_version_arn: str\n") == 1

    changes = api_changes(PUBLIC, moved)

    # The version's own provider is never None; the base's may be.
    assert changes.features == []
    assert changes.breaking == ["ImageVersion.provider was ImageVersionProvider, and is ImageVersionProvider | None"]


def test_no_line_of_the_public_api_can_go_unnoticed() -> None:
    public = (CHECKS / "checks" / "public_api.txt").read_text()
    lines = public.splitlines(keepends=True)
    whole = [
        number
        for number, line in enumerate(lines)
        if line.startswith(" ") and not line.endswith(("(\n", ") -> None\n"))
    ]
    unnoticed = [
        lines[number]
        for number in whole
        if not lines[number].strip().startswith(")")
        and not api_changes(public, "".join([*lines[:number], *lines[number + 1 :]])).breaking
    ]

    assert len(whole) > 100
    # What a public base has as well is still there.
    assert [line for line in unnoticed if public.count(line) == 1] == []
    assert api_changes(public, public) == Changes()


def test_what_the_logical_ids_tests_assert_is_found() -> None:
    source = (CHECKS / "test_logical_ids.py").read_text()

    ids = re.findall(r'^        "(\w+)": "(?:AWS|Custom)::', source, re.MULTILINE)
    assert len(ids) > 30
    assert {
        each for each in ids if not logical_id_changes(source, source.replace(f'"{each}"', '"Other"')).breaking
    } == set()


def test_a_line_that_is_no_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"line 'def f\(\)' must be a class, as `make api` writes it"):
        api_changes(PUBLIC, f"{PUBLIC}\ndef f()\n")


def test_a_logical_id_that_changes_is_breaking() -> None:
    changed = LOGICAL_IDS.replace('"Version6A868472"', '"VersionResource"')

    assert logical_id_changes(LOGICAL_IDS, changed).breaking == [
        "'Version6A868472' is gone from test_a",
        "'Version6A868472' is gone from test_b",
    ]
    once = LOGICAL_IDS.replace('"Version6A868472"', '"VersionResource"', 1)
    assert logical_id_changes(LOGICAL_IDS, once).breaking == ["'Version6A868472' is gone from test_a"]
    # One more resource, or another text that is not asserted, is none.
    more = LOGICAL_IDS.replace('        "Version6A868472"', '        "More": "AWS::X::Y",\n        "Version6A868472"')
    assert logical_id_changes(LOGICAL_IDS, more.replace("not asserted", "changed")).breaking == []


@pytest.mark.parametrize(
    ("last", "size", "smallest"),
    [
        ((0, 3, 7), Size.PATCH, (0, 3, 8)),
        ((0, 3, 7), Size.FEATURE, (0, 3, 8)),
        ((0, 3, 7), Size.BREAKING, (0, 4, 0)),
        ((1, 3, 7), Size.PATCH, (1, 3, 8)),
        ((1, 3, 7), Size.FEATURE, (1, 4, 0)),
        ((1, 3, 7), Size.BREAKING, (2, 0, 0)),
    ],
)
def test_the_number_says_how_much_has_changed(last: Version, size: Size, smallest: Version) -> None:
    assert smallest_version(last, size) == smallest
