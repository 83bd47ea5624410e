"""Who asks x what for x whose -> may they? The one place that says so, for routes, GraphQL and use cases alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from segmentator_dagster.domain.data_access import UNLIMITED, DataAccess
from segmentator_dagster.domain.errors import Category, Problem, ProblemKind
from segmentator_dagster.domain.people import Role
from segmentator_dagster.domain.segment import Visibility

NOT_SIGNED_IN = ProblemKind(
    "not_signed_in",
    Category.UNAUTHENTICATED,
    en="You are not signed in.",
    ru="Вы не вошли в систему.",
    hint_en="Open `/auth/login`, or send `Authorization: Bearer` with a token of yours.",
    hint_ru="Откройте `/auth/login` или пришлите заголовок `Authorization: Bearer` со своим токеном.",
)
ADMINISTRATORS_ONLY = ProblemKind(
    "administrators_only",
    Category.FORBIDDEN,
    en="Only administrators may do this.",
    ru="Это могут делать только администраторы.",
)
SESSION_ONLY = ProblemKind(
    "session_only",
    Category.FORBIDDEN,
    en="No token may do this, only somebody who has signed in.",
    ru="По токену этого делать нельзя, только после входа.",
    hint_en="Sign in at `/auth/login` and repeat it there.",
    hint_ru="Войдите через `/auth/login` и повторите.",
)
SCOPE_MISSING = ProblemKind(
    "scope_missing",
    Category.FORBIDDEN,
    en="The token does not have the scope `{scope}`.",
    ru="У токена нет права `{scope}`.",
    hint_en="Make a token that has it.",
    hint_ru="Создайте токен с этим правом.",
)
EXPORT_NOT_ALLOWED = ProblemKind(
    "export_not_allowed",
    Category.FORBIDDEN,
    en="You may not export data.",
    ru="Вам не разрешена выгрузка данных.",
    hint_en="An administrator can allow it.",
    hint_ru="Разрешить её может администратор.",
)
NOT_YOURS = ProblemKind(
    "not_yours",
    Category.FORBIDDEN,
    en="It belongs to somebody else, and only its owner and administrators may change it.",
    ru="Это чужое: менять его могут только владелец и администраторы.",
    hint_en="Make a copy of your own.",
    hint_ru="Сделайте свою копию.",
)


class Scope(StrEnum):
    """What a token may be used for; a session has all of them. Whatever it is for, it may read."""

    READ = "read"
    EDIT = "edit"
    EXPORT = "export"
    ADMIN = "admin"


class Via(StrEnum):
    """By which way somebody came."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105  a word, no secret
    SYSTEM = "system"  # the command line, schedules, Dagster


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks. `person_id` is None for the installation itself; `key_id` is that of the session or token."""

    person_id: int | None
    name: str
    role: Role
    via: Via
    scopes: frozenset[Scope] = frozenset(Scope)
    access: DataAccess = UNLIMITED
    address: str = ""
    request_id: str = ""
    key_id: str = ""

    @property
    def viewer(self) -> int | None:
        """The person whose own things and the team's are seen; None sees everything."""
        return self.person_id if self.role is Role.USER else None


SYSTEM = Actor(None, "system", Role.ADMINISTRATOR, Via.SYSTEM)


class Action(StrEnum):
    """Everything that can be done. NEEDS has what each needs."""

    OWN_READ = "own.read"
    OWN_KEYS = "own.keys"  # sessions and tokens of one's own
    SEGMENTS_READ = "segments.read"
    SEGMENTS_CHANGE = "segments.change"
    LISTS_READ = "lists.read"
    LISTS_CHANGE = "lists.change"
    DATA_READ = "data.read"  # which datasets, fields, operators there are
    DATA_ASK = "data.ask"  # count, preview, breakdown, funnel, values
    EXPORTS_READ = "exports.read"
    EXPORTS_REQUEST = "exports.request"
    EXPORTS_CANCEL = "exports.cancel"
    EXPORTS_DOWNLOAD = "exports.download"
    PEOPLE_READ = "people.read"
    PEOPLE_CHANGE = "people.change"
    ACCESS_READ = "access.read"
    ACCESS_CHANGE = "access.change"
    SETTINGS_READ = "settings.read"
    SETTINGS_CHANGE = "settings.change"
    AUDIT_READ = "audit.read"
    DAGSTER = "dagster"


@dataclass(frozen=True, slots=True)
class Needs:
    scope: Scope
    role: Role = Role.USER
    session: bool = False
    exporting: bool = False


_ADMIN = Needs(Scope.ADMIN, Role.ADMINISTRATOR)
_ADMIN_HIMSELF = Needs(Scope.ADMIN, Role.ADMINISTRATOR, session=True)
_EXPORTING = Needs(Scope.EXPORT, exporting=True)

NEEDS: dict[Action, Needs] = {
    Action.OWN_READ: Needs(Scope.READ),
    Action.OWN_KEYS: Needs(Scope.READ, session=True),
    Action.SEGMENTS_READ: Needs(Scope.READ),
    Action.SEGMENTS_CHANGE: Needs(Scope.EDIT),
    Action.LISTS_READ: Needs(Scope.READ),
    Action.LISTS_CHANGE: Needs(Scope.EDIT),
    Action.DATA_READ: Needs(Scope.READ),
    Action.DATA_ASK: Needs(Scope.READ),
    Action.EXPORTS_READ: Needs(Scope.READ),
    Action.EXPORTS_REQUEST: _EXPORTING,
    Action.EXPORTS_CANCEL: Needs(Scope.EXPORT),
    Action.EXPORTS_DOWNLOAD: _EXPORTING,
    Action.PEOPLE_READ: _ADMIN,
    Action.PEOPLE_CHANGE: _ADMIN_HIMSELF,
    Action.ACCESS_READ: _ADMIN,
    Action.ACCESS_CHANGE: _ADMIN_HIMSELF,
    Action.SETTINGS_READ: _ADMIN,
    Action.SETTINGS_CHANGE: _ADMIN,
    Action.AUDIT_READ: _ADMIN,
    Action.DAGSTER: _ADMIN_HIMSELF,
}


class Shared(Protocol):
    """What a decision needs to know of a segment or a list. Nobody's: `owner_id` None."""

    @property
    def owner_id(self) -> int | None: ...

    @property
    def visibility(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Owned:
    """The same and no more."""

    owner_id: int | None
    visibility: str = Visibility.TEAM


def decide(actor: Actor | None, action: Action, target: Shared | None = None) -> Problem | None:
    """Why not, or None where they may. A target is given for what changes it; whether it is seen says `sees`."""
    if actor is None:
        return NOT_SIGNED_IN.at()
    needs = NEEDS[action]
    if needs.role is Role.ADMINISTRATOR and actor.role is not Role.ADMINISTRATOR:
        return ADMINISTRATORS_ONLY.at()
    if needs.session and actor.via is Via.TOKEN:
        return SESSION_ONLY.at()
    if needs.scope not in actor.scopes and (needs.scope is not Scope.READ or not actor.scopes):
        return SCOPE_MISSING.at(scope=needs.scope.value)
    if needs.exporting and not actor.access.may_export:
        return EXPORT_NOT_ALLOWED.at()
    if target is not None and not _is_theirs(actor, target):
        return NOT_YOURS.at()
    return None


def require(actor: Actor, action: Action, target: Shared | None = None) -> None:
    """UserError where `decide` has a reason."""
    if problem := decide(actor, action, target):
        raise problem.error()


def sees(viewer: int | None, target: Shared) -> bool:
    """Whether somebody's things are there for a viewer (`Actor.viewer`)."""
    return viewer is None or target.visibility == Visibility.TEAM or target.owner_id == viewer


def _is_theirs(actor: Actor, target: Shared) -> bool:
    return actor.role is Role.ADMINISTRATOR or (actor.person_id is not None and target.owner_id == actor.person_id)
