"""`bugwatch doctor`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.domain.errors import BugwatchError

if TYPE_CHECKING:
    from bugwatch.config import Config
    from bugwatch.services.doctor import Finding
    from bugwatch.services.house import House


class DoctorCommand(HouseCommand):
    kind = "doctor"
    help = "look for what is wrong, and say what to do; exits with 1 if something is"

    async def answer(self, house: House, args: Namespace) -> Answer:
        return report(await house.doctor.examine())

    async def alone(self, config: Config, args: Namespace) -> Answer:
        # Not by the house, which would upgrade the data, and does not open where something is badly wrong.
        from bugwatch.main import examine
        from bugwatch.services.doctor import Finding, Grade
        from bugwatch.storage.data_dir import InUse

        try:
            return report(await examine(config))
        except InUse:
            raise
        except BugwatchError as error:
            return report([Finding("start", Grade.WRONG, str(error))])


def report(findings: list[Finding]) -> Answer:
    is_wrong = any(finding.grade == "wrong" for finding in findings)
    width = max(len(finding.subject) for finding in findings)
    return Answer(
        "\n".join(f"{finding.grade:5}  {finding.subject:{width}}  {finding.sentence}" for finding in findings),
        {
            "is_healthy": not is_wrong,
            "findings": [
                {"subject": finding.subject, "grade": str(finding.grade), "sentence": finding.sentence}
                for finding in findings
            ],
        },
        int(is_wrong),
    )
