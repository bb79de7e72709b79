"""Least privilege: for each action that the function may use, a stack whose function lacks just that one."""

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
    """The stack as it was synthesized, less one action, with an image and a tag of its own."""

    def __init__(self, account, template, missing):
        self.missing = missing
        self.name = "Without" + missing.partition(":")[2]
        self.image = self.name.lower()
        self._account = account
        text = json.dumps(without(template, missing))
        self._template = json.loads(text.replace("notebooks", self.image).replace(":1.0.0", f":{self.image}"))
        if missing in FAILING:
            (function,) = of_type(self._template, "AWS::Lambda::Function")
            function["Properties"]["Timeout"] = HASTE

    def create(self):
        self._account.push(self.image)
        self._operate(self._account.cloudformation.create_stack)

    def update(self):
        """Change the version's notes, so that the function is asked at all."""
        (version,) = of_type(self._template, "Custom::SageMakerImageVersion")
        version["Properties"]["ReleaseNotes"] = "Changed"
        self._operate(self._account.cloudformation.update_stack)

    def push_again(self):
        self._account.push(self.image, build="b")

    def delete(self):
        self._account.cloudformation.delete_stack(StackName=self.name)
        self._settle()

    def status(self):
        return self._account.status(self.name)

    def reasons(self, status):
        """Why resources came into a status."""
        events = self._account.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return [event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"] == status]

    def warnings(self):
        """What the function warned of."""
        return [line["reason"] for line in self._account.log(self.name) if line["level"] == "WARNING"]

    def log(self):
        return self._account.log(self.name)

    def session(self):
        """As whom the function calls AWS."""
        role, function = self._account.role(self.name), self._account.physical_id("AWS::Lambda::Function", self.name)
        return f"arn:aws:sts::000000000000:assumed-role/{role}/{function}"

    def refused(self):
        """The actions that IAM refused the function."""
        calls = self._account.calls(self._account.role(self.name))
        return {call.action for call in calls if call.decision != "allowed"}

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


def documents(template):
    """The policy documents of the function's role."""
    (role,) = [one for one in of_type(template, "AWS::IAM::Role") if "lambda.amazonaws.com" in json.dumps(one)]
    (name,) = [name for name, resource in template["Resources"].items() if resource is role]
    policies = [one["Properties"] for one in of_type(template, "AWS::IAM::Policy")]
    attached = [policy for policy in policies if {"Ref": name} in policy["Roles"]]
    return [policy["PolicyDocument"] for policy in [*role["Properties"]["Policies"], *attached]]


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def without(template, missing):
    """The template with one action less. A document with nothing in it may do nothing, in other words."""
    narrowed = json.loads(json.dumps(template))
    for document in documents(narrowed):
        for statement in document["Statement"]:
            # What IAM allows everybody takes the place of the action, since no statement may be empty.
            statement["Action"] = [a for a in actions(statement) if a != missing] or "sts:GetCallerIdentity"
    return narrowed


def create(stack):
    stack.create()


def create_and_delete(stack):
    stack.create()
    stack.delete()


def create_and_update(stack):
    stack.create()
    stack.update()


def create_and_follow_the_tag(stack):
    stack.create()
    stack.push_again()
    stack.update()


FAILING = {
    "sagemaker:CreateImageVersion": (create, "CREATE_FAILED", "image/{}"),
    "sagemaker:DescribeImageVersion": (create, "CREATE_FAILED", "image-version/{}/1"),
    "sagemaker:UpdateImageVersion": (create, "CREATE_FAILED", "image-version/{}/1"),
    "sagemaker:DeleteImageVersion": (create_and_delete, "DELETE_FAILED", "image-version/{}/1"),
}
"""What cannot go on without its action: in which operation, and what IAM is asked about."""

WARNED_OF = {
    "ecr:DescribeImages": (create_and_update, "arn:aws:ecr:eu-west-1:000000000000:repository/data-science"),
    "cloudformation:DescribeStacks": (
        create_and_follow_the_tag,
        "arn:aws:cloudformation:eu-west-1:000000000000:stack/WithoutDescribeStacks/",
    ),
}
"""What goes on without its action, and says so in the log: in which operation, and what IAM is asked about."""

UNLOGGED = {"logs:CreateLogStream": create, "logs:PutLogEvents": create}
"""What goes on without its action, and cannot say so."""

OPERATIONS = {**{action: case[0] for action, case in {**FAILING, **WARNED_OF}.items()}, **UNLOGGED}


@pytest.fixture(scope="module")
def template(account):
    """What is synthesized; the function's code is published, and no stack is made."""
    code, output = account.deploy("--method=prepare-change-set", tag="1.0.0", notes="First")
    assert code == 0, output
    return account.template()


@pytest.fixture(scope="module")
def stacks(account, template):
    """The stacks, each after its operation. They wait for most of their time, so they do it side by side."""
    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        stacks = {action: Stack(account, template, action) for action in OPERATIONS}
        done = [pool.submit(operation, stacks[action]) for action, operation in OPERATIONS.items()]
        for future in done:
            future.result()
        return stacks


def test_every_action_that_is_granted_is_taken_away_below(template):
    granted = {
        action
        for document in documents(template)
        for statement in document["Statement"]
        for action in actions(statement)
    }

    assert granted == set(OPERATIONS)


@pytest.mark.parametrize("action", FAILING)
def test_the_stack_fails_and_names_the_action(stacks, action):
    # GIVEN
    stack = stacks[action]
    _, status, resource = FAILING[action]
    arn = f"arn:aws:sagemaker:eu-west-1:000000000000:{resource.format(stack.image)}"

    # THEN the stack's events say who may not do what, and what to do about it
    operation = action.partition(":")[2]
    (reason,) = [reason for reason in stack.reasons(status) if "AccessDenied" in reason]
    assert (
        f"AccessDeniedException: User: {stack.session()} is not authorized to perform: {action} on resource: {arn} "
        f"because no identity-based policy allows the {action} action. "
        f"The function's role needs the action for {operation} on this resource."
    ) in reason

    # AND nothing else was refused
    assert stack.refused() == {action}


@pytest.mark.parametrize("action", WARNED_OF)
def test_the_function_does_without_and_names_the_action(stacks, action):
    stack = stacks[action]
    _, arn = WARNED_OF[action]

    assert stack.status() == "UPDATE_COMPLETE"
    (reason,) = stack.warnings()
    assert f"User: {stack.session()} is not authorized to perform: {action} on resource: {arn}" in reason
    assert stack.refused() == {action}


@pytest.mark.parametrize("action", UNLOGGED)
def test_the_function_does_without_its_log(stacks, action):
    stack = stacks[action]

    assert stack.status() == "CREATE_COMPLETE"
    assert stack.log() == []
    assert stack.refused() == {action}
