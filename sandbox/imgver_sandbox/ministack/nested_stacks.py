"""The nested stacks of a stack: AWS::CloudFormation::Stack.

MiniStack creates and updates the resources of a nested stack one after the other, deletes what an update replaces at
once, does not roll a nested stack back, and deletes one without events. CloudFormation processes a nested stack as it
processes any other, as a part of the operation on its parent:

- The resources of nested stacks are processed in parallel with each other and with those of the parent. Each nested
  stack has events of its own.
- A nested stack whose creation fails or is cancelled becomes CREATE_FAILED. The rollback of the parent deletes it.
- A nested stack whose update fails or is cancelled becomes UPDATE_ROLLBACK_IN_PROGRESS.
- A nested stack that has been updated stays UPDATE_COMPLETE_CLEANUP_IN_PROGRESS until all others are updated. Only then
  is deleted what the update replaced. If another resource of the parent fails, the nested stack rolls back as well.
  https://repost.aws/knowledge-center/cloudformation-stack-cleanup-stuck
"""

import copy
import uuid

from imgver_sandbox.ministack.custom_resources import generated_physical_id
from imgver_sandbox.ministack.hooks import CLOUDFORMATION, ENGINE, HANDLERS, HELPERS, PROVISIONERS, RESPONSES, module
from imgver_sandbox.ministack.stack_template import NESTED_STACK, Record, set_status

_STATE = (
    *("_resources", "_template", "_template_body", "_resolved_params", "_conditions"),
    *("Capabilities", "Description", "Outputs", "Parameters", "Tags"),
)
"""The members of the record of a stack that an operation changes."""


def new_stack(parent: Record, logical_id: str, properties: Record) -> Record:
    """Return the record of a nested stack before its creation. Raises ValueError for an invalid template."""
    name = generated_physical_id(parent["StackName"], logical_id)
    responses = module(RESPONSES)
    prefix = f"arn:aws:cloudformation:{responses.get_region()}:{responses.get_account_id()}:stack"
    return {
        **_wanted_state(parent, properties),
        "StackName": name,
        "StackId": f"{prefix}/{name}/{uuid.uuid4()}",
        "StackStatusReason": "",
        "CreationTime": responses.now_iso(),
        "DisableRollback": True,
        "ParentId": parent["StackId"],
        "RootId": parent.get("RootId", parent["StackId"]),
        "Outputs": [],
        "_resources": {},
    }


def updated_stack(stack_id: str, parent: Record, properties: Record) -> Record:
    """Return the record that a nested stack is to have during an update. Raises ValueError for an invalid template."""
    stack = module(HANDLERS)._resolve_stack(stack_id)
    if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
        raise ValueError(f"Stack [{stack_id}] does not exist")
    return {**stack, **_wanted_state(parent, properties)}


def has_updates(wanted: Record) -> bool:
    """Return whether the update to a record changes a nested stack, or can change one inside it."""
    stack = module(CLOUDFORMATION)._stacks[wanted["StackName"]]
    template = wanted["_template"]
    return any(definition.get("Type") == NESTED_STACK for definition in template["Resources"].values()) or not module(
        HANDLERS
    )._stack_has_no_updates(stack, template, wanted["_resolved_params"], wanted["Tags"], tags_given=True)


def begin_creation(wanted: Record) -> Record:
    """Add a nested stack to the stacks, and return its record."""
    cloudformation = module(CLOUDFORMATION)
    cloudformation._stacks[wanted["StackName"]] = wanted
    cloudformation._stack_events[wanted["StackId"]] = []
    set_status(wanted, "CREATE_IN_PROGRESS", "User Initiated")
    return wanted


def begin_update(wanted: Record) -> tuple[Record, Record]:
    """Begin the update of a nested stack. Returns its record, and the members of its record before the update."""
    stack = module(CLOUDFORMATION)._stacks[wanted["StackName"]]
    previous_state = {name: copy.deepcopy(stack[name]) for name in _STATE}
    published = {name: stack[name] for name in ("_template", "_resolved_params")}
    stack.update(wanted | published, LastUpdatedTime=module(RESPONSES).now_iso())
    set_status(stack, "UPDATE_IN_PROGRESS", "User Initiated")
    return stack, previous_state


def outputs_as_attributes(stack: Record) -> Record:
    """Return the outputs of a nested stack as attributes of it in its parent."""
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in stack["Outputs"]}


def _wanted_state(parent: Record, properties: Record) -> Record:
    engine, provisioners, url = module(ENGINE), module(PROVISIONERS), str(properties.get("TemplateURL", ""))
    body, error = module(HELPERS)._resolve_template({"TemplateURL": [url]})
    if error or not body:
        raise ValueError(f"S3 error: the template {url} does not exist")
    template = engine._parse_template(body)
    provisioners._check_nested_stack_capabilities(parent["StackName"], template)
    values = properties.get("Parameters") or {}
    if any(isinstance(value, list | dict) for value in values.values()):
        raise ValueError("Value of property Parameters must be an object with String (or simple type) properties")
    given = [{"Key": name, "Value": str(value)} for name, value in values.items()]
    parameters = engine._resolve_parameters(template, given)
    tags = provisioners._tag_map(properties.get("Tags"))
    return {
        "_template": template,
        "_template_body": body,
        "_resolved_params": parameters,
        "_conditions": engine._evaluate_conditions(template, parameters),
        "Capabilities": parent.get("Capabilities", []),
        "Description": template.get("Description", ""),
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value["Value"], "NoEcho": value["NoEcho"]}
            for name, value in parameters.items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith("aws:")],
    }
