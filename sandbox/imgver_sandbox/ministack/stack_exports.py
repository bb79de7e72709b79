"""The exports of stacks, and the stacks that use them.

CloudFormation refuses to change or to remove an export that another stack imports with Fn::ImportValue: an update that
would do so rolls back, and a deletion is cancelled before any resource is deleted. MiniStack lets an update change the
export, so that the importing stack keeps a value that nothing exports any more.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from collections.abc import Iterable

from imgver_sandbox.ministack.hooks import CLOUDFORMATION, HANDLERS, module
from imgver_sandbox.ministack.stack_template import Record

_WITHOUT_IMPORTS = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
"""The statuses in which a stack has no resources."""


class ExportError(Exception):
    """An export that CloudFormation refuses, with the reason that the event of the stack has."""


def check_exports(stack: Record, outputs: Iterable[Record]) -> None:
    """Raise ExportError if the exports of a stack cannot be replaced by those in `outputs`.

    This is so if another stack imports an export that would change, or has an export with the same name.
    """
    new = _exports_of(outputs)
    for name, value in _exports_of(stack["Outputs"]).items():
        users = [] if new.get(name) == value else _users(name, stack)
        if users:
            *others, last = users
            names = f"{', '.join(others)} and {last}" if others else last
            verb = "update" if name in new else "delete"
            raise ExportError(f"{verb.capitalize()} canceled. Cannot {verb} export {name} as it is in use by {names}.")
    exports = module(CLOUDFORMATION)._exports
    for name in new:
        exporter = exports.get(name, {}).get("StackId", stack["StackId"])
        if exporter != stack["StackId"]:
            raise ExportError(f"Export with name {name} is already exported by stack {exporter.split('/')[1]}.")


def replace_exports(stack: Record, outputs: Iterable[Record]) -> None:
    """Replace the exports of a stack by those in `outputs`, whether another stack uses them or not."""
    exports = module(CLOUDFORMATION)._exports
    for name in _exports_of(stack["Outputs"]):
        exports.pop(name, None)
    for name, value in _exports_of(outputs).items():
        exports[name] = {"StackId": stack["StackId"], "Name": name, "Value": value}


def _exports_of(outputs: Iterable[Record]) -> dict[str, str]:
    return {output["ExportName"]: output["OutputValue"] for output in outputs if "ExportName" in output}


def _users(export: str, exporter: Record) -> list[str]:
    """Return the names of the other stacks that import an export."""
    return sorted(
        name
        for name, stack in module(CLOUDFORMATION)._stacks.items()
        if stack is not exporter
        and stack["StackStatus"] not in _WITHOUT_IMPORTS
        and export in module(HANDLERS)._imported_export_names(stack, name)
    )
