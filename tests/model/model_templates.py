"""Random templates of the modelled stacks."""

from __future__ import annotations

import os
from dataclasses import replace

from deployed_function import Disruption
from hypothesis import strategies as st
from people import Interference
from shared_account import FIRST, FIRST_ALIAS, TAGS, base_image
from stack_template import POLICY_TYPE, Attribute, Ref, Resource, Scalar, Template

VERSION_TYPE = "Custom::SageMakerImageVersion"
ALIAS_TYPE = "Custom::SageMakerImageAlias"
RETENTION_TYPE = "Custom::SageMakerImageRetention"
ATTACHMENT_TYPE = "Custom::SageMakerImageAttachment"
IMAGES = {"Notebooks": ("data-science", "Deep-Learning"), "Training": ("Data-Science", "Deep-Learning")}
"""The images of each stack. Whether the two names that differ only in case are one image is not documented."""
SHARED_OR_RETAINED = "data-science"
"""The image whose versions both stacks declare, or for which one of the stacks declares a retention. Not both: a
retention does not know the versions of other stacks, as its documentation says."""
ALIASES = {"Notebooks": (FIRST_ALIAS, "stable"), "Training": ("edge",)}
"""The aliases that each stack declares on the versions of its images."""
MISSING_TAG = "missing"
VERSIONS = ("V1", "V2", "V3")

KINDS = frozenset(
    os.environ.get(
        "LIFECYCLE_KINDS",
        "attachments,cancellation,case,clocks,faults,late,people,permissions,reads,refs,retain,retention",
    ).split(",")
)
"""The kinds of disturbances in the histories."""

QUIETNESS = int(os.environ.get("LIFECYCLE_QUIETNESS", "1"))
"""The factor by which failures and disturbances are rarer than in the usual histories, which have one in each step."""


def _only(kind: str, strategy: st.SearchStrategy, otherwise: object) -> st.SearchStrategy:
    return strategy if kind in KINDS else st.just(otherwise)


def _rarely(one_in: int, strategy: st.SearchStrategy, otherwise: object) -> st.SearchStrategy:
    """The strategy once in so many times, or even more rarely in quiet histories."""
    # Hypothesis draws the ends of a large range too often.
    chosen = (one_in * QUIETNESS + 1) // 2
    numbers = st.integers(1, one_in * QUIETNESS)
    return numbers.flatmap(lambda number: strategy if number == chosen else st.just(otherwise))


_POLICIES = [
    {"OnReplace": "DELETE", "OnDelete": "DELETE"},
    {"OnReplace": "ARCHIVE", "OnDelete": "DELETE"},
    {"OnReplace": "DELETE", "OnDelete": "ARCHIVE"},
]

_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "ReleaseNotes": st.sampled_from(["first", "second"]),
        "VendorGuidance": st.sampled_from(["STABLE", "TO_BE_ARCHIVED"]),
        "Horovod": st.sampled_from(["true", "false"]),
        "FollowTag": st.sampled_from(["build-1", "build-2"]),
    },
)


@st.composite
def templates(draw: st.DrawFn, *, stack: str) -> Template:
    """A template with up to three versions of two images, aliases on them, and perhaps a retention."""
    template: dict[str, Resource] = {}
    versions: dict[str, list[str]] = {}
    for logical_id in sorted(draw(st.sets(st.sampled_from(VERSIONS), min_size=1))):
        image = draw(st.sampled_from(IMAGES[stack]))
        versions.setdefault(image, []).append(logical_id)
    # The construct refers to a version by its physical id, which contains the creation time.
    uses_ref = "refs" in KINDS
    for image, logical_ids in versions.items():
        name = image
        if image == SHARED_OR_RETAINED:
            name = draw(_only("case", st.sampled_from([image, image, image.title()]), image))
        policy = f"Policy.{name}"
        template[policy] = Resource(type=POLICY_TYPE)
        for logical_id in logical_ids:
            # Only one stack may adopt the foreign version, since both would own it.
            adopts = stack == "Notebooks" and (name, logical_id) == (SHARED_OR_RETAINED, VERSIONS[0])
            template[logical_id] = Resource(
                type=VERSION_TYPE,
                properties={
                    "ImageName": name,
                    "BaseImage": base_image(
                        draw(_rarely(12, st.just(MISSING_TAG), None)) or draw(st.sampled_from(TAGS))
                    ),
                    **draw(st.sampled_from(_POLICIES)),
                    **({"AdoptVersion": str(FIRST)} if adopts and draw(st.booleans()) else {}),
                    **draw(_OPTIONS),
                },
                depends_on=(policy,),
                retained=draw(_only("retain", _rarely(5, st.just(True), False), False)),
            )
        for alias in ALIASES[stack]:
            owner = draw(st.sampled_from([None, *sorted(logical_ids)]))
            if owner is not None:
                version: Scalar = Ref(owner) if uses_ref else Attribute(owner, "Version")
                template[f"{image.lower()}.{alias}"] = Resource(
                    type=ALIAS_TYPE,
                    properties={"ImageName": name, "Alias": alias, "Version": version},
                    depends_on=(policy,),
                )
        offered = draw(_only("attachments", st.sampled_from([None, *sorted(logical_ids)]), None))
        if offered is not None:
            template[f"offered.{image.lower()}"] = Resource(
                type=ATTACHMENT_TYPE,
                properties={
                    "App": "JupyterLab",
                    "ImageName": name,
                    "AppImageConfigName": config_name(stack, image),
                    "Version": Ref(offered) if uses_ref else Attribute(offered, "Version"),
                },
                depends_on=(policy,),
            )
        retention = draw(st.sampled_from([None, "Retention", "RenamedRetention"]))
        if image == SHARED_OR_RETAINED and stack == "Notebooks" and retention is not None:
            template[retention] = Resource(
                type=RETENTION_TYPE,
                properties={
                    "ImageName": name,
                    "Keep": str(draw(st.integers(1, 2))),
                    "Versions": [Attribute(one, "Version") for one in logical_ids],
                },
                depends_on=(policy, *(one for one in template if one.startswith(f"{image.lower()}."))),
            )
    if draw(_rarely(6, st.just(True), False)):
        after = draw(st.sets(st.sampled_from(sorted(template))))
        seconds = draw(_only("cancellation", st.floats(0, 30), 0.0))
        # Without cancellations the resource fails after everything else.
        depends_on = after if "cancellation" in KINDS else set(template)
        template["Broken"] = Resource(
            type="AWS::Other::Thing", depends_on=tuple(sorted(depends_on)), fails_after=seconds
        )
    return template


def config_name(stack: str, image: str) -> str:
    """The app image config with which a stack offers an image."""
    return f"{stack}-{image.lower()}"


def in_domain(template: Template, domain_id: str) -> Template:
    """The template with the domain in which its attachments offer images."""
    return {
        logical_id: replace(resource, properties={**resource.properties, "DomainId": domain_id})
        if resource.type == ATTACHMENT_TYPE
        else resource
        for logical_id, resource in template.items()
    }


def without_image(template: Template, image: str) -> Template:
    """The template without the resources of one image, in any spelling of its name."""
    removed = {
        logical_id
        for logical_id, resource in template.items()
        if str(resource.properties.get("ImageName", "")).lower() == image or logical_id.lower() == f"policy.{image}"
    }
    return _without(template, removed)


def without_retention(template: Template) -> Template:
    """The template without its retentions."""
    return _without(template, {one for one, resource in template.items() if resource.type == RETENTION_TYPE})


def without_adoption(template: Template) -> Template:
    """The template with versions that are created instead of adopted."""
    return {
        logical_id: replace(
            resource,
            properties={name: value for name, value in resource.properties.items() if name != "AdoptVersion"},
        )
        for logical_id, resource in template.items()
    }


def _without(template: Template, removed: set[str]) -> Template:
    return {
        logical_id: replace(resource, depends_on=tuple(one for one in resource.depends_on if one not in removed))
        for logical_id, resource in template.items()
        if logical_id not in removed
    }


TEMPLATES = {name: templates(stack=name) for name in IMAGES}

# Each disturbance is rare, so that a history has a few of them and not all at the same event. Each kind still happens
# hundreds of times in 2,000 histories.
_CALL = st.integers(1, 6)
_CALLS = _only("faults", _rarely(6, st.frozensets(_CALL, min_size=1, max_size=2), frozenset()), frozenset())
_CRASHES = _rarely(15, st.lists(_CALL, min_size=1, max_size=2).map(tuple), ())
_DELAYS = st.lists(st.sampled_from([60.0, 70.0, 180.0, 600.0, 890.0]), min_size=1, max_size=2).map(tuple)
DISRUPTIONS = st.lists(
    st.builds(
        Disruption,
        crashes=_only("faults", _CRASHES, ()),
        duplicate=_only("faults", _rarely(6, st.just(True), False), False),
        delivered_again_after=_only("late", _rarely(6, _DELAYS, ()), ()),
        lost_responses=_CALLS,
        throttled_calls=_CALLS,
    ),
    max_size=6,
)
INTERFERENCES = _only(
    "people",
    _rarely(
        4,
        st.lists(
            st.builds(
                Interference,
                action=st.sampled_from(
                    [
                        "create a version",
                        "delete a version",
                        "create an image again",
                        "move an alias",
                        "change the domain",
                    ]
                ),
                after=st.floats(0, 40),
                position=st.integers(0, 11),
            ),
            min_size=1,
            max_size=2,
        ),
        [],
    ),
    [],
)
INTERRUPTIONS = _only("cancellation", _rarely(8, st.floats(0, 40), None), None)
"""The seconds after which the user cancels an update, or deletes a stack that is being created."""
FAILING = _rarely(8, st.sampled_from(["CreateImageVersion", "DeleteImageVersion"]), None)
"""The call whose first version ends in a failure of SageMaker."""
