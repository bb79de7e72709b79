"""What a run on a real account found out: told at its end, and written down."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from imgver_sandbox.sagemaker.assumptions import SHORT_NAMES, Assumptions

QUESTIONS: Mapping[str, str] = {
    "U1": "An alias that another version holds is named in a create or an update",
    "U2": "A ClientToken comes again after the version that it made failed or was deleted",
    "U2b": "A ClientToken comes again with other parameters",
    "U3": "A version that a Studio domain names is deleted",
    "U4": "The highest version is deleted, and another one is created",
    "U5": "The image's name has capitals",
    "U6": "The base image's manifest is not Docker V2 schema 2",
    "U7": "An update that replaced a custom resource rolls back",
    "U8": "ResourceLimitExceeded, and how many versions an image may have",
}


@dataclass
class Finding:
    """The answer to one question. Without one, the evidence says why there is none."""

    question: str
    answer: str | None = None
    evidence: list[str] = field(default_factory=list)


class Findings:
    """The answers of one run, and what else it measured."""

    def __init__(self) -> None:
        self.by_question = {name: Finding(question) for name, question in QUESTIONS.items()}
        self.measured: list[str] = []
        self.failed: list[str] = []
        """The tests of known facts that failed: what the account does otherwise."""

    def settle(self, name: str, answers: Mapping[str, str]) -> str | None:
        """Answer a question by what was seen, by evidence; None if that does not agree, or is nothing known."""
        finding = self.by_question[name]
        finding.evidence += [f"{seen}: {evidence}" if seen else evidence for evidence, seen in answers.items()]
        seen = {answer for answer in answers.values() if answer}
        finding.answer = seen.pop() if len(seen) == 1 and all(answers.values()) else None
        return finding.answer

    def leave_open(self, name: str, why: str) -> None:
        """Say why there is no answer."""
        self.by_question[name].evidence.append(why)

    def switches(self) -> list[str]:
        """What `imgver-sandbox start --assume` takes for an AWS that is like this account."""
        choices = Assumptions.choices()
        found = []
        for name, finding in self.by_question.items():
            switch = SHORT_NAMES.get(name.lower())
            if switch and finding.answer in choices[switch]:
                found.append(f"{switch}={finding.answer}")
        return found

    def as_json(self, about: Mapping[str, str]) -> str:
        answers = {name: asdict(finding) for name, finding in self.by_question.items()}
        report = {**about, "assume": self.switches(), "answers": answers, "measured": self.measured}
        return json.dumps({**report, "failed": self.failed}, indent=2) + "\n"

    def as_markdown(self, about: Mapping[str, str]) -> str:
        rows = [
            f"| {name} | {finding.question} | {finding.answer or 'open'} | {_cell(finding.evidence)} |"
            for name, finding in self.by_question.items()
        ]
        options = " ".join(f"--assume {switch}" for switch in self.switches())
        parts = [
            "# What the images API of SageMaker does",
            "\n".join(f"- {name}: {value}" for name, value in about.items()),
            "\n".join(["|  | question | answer | seen |", "|---|---|---|---|", *rows]),
            f"A sandbox that does the same: `imgver-sandbox start {options}`" if options else "Nothing was settled.",
            *(["## Measured", "\n".join(f"- {line}" for line in self.measured)] if self.measured else []),
            *(["## Otherwise than known", "\n".join(f"- {line}" for line in self.failed)] if self.failed else []),
        ]
        return "\n\n".join(parts) + "\n"

    def write(self, folder: Path, about: Mapping[str, str], *, secret: str) -> str:
        """Write report.json and report.md, without the account's number; answer the latter's text."""
        folder.mkdir(parents=True, exist_ok=True)
        text = self.as_markdown(about).replace(secret, "<account>")
        (folder / "report.json").write_text(self.as_json(about).replace(secret, "<account>"))
        (folder / "report.md").write_text(text)
        return text


def _cell(lines: list[str]) -> str:
    return "<br>".join(line.replace("|", "\\|").replace("\n", " ") for line in lines)
