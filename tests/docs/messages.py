"""What the code may say to users, as it is written: every value in it is an ellipsis."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONSTRUCTS = ROOT / "imgver_constructs"
HANDLER = ROOT / "lambda" / "imgver_handler"
VALUE = "…"


def template(node: ast.expr) -> str | None:
    """A text or an f-string, with an ellipsis for each value; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else VALUE for part in parts)
    return None


def _is_sentence(text: str) -> bool:
    return len(text.replace(VALUE, " ").split()) > 3


def _texts(node: ast.AST) -> Iterator[str]:
    """The sentences below a node, the largest ones only."""
    found = template(node) if isinstance(node, ast.expr) else None
    if found is not None:
        if _is_sentence(found):
            yield found
        return
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)


def _raised(path: Path, *exceptions: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            if node.exc.func.id in exceptions and node.exc.args:
                yield from _texts(node.exc.args[0])


def _returned(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _texts(node.value)


def handler_reasons() -> set[str]:
    """What CloudFormation may show as the reason of a resource."""
    raised = {text for path in HANDLER.glob("*.py") for text in _raised(path, "Failure")}
    # What is added to what AWS said, and to a failed replacement; and the last resort.
    hints = {text for name in ("diagnosis", "failures", "image_versions") for text in _returned(HANDLER / f"{name}.py")}
    (internal,) = (
        text
        for node in ast.walk(ast.parse((HANDLER / "dispatch.py").read_text()))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason"
        for text in _texts(node.value)
    )
    return {text.strip() for text in (raised | hints | {internal})}


def construct_errors() -> set[str]:
    """What is raised, or said by a validation, when an app runs."""
    found = {text for path in CONSTRUCTS.glob("*.py") for text in _raised(path, "ValueError")}
    return found | set(_returned(CONSTRUCTS / "inline_limit.py"))


if __name__ == "__main__":
    for title, texts in (("handler", handler_reasons()), ("constructs", construct_errors())):
        print(title, len(texts))
        for text in sorted(texts):
            print("  ", text)
