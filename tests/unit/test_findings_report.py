"""The report of `make test-aws`, which users paste into a public issue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from findings_report import Findings


def test_the_report_names_neither_the_account_nor_the_caller(tmp_path: Path) -> None:
    # GIVEN errors that name the account, the caller and the network
    findings = Findings()
    findings.note("U3", "no subnet-1 in vpc-1 of 123456789012")
    findings.note("U7", "User: arn:aws:sts::123456789012:assumed-role/Admin/jane is not authorized to perform")
    findings.failed.append("test: User: arn:aws:iam::123456789012:user/staff/jane is not authorized")

    # WHEN the reports are written
    hidden = {"vpc-1": "<vpc>", "subnet-1": "<subnet>", "123456789012": "<account>"}
    text = findings.write(tmp_path, {"region": "eu-west-1"}, hidden=hidden)

    # THEN they name none of them
    report = (tmp_path / "report.json").read_text()
    for written in (text, report):
        assert not any(name in written for name in (*hidden, "jane", "Admin", "staff"))
        assert "arn:aws:sts::<account>:assumed-role/<name> is not authorized" in written
        assert "no <subnet> in <vpc> of <account>" in written
    assert json.loads(report)["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("answers", "agreed"),
    [
        ({"a": "moved", "b": "moved"}, "moved"),
        ({"a": "moved", "b": "resource_in_use"}, None),
        ({"a": "moved", "b": ""}, None),
    ],
)
def test_a_question_has_an_answer_if_all_observations_agree(answers: dict[str, str], agreed: str | None) -> None:
    findings = Findings()

    assert findings.record("U1", answers) == agreed
    assert findings.switches() == ([] if agreed is None else [f"alias_held_elsewhere={agreed}"])
