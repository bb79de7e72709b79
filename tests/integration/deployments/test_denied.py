"""Least privilege: for each action that a synthesized policy allows, a stack in which just that one is missing."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

HASTE = 25
"""Seconds until a function times out that is to give up soon. With the library's own timeout the handler waits out a
refusal for half a minute, since a new policy takes its time to spread; with this it has ten seconds for all it does."""

SETTLED_WITHIN = 60
"""Seconds."""


class Stack:
    """A stack of a synthesized template, with an image and a tag of its own."""

    def __init__(self, account, template, name, *, hasty=False):
        self.name = name
        self.image = name.lower()
        self._account = account
        text = json.dumps(template).replace("notebooks", self.image).replace(":1.0.0", f":{self.image}")
        self._template = json.loads(text)
        if hasty:
            self._resource("AWS::Lambda::Function")["Timeout"] = HASTE

    def create(self):
        self._account.push(self.image)
        self._operate(self._account.cloudformation.create_stack)

    def change(self, resource_type, **properties):
        """Update the stack with other properties of its one resource of a type."""
        self._resource(resource_type).update(properties)
        self._operate(self._account.cloudformation.update_stack)

    def push_again(self):
        self._account.push(self.image, build="b")

    def register(self):
        self._account.register(self.image, self.image)

    def delete(self):
        self._account.cloudformation.delete_stack(StackName=self.name)
        self._settle()

    def status(self):
        return self._account.status(self.name)

    def reasons(self, status):
        """Why resources came into a status."""
        events = self._account.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return {event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"] == status}

    def log(self):
        """What the function wrote."""
        return self._account.log(self.name)

    def session(self):
        """As whom the function calls AWS."""
        role, function = self._account.role(self.name), self._account.physical_id("AWS::Lambda::Function", self.name)
        return f"arn:aws:sts::000000000000:assumed-role/{role}/{function}"

    def refused(self):
        """What IAM refused anybody of this stack."""
        mine = [call for call in self._account.sandbox.calls() if f":assumed-role/{self.name}-" in call.caller]
        return {call.action for call in mine if call.decision != "allowed"}

    def _resource(self, resource_type):
        (found,) = of_type(self._template, resource_type)
        return found["Properties"]

    def _operate(self, operation):
        operation(StackName=self.name, TemplateBody=json.dumps(self._template), Capabilities=["CAPABILITY_IAM"])
        self._settle()

    def _settle(self):
        """Wait until the operation is done, or has failed and is being taken back."""
        end = time.monotonic() + SETTLED_WITHIN
        while (status := self.status()).endswith("_IN_PROGRESS") and "ROLLBACK" not in status:
            assert time.monotonic() < end, status
            time.sleep(0.5)


def of_type(template, resource_type):
    return [resource for resource in template["Resources"].values() if resource["Type"] == resource_type]


def statements(template, principal):
    """What the policies of the role that a service assumes say."""
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
    """The template with one action less."""
    narrowed = json.loads(json.dumps(template))
    for statement in [*statements(narrowed, LAMBDA), *statements(narrowed, SAGEMAKER)]:
        # No statement may be empty: what IAM allows everybody takes the place of the action.
        statement["Action"] = [action for action in actions(statement) if action != missing] or "sts:GetCallerIdentity"
    return narrowed


LAMBDA, SAGEMAKER = "lambda.amazonaws.com", "sagemaker.amazonaws.com"
REPOSITORY = "arn:aws:ecr:eu-west-1:000000000000:repository/data-science"


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
    stack.push_again()
    stack.change("Custom::SageMakerImageVersion", FollowTag="2")


def create_and_keep_less(stack):
    stack.create()
    for _ in range(3):
        stack.register()
    stack.change("Custom::SageMakerImageRetention", Keep="2")


FAILING = {
    "sagemaker:CreateImageVersion": (create, "CREATE_FAILED", "image/{}"),
    "sagemaker:DescribeImageVersion": (create, "CREATE_FAILED", "image-version/{}/1"),
    "sagemaker:UpdateImageVersion": (create, "CREATE_FAILED", "image-version/{}/1"),
    "sagemaker:DeleteImageVersion": (create_and_delete, "DELETE_FAILED", "image-version/{}/1"),
    "sagemaker:ListImageVersions": (create, "CREATE_FAILED", "image/{}"),
    "sagemaker:ListAliases": (create_and_keep_less, "UPDATE_FAILED", "image/{}"),
}
"""What the function cannot do without: in which operation, and what IAM is asked about."""

WARNED_OF = {
    "ecr:DescribeImages": (create_and_update, REPOSITORY),
    "cloudformation:DescribeStacks": (
        create_and_follow_the_tag,
        "arn:aws:cloudformation:eu-west-1:000000000000:stack/",
    ),
}
"""What the function does without, and says so in its log: in which operation, and what IAM is asked about."""

UNLOGGED = {"logs:CreateLogStream": create, "logs:PutLogEvents": create}
"""What the function does without, and cannot say so."""

PULLING = {"ecr:GetAuthorizationToken": "*", "ecr:BatchGetImage": REPOSITORY, "ecr:GetDownloadUrlForLayer": REPOSITORY}
"""What SageMaker needs the role of the image for, and on what."""

JOINING = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
"""What Lambda needs the role of a function in a VPC for, before it makes the function."""

NOTHING = "nothing"
"""What is missing where all is as it was synthesized."""

NOT_ASKED_FOR = {
    LAMBDA: {"ec2:AssignPrivateIpAddresses", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"},
    SAGEMAKER: {"ecr:BatchCheckLayerAvailability"},
}
"""What AWS documents as needed besides, and nobody asks for in the sandbox: it has no networks and no layers."""

OPERATIONS = {
    **{action: case[0] for action, case in {**FAILING, **WARNED_OF}.items()},
    **dict.fromkeys([*UNLOGGED, *PULLING, *JOINING, NOTHING], create),
}


@pytest.fixture(scope="module")
def templates(account):
    """What is synthesized, without and with a VPC. The function's code is published, and no stack is made."""
    code, output = account.deploy("--method=prepare-change-set", tag="1.0.0", notes="First", build=1)
    assert code == 0, output
    return account.template(), account.template("Networked")


@pytest.fixture(scope="module")
def outcomes(account, templates):
    """The stacks after their operations. Those wait for most of their time, so they do it side by side."""
    template, networked = templates

    def operate(action):
        narrowed = without(networked if action in {*JOINING, NOTHING} else template, action)
        name = f"Without{action.rpartition(':')[2]}"
        stack = Stack(account, narrowed, name, hasty=action in FAILING)
        OPERATIONS[action](stack)
        return stack

    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        return {action: pool.submit(operate, action) for action in OPERATIONS}


@pytest.fixture
def stack(outcomes, action):
    return outcomes[action].result()


def test_every_action_that_is_granted_is_taken_away_below(templates):
    template, networked = templates

    assert granted(template, LAMBDA) == {*FAILING, *WARNED_OF, *UNLOGGED}
    assert granted(networked, LAMBDA) - granted(template, LAMBDA) == {*JOINING, *NOT_ASKED_FOR[LAMBDA]}
    assert granted(template, SAGEMAKER) == {*PULLING, *NOT_ASKED_FOR[SAGEMAKER]}


@pytest.mark.parametrize("action", FAILING)
def test_the_stack_fails_and_names_the_action(stack, action):
    # GIVEN
    _, status, resource = FAILING[action]
    arn = f"arn:aws:sagemaker:eu-west-1:000000000000:{resource.format(stack.image)}"

    # THEN the stack's events say who may not do what, and what to do about it
    operation = action.partition(":")[2]
    (reason,) = [reason for reason in stack.reasons(status) if "AccessDenied" in reason]
    assert (
        f"AccessDeniedException: User: {stack.session()} is not authorized to perform: {action} on resource: {arn} "
        f"because no identity-based policy allows the {action} action. "
        f"The function's role must allow the action for {operation} on this resource."
    ) in reason

    # AND nothing else was refused; what the function logs last may come when CloudFormation has taken its role already
    assert stack.refused() - UNLOGGED.keys() == {action}


@pytest.mark.parametrize("action", WARNED_OF)
def test_the_function_does_without_and_names_the_action(stack, action):
    _, arn = WARNED_OF[action]

    assert stack.status() == "UPDATE_COMPLETE"
    (warning,) = [line for line in stack.log() if line["level"] == "WARNING"]
    assert f"User: {stack.session()} is not authorized to perform: {action} on resource: {arn}" in warning["reason"]
    assert stack.refused() == {action}


@pytest.mark.parametrize("action", UNLOGGED)
def test_the_function_does_without_its_log(stack, action):
    assert stack.status() == "CREATE_COMPLETE"
    assert stack.log() == []
    assert stack.refused() == {action}


@pytest.mark.parametrize("action", PULLING)
def test_the_version_fails_and_names_the_action(stack, action):
    (reason,) = [reason for reason in stack.reasons("CREATE_FAILED") if "could not be created" in reason]
    assert f"/SageMaker is not authorized to perform: {action} on resource: {PULLING[action]} because no " in reason
    assert "The image's role needs ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository, and" in reason
    assert stack.refused() - UNLOGGED.keys() == {action}


@pytest.mark.parametrize("action", JOINING)
def test_a_function_in_a_vpc_is_not_made(stack, action):
    (reason,) = [reason for reason in stack.reasons("CREATE_FAILED") if "execution role" in reason]
    assert f"does not have permissions to call {action.partition(':')[2]} on EC2" in reason
    assert stack.refused() == {action}


@pytest.mark.parametrize("action", [NOTHING])
def test_a_function_in_a_vpc_as_it_is_synthesized(account, stack):
    # THEN the version is there, and the function has joined the network
    assert stack.status() == "CREATE_COMPLETE"
    assert account.describe(1, stack.image)["ImageVersionStatus"] == "CREATED"
    used = {call.action for call in account.calls(account.role(stack.name))}
    assert used >= {*JOINING, "sagemaker:CreateImageVersion", "logs:PutLogEvents"}
    assert stack.refused() == set()
