"""The findings of a run on a real account, and its two reports."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from imgver_sandbox.sagemaker.assumptions import SHORT_NAMES, Assumptions

QUESTIONS: Mapping[str, str] = {
    "U1": "A create or an update names an alias that another version has",
    "U2": "A ClientToken is used again after its version has failed or was deleted",
    "U2b": "A ClientToken is used again with other parameters",
    "U3": "A version that a Studio domain names is deleted",
    "U4": "The highest version is deleted, and another one is created",
    "U5": "The image's name has capitals",
    "U6": "The base image's manifest is not Docker V2 schema 2",
    "U7": "An update that replaced a custom resource rolls back",
    "U8": "ResourceLimitExceeded, and how many versions an image may have",
    "U10": "The custom images of a domain are updated while an app runs in it",
    "U11": "An update of a domain contains some members of the settings of an app",
}


@dataclass
class Finding:
    """The answer to one question. Without an answer, the evidence contains the reason."""

    question: str
    answer: str | None = None
    evidence: list[str] = field(default_factory=list)


class Findings:
    """The answers of one run, and its measurements."""

    def __init__(self) -> None:
        self.by_question = {name: Finding(question) for name, question in QUESTIONS.items()}
        self.measured: list[str] = []
        self.failed: list[str] = []
        """The tests of known facts that failed: the account differs from them."""

    def record(self, name: str, answers: Mapping[str, str]) -> str | None:
        """Record the answers, by their evidence, and return the answer on which all of them agree, or None."""
        finding = self.by_question[name]
        finding.evidence += [f"{answer}: {evidence}" if answer else evidence for evidence, answer in answers.items()]
        agreed = set(answers.values())
        finding.answer = agreed.pop() or None if len(agreed) == 1 else None
        return finding.answer

    def note(self, name: str, evidence: str) -> None:
        """Record evidence that is not an answer, such as the reason why there is none."""
        self.by_question[name].evidence.append(evidence)

    def switches(self) -> list[str]:
        """The values of `imgver-sandbox start --assume` for a sandbox that behaves as this account."""
        choices = Assumptions.choices()
        switches = {SHORT_NAMES.get(name.lower()): finding.answer for name, finding in self.by_question.items()}
        return [f"{switch}={answer}" for switch, answer in switches.items() if switch and answer in choices[switch]]

    def write(self, folder: Path, about: Mapping[str, str], *, secret: str) -> str:
        """Write report.json and report.md without the account's number, and return the text of report.md."""
        answers = {name: asdict(finding) for name, finding in self.by_question.items()}
        report = {**about, "assume": self.switches(), "answers": answers}
        report |= {"measured": self.measured, "failed": self.failed}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(report, indent=2).replace(secret, "<account>") + "\n")
        text = self._markdown(about).replace(secret, "<account>")
        (folder / "report.md").write_text(text)
        return text

    def _markdown(self, about: Mapping[str, str]) -> str:
        rows = [
            f"| {name} | {finding.question} | {finding.answer or 'open'} | {_cell(finding.evidence)} |"
            for name, finding in self.by_question.items()
        ]
        options = " ".join(f"--assume {switch}" for switch in self.switches())
        parts = [
            "# Behaviour of the SageMaker images API",
            "\n".join(f"- {name}: {value}" for name, value in about.items()),
            "\n".join(["|  | question | answer | evidence |", "|---|---|---|---|", *rows]),
            f"A sandbox that behaves so: `imgver-sandbox start {options}`" if options else "No question was answered.",
        ]
        for heading, lines in (("Measured", self.measured), ("Different from the known facts", self.failed)):
            parts += [f"## {heading}", "\n".join(f"- {line}" for line in lines)] if lines else []
        return "\n\n".join(parts) + "\n"


def _cell(lines: list[str]) -> str:
    return "<br>".join(line.replace("|", "\\|").replace("\n", " ") for line in lines)
