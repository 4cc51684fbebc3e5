"""Everything that a door may use, in one typed bag. `main.build` fills it; `server.context.house` hands it out."""

from __future__ import annotations

from dataclasses import dataclass

from bugwatch.domain.clock import Clock
from bugwatch.domain.ids import Ids
from bugwatch.domain.limits import Limits
from bugwatch.domain.secret import Secret
from bugwatch.domain.setting import Setting
from bugwatch.domain.site import Site
from bugwatch.services.accounts import Accounts
from bugwatch.services.artifacts import Artifacts
from bugwatch.services.backup import Backups
from bugwatch.services.doctor import Doctor
from bugwatch.services.events import Events
from bugwatch.services.grouping_rules import GroupingRules
from bugwatch.services.ingest import Ingest
from bugwatch.services.instance import Instance
from bugwatch.services.issues import Issues
from bugwatch.services.mail import Mail
from bugwatch.services.members import Members
from bugwatch.services.merging import Merging
from bugwatch.services.own_errors import OwnErrors
from bugwatch.services.permissions import Permissions
from bugwatch.services.projects import Projects
from bugwatch.services.releases import Releases
from bugwatch.services.retention import Retention
from bugwatch.services.sessions import Sessions
from bugwatch.services.symbolication import Symbolication
from bugwatch.services.tokens import Tokens
from bugwatch.storage.database import Database


@dataclass(slots=True, kw_only=True)
class House:
    site: Site
    manual: tuple[Setting, ...]
    instance: Instance
    db: Database
    clock: Clock
    ids: Ids
    limits: Limits
    secret: Secret
    mail: Mail
    accounts: Accounts
    members: Members
    sessions: Sessions
    tokens: Tokens
    permissions: Permissions
    projects: Projects
    backups: Backups
    retention: Retention
    doctor: Doctor
    ingest: Ingest
    own_errors: OwnErrors
    events: Events
    symbolication: Symbolication
    issues: Issues
    merging: Merging
    grouping_rules: GroupingRules
    artifacts: Artifacts
    releases: Releases
