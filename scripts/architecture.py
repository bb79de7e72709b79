"""Draw docs/architecture.md from the imports of the code: `make architecture`.

Between the lines `<!-- PACKAGE -->` and `<!-- end -->` the page gets the diagram and the modules of that package;
between `<!-- contracts -->` and `<!-- end -->` what pyproject.toml lets import-linter check.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import grimp
from layers import drawing

CHECKOUT = Path(__file__).parents[1]
PAGE = CHECKOUT / "docs" / "architecture.md"
_FOLDERS = {
    "imgver_constructs": "imgver_constructs",
    "imgver_handler": "lambda/imgver_handler",
    "imgver_sandbox": "imgver_sandbox",
}
_OUTSIDE = ("aws_cdk", "boto3", "botocore", "rich")
"""What else is drawn: the libraries that decide where a module belongs."""

Imports = Mapping[str, frozenset[str]]


def files() -> dict[Path, str]:
    """The page and its diagrams as they have to be."""
    # The handler's folder is no package of the project's: the function's runtime finds it beside index.py.
    sys.path.insert(0, str(CHECKOUT / "lambda"))
    graph = grimp.build_graph(
        *_FOLDERS, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )
    page, diagrams = _filled(PAGE.read_text(), "contracts", _contracts()), {}
    for package in _FOLDERS:
        diagram = PAGE.parent / "diagrams" / f"{package}.svg"
        diagrams[diagram] = _drawn(package, _imports(graph, package))
        shown = f"![{_title(package)}]({diagram.relative_to(PAGE.parent).as_posix()})"
        page = _filled(page, package, [shown, "", *_modules(package)])
    return {PAGE: page, **diagrams}


def _filled(text: str, name: str, lines: Iterable[str]) -> str:
    before, start, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (start and end):
        raise ValueError(f"{PAGE.name} must have a line <!-- {name} -->, and <!-- end --> after it")
    return "".join([before, start, "\n", *(f"{line}\n" for line in lines), "\n", end, after])


def _contracts() -> Iterator[str]:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]
    yield from (f"- {contract['name']}." for contract in settings["contracts"])


def _imports(graph: grimp.ImportGraph, package: str) -> Imports:
    """What each module of a package imports, of the package and from outside; a package in it is one thing."""

    def drawn(module: str) -> str:
        return ".".join(module.split(".")[:2]) if module.startswith(f"{package}.") else module

    found: dict[str, set[str]] = {}
    for module in graph.modules:
        # The package itself only says what is public.
        if not module.startswith(f"{package}."):
            continue
        imported = {drawn(each) for each in graph.find_modules_directly_imported_by(module)}
        of_interest = {each for each in imported if each.startswith(f"{package}.") or each in _OUTSIDE}
        found.setdefault(drawn(module), set()).update(of_interest - {drawn(module)})
    return {module: frozenset(imported) for module, imported in found.items()}


def _drawn(package: str, imports: Imports) -> str:
    arrows = {
        _name(package, module): frozenset(_name(package, each) for each in imported - _through_others(module, imports))
        for module, imported in imports.items()
    }
    return drawing(arrows, title=_title(package), outside=frozenset(_OUTSIDE))


def _title(package: str) -> str:
    return f"What imports what in {package}"


def _name(package: str, module: str) -> str:
    return module.removeprefix(f"{package}.")


def _through_others(module: str, imports: Imports) -> set[str]:
    """What a module's imports import in turn: an arrow to that would say nothing more."""
    found: set[str] = set()
    to_visit = [each for direct in imports[module] for each in imports.get(direct, ())]
    while to_visit:
        each = to_visit.pop()
        if each not in found:
            found.add(each)
            to_visit += imports.get(each, ())
    return found


def _modules(package: str) -> Iterator[str]:
    folder = CHECKOUT / _FOLDERS[package]
    files = [file for file in folder.rglob("*.py") if file.name != "__init__.py" or file.parent != folder]
    yield "| module | what it is |"
    yield "|---|---|"
    for file in sorted(files):
        shown = file.parent if file.name == "__init__.py" else file
        docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
        yield f"| `{shown.relative_to(folder).as_posix()}` | {docstring.splitlines()[0]} |"


if __name__ == "__main__":
    for file, text in files().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        sys.stdout.write(f"written: {file.relative_to(CHECKOUT)}\n")
