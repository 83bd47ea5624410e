"""The vocabulary of refusals about people."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind

PERSON_NOT_FOUND = ProblemKind(
    "person_not_found",
    Category.NOT_FOUND,
    en="There is no person {id}.",
    ru="Пользователя {id} нет.",
    hint_en="`GET /people` lists those there are.",
    hint_ru="Список пользователей: `GET /people`.",
)
INVITE_NOT_FOUND = ProblemKind(
    "invite_not_found", Category.NOT_FOUND, en="There is no invite {id}.", ru="Приглашения {id} нет."
)
ALREADY_INVITED = ProblemKind(
    "already_invited",
    Category.CONFLICT,
    en="Somebody with this login or e-mail is invited already.",
    ru="По этому логину или адресу уже есть приглашение.",
    hint_en="Withdraw that invite first.",
    hint_ru="Сначала отзовите его.",
)
ALREADY_HERE = ProblemKind(
    "already_here",
    Category.CONFLICT,
    en="Somebody with this login or e-mail has an account already: {name}.",
    ru="Пользователь с этим логином или адресом уже есть: {name}.",
)
LAST_ADMINISTRATOR = ProblemKind(
    "last_administrator",
    Category.CONFLICT,
    en="This is the last administrator.",
    ru="Это последний администратор.",
    hint_en="Make somebody else administrator first.",
    hint_ru="Сначала назначьте администратором кого-нибудь ещё.",
)
NOBODY_CALLED = ProblemKind(
    "nobody_called",
    Category.NOT_FOUND,
    en="Nobody with the login or e-mail {contact} has signed in yet.",
    ru="Никто с логином или адресом {contact} ещё не входил.",
    hint_en="Invite them with `segmentator invite`, and have them sign in once.",
    hint_ru="Пригласите командой `segmentator invite`, пусть войдут один раз.",
)
NOT_INVITED = ProblemKind(
    "not_invited",
    Category.FORBIDDEN,
    en="You have no access here: nobody has invited {login}.",
    ru="У вас нет доступа: {login} никто не приглашал.",
    hint_en="Ask an administrator for an invite.",
    hint_ru="Попросите администратора прислать приглашение.",
)
PERSON_BLOCKED = ProblemKind(
    "person_blocked",
    Category.FORBIDDEN,
    en="Your access is blocked.",
    ru="Ваш доступ закрыт.",
    hint_en="An administrator can open it again.",
    hint_ru="Открыть его снова может администратор.",
)
