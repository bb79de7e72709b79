"""Least privilege: for each action that a synthesized policy allows, a stack whose policies lack only that action."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

HASTE = 115
"""Seconds of a function that is to give up soon. The handler reserves 105 s for the response and for the deletion of a
version that fails, so that ten seconds are left for its creation. Other denied calls are retried for half a minute."""

SETTLED_WITHIN = 120
"""Seconds."""

LAMBDA, SAGEMAKER = "lambda.amazonaws.com", "sagemaker.amazonaws.com"
REPOSITORY = "arn:aws:ecr:eu-west-1:000000000000:repository/data-science"


class NarrowedStack:
    """A stack of a synthesized template, with an image and a tag of its own."""

    def __init__(self, account, template, name, *, hasty):
        self.name = name
        self.image = name.lower()
        self.account = account
        own = json.dumps(template).replace("notebooks", self.image).replace(":1.0.0", f":{self.image}")
        self._template = json.loads(own)
        if hasty:
            self._properties_of("AWS::Lambda::Function")["Timeout"] = HASTE

    def create(self):
        self.account.push(self.image)
        self._operate(self.account.cloudformation.create_stack)

    def change(self, resource_type, **properties):
        """Update the stack with other properties of its one resource of a type."""
        self._properties_of(resource_type).update(properties)
        self._operate(self.account.cloudformation.update_stack)

    def delete(self):
        self.account.cloudformation.delete_stack(StackName=self.name)
        self._wait()

    def status(self):
        return self.account.deployment.status(self.name)

    def reasons(self, status):
        return self.account.reasons(self.name, status)

    def session(self):
        """The ARN of the session in which the function calls AWS."""
        role, function = self.account.role(self.name), self.account.physical_id(self.name, "AWS::Lambda::Function")
        return f"arn:aws:sts::000000000000:assumed-role/{role}/{function}"

    def denied(self):
        """The actions that IAM denied to the roles of this stack."""
        return {call.action for call in self.account.calls(f"{self.name}-") if call.decision != "allowed"}

    def _properties_of(self, resource_type):
        (found,) = of_type(self._template, resource_type)
        return found["Properties"]

    def _operate(self, operation):
        operation(StackName=self.name, TemplateBody=json.dumps(self._template), Capabilities=["CAPABILITY_IAM"])
        self._wait()

    def _wait(self):
        """Wait until the operation has succeeded, or has failed and is being rolled back."""
        end = time.monotonic() + SETTLED_WITHIN
        while (status := self.status()).endswith("_IN_PROGRESS") and "ROLLBACK" not in status:
            assert time.monotonic() < end, status
            time.sleep(0.5)


def of_type(template, resource_type):
    return [resource for resource in template["Resources"].values() if resource["Type"] == resource_type]


def statements(template, principal):
    """The statements of the policies of the role that a service assumes."""
    (name,) = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and principal in json.dumps(resource)
    ]
    policies = [policy["Properties"] for policy in of_type(template, "AWS::IAM::Policy")]
    attached = [policy for policy in policies if {"Ref": name} in policy["Roles"]]
    inline = template["Resources"][name]["Properties"].get("Policies", [])
    return [statement for policy in [*inline, *attached] for statement in policy["PolicyDocument"]["Statement"]]


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def granted(template, principal):
    return {action for statement in statements(template, principal) for action in actions(statement)}


def without(template, missing):
    """The template without one action."""
    narrowed = json.loads(json.dumps(template))
    for statement in [*statements(narrowed, LAMBDA), *statements(narrowed, SAGEMAKER)]:
        # A statement may not be empty: an action that IAM allows everybody takes the place of the missing one.
        statement["Action"] = [action for action in actions(statement) if action != missing] or "sts:GetCallerIdentity"
    return narrowed


def create(stack):
    stack.create()


def create_and_delete(stack):
    stack.create()
    stack.delete()


def create_and_update(stack):
    stack.create()
    stack.change("Custom::SageMakerImageVersion", FollowTag="2")


def create_and_follow_the_tag(stack):
    stack.create()
    stack.account.push(stack.image, build="b")
    stack.change("Custom::SageMakerImageVersion", FollowTag="2")


def create_and_keep_less(stack):
    stack.create()
    for _ in range(3):
        stack.account.register(stack.image, stack.image)
    stack.change("Custom::SageMakerImageRetention", Keep="2")


REQUIRED = {
    "sagemaker:CreateImageVersion": (create, "CREATE_FAILED", "image/{image}"),
    "sagemaker:DescribeImageVersion": (create, "CREATE_FAILED", "image-version/{image}/1"),
    "sagemaker:UpdateImageVersion": (create, "CREATE_FAILED", "image-version/{image}/1"),
    "sagemaker:DeleteImageVersion": (create_and_delete, "DELETE_FAILED", "image-version/{image}/1"),
    "sagemaker:ListImageVersions": (create, "CREATE_FAILED", "image/{image}"),
    "sagemaker:ListAliases": (create_and_keep_less, "UPDATE_FAILED", "image/{image}"),
}
"""The actions that the function requires: the operation that uses one, the status of the resource, and the resource."""

ATTACHING = {
    "sagemaker:DescribeDomain": (create, "CREATE_FAILED", "domain/{domain}"),
    "sagemaker:UpdateDomain": (create, "CREATE_FAILED", "domain/{domain}"),
    "sagemaker:DescribeUserProfile": (create, "CREATE_FAILED", "user-profile/{domain}/ann"),
    "sagemaker:UpdateUserProfile": (create, "CREATE_FAILED", "user-profile/{domain}/ann"),
}
"""The actions that the function requires for attachments, in the same form."""

OPTIONAL = {
    "ecr:DescribeImages": (create_and_update, REPOSITORY),
    "cloudformation:DescribeStackResource": (
        create_and_follow_the_tag,
        "arn:aws:cloudformation:eu-west-1:000000000000:stack/",
    ),
    "cloudformation:DescribeStacks": (
        create_and_follow_the_tag,
        "arn:aws:cloudformation:eu-west-1:000000000000:stack/",
    ),
}
"""The actions without which the function logs a warning: the operation that uses one, and the resource."""

LOGGING = {"logs:CreateLogStream": create, "logs:PutLogEvents": create}
"""The actions without which the function logs nothing."""

PULLING = {"ecr:GetAuthorizationToken": "*", "ecr:BatchGetImage": REPOSITORY, "ecr:GetDownloadUrlForLayer": REPOSITORY}
"""The actions that the image's role needs for SageMaker, and their resources."""

JOINING = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
"""The actions that the function's role needs before Lambda creates a function in a VPC."""

NOTHING = {"Networked": "NothingOfTheVpc", "Attached": "NothingOfTheAttachments"}
"""In place of an action, by the stack: the template as it was synthesized."""

NOT_USED = {
    LAMBDA: {"ec2:AssignPrivateIpAddresses", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"},
    SAGEMAKER: {"ecr:BatchCheckLayerAvailability"},
}
"""The actions that AWS documents and the sandbox does not use: it has no networks and no layers."""

OPERATIONS = {
    **{action: case[0] for action, case in {**REQUIRED, **ATTACHING, **OPTIONAL}.items()},
    **dict.fromkeys([*LOGGING, *PULLING, *JOINING, *NOTHING.values()], create),
}

STACKS = {
    **dict.fromkeys([*JOINING, NOTHING["Networked"]], "Networked"),
    **dict.fromkeys([*ATTACHING, NOTHING["Attached"]], "Attached"),
}
"""The stacks of those actions that are not used in EndToEnd."""


@pytest.fixture(scope="module")
def templates(account):
    """The templates of the stacks by their names. The code of the function is uploaded."""
    assembly = account.synthesize(tag="1.0.0", notes="First", build="1", replacement="ARCHIVE")
    account.deployment.publish(assembly, "EndToEnd")
    names = ("EndToEnd", "Networked", "Attached")
    return {name: json.loads((assembly / f"{name}.template.json").read_text()) for name in names}


@pytest.fixture(scope="module")
def outcomes(account, templates):
    """The stacks after their operations, which run side by side since most of their time is waiting."""

    def operate(action):
        narrowed = without(templates[STACKS.get(action, "EndToEnd")], action)
        name = f"Without{action.rpartition(':')[2]}"
        stack = NarrowedStack(account, narrowed, name, hasty=action in {*REQUIRED, *ATTACHING})
        OPERATIONS[action](stack)
        return stack

    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        return {action: pool.submit(operate, action) for action in OPERATIONS}


@pytest.fixture
def stack(outcomes, action):
    return outcomes[action].result()


def test_every_granted_action_is_taken_away_below(templates):
    template = templates["EndToEnd"]

    assert granted(template, LAMBDA) == {*REQUIRED, *OPTIONAL, *LOGGING}
    assert granted(templates["Networked"], LAMBDA) - granted(template, LAMBDA) == {*JOINING, *NOT_USED[LAMBDA]}
    assert granted(templates["Attached"], LAMBDA) - granted(template, LAMBDA) == {*ATTACHING}
    assert granted(template, SAGEMAKER) == {*PULLING, *NOT_USED[SAGEMAKER]}


@pytest.mark.parametrize("action", [*REQUIRED, *ATTACHING])
def test_the_stack_fails_and_names_the_action(stack, action):
    _, status, resource = {**REQUIRED, **ATTACHING}[action]
    domain = stack.account.physical_id(stack.name, "AWS::SageMaker::Domain") if action in ATTACHING else ""
    arn = f"arn:aws:sagemaker:eu-west-1:000000000000:{resource.format(image=stack.image, domain=domain)}"

    # THEN the stack's events name the caller, the action and the remedy
    (reason,) = [reason for reason in stack.reasons(status) if "AccessDenied" in reason]
    assert (
        f"AccessDeniedException: User: {stack.session()} is not authorized to perform: {action} on resource: {arn} "
        f"because no identity-based policy allows the {action} action. "
    ) in reason
    assert f"role must allow the action for {action.partition(':')[2]} on this resource" in reason

    # THEN nothing else was denied; CloudFormation may delete the role before the function logs its last lines
    assert stack.denied() - LOGGING.keys() == {action}


@pytest.mark.parametrize("action", OPTIONAL)
def test_the_function_does_without_the_action_and_warns(stack, action):
    _, arn = OPTIONAL[action]

    assert stack.status() == "UPDATE_COMPLETE"
    warnings = [line["reason"] for line in stack.account.log(stack.name) if line["level"] == "WARNING"]
    assert warnings
    refusal = f"User: {stack.session()} is not authorized to perform: {action} on resource: {arn}"
    assert [warning for warning in warnings if refusal not in warning] == []
    assert stack.denied() == {action}


@pytest.mark.parametrize("action", LOGGING)
def test_the_function_does_without_its_log(stack, action):
    assert stack.status() == "CREATE_COMPLETE"
    assert stack.account.log(stack.name) == []
    assert stack.denied() == {action}


@pytest.mark.parametrize("action", PULLING)
def test_the_version_fails_and_names_the_action(stack, action):
    (reason,) = [reason for reason in stack.reasons("CREATE_FAILED") if "could not be created" in reason]
    assert f"/SageMaker is not authorized to perform: {action} on resource: {PULLING[action]} because no " in reason
    assert "role needs ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository, and" in reason
    assert stack.denied() - LOGGING.keys() == {action}


@pytest.mark.parametrize("action", JOINING)
def test_lambda_creates_no_function_in_a_vpc(stack, action):
    (reason,) = [reason for reason in stack.reasons("CREATE_FAILED") if "execution role" in reason]
    assert f"does not have permissions to call {action.partition(':')[2]} on EC2" in reason
    assert stack.denied() == {action}


@pytest.mark.parametrize("action", [NOTHING["Networked"]])
def test_a_function_in_a_vpc_with_all_its_permissions(account, stack):
    assert stack.status() == "CREATE_COMPLETE"
    assert account.describe(stack.image, 1)["ImageVersionStatus"] == "CREATED"
    used = {call.action for call in account.calls(account.role(stack.name))}
    assert used >= {*JOINING, "sagemaker:CreateImageVersion", "logs:PutLogEvents"}
    assert stack.denied() == set()


@pytest.mark.parametrize("action", [NOTHING["Attached"]])
def test_attachments_with_all_their_permissions(account, stack):
    assert stack.status() == "CREATE_COMPLETE"
    used = {call.action for call in account.calls(account.role(stack.name))}
    assert used >= {*ATTACHING}
    assert stack.denied() == set()
