"""The words of the pages, in Russian and English."""

from __future__ import annotations

from collections.abc import Mapping

from segmentator_dagster.domain.errors import Language

Both = Mapping[Language, str]

TEXTS: Mapping[str, Both] = {
    "title": {"ru": "Вход — эмулятор Яндекс ID", "en": "Sign in — Yandex ID emulator"},
    "badge": {"ru": "Эмулятор Яндекс ID", "en": "Yandex ID emulator"},
    "about": {
        "ru": "Заменяет Яндекс ID на этом компьютере. Люди вымышленные, пароль не нужен.",
        "en": "It stands in for Yandex ID on this computer. The people are made up, and no password is needed.",
    },
    "sign_in": {"ru": "Вход в «Сегментатор данных»", "en": "Sign in to Segmentator"},
    "whose": {"ru": "Кто входит", "en": "Who is signing in"},
    "rights": {"ru": "Приложение получит доступ:", "en": "The application will have access to:"},
    "optional_rights": {"ru": "По желанию — ещё и доступ:", "en": "And, if you agree, to:"},
    "no_such_login": {
        "ru": "Учётной записи {login} здесь нет — выберите из списка.",
        "en": "There is no account {login} here: choose one from the list.",
    },
    "allow": {"ru": "Разрешить и войти", "en": "Allow and sign in"},
    "deny": {"ru": "Отказать", "en": "Deny"},
    "refused": {"ru": "Запрос приложения неверен", "en": "The application's request is wrong"},
    "refused_more": {
        "ru": "С таким запросом Яндекс ID не пускает дальше и не возвращает в приложение. Проверьте параметр:",
        "en": "Yandex ID stops here and does not return to the application. Check this parameter:",
    },
    "nothing_given": {"ru": "не задан", "en": "not given"},
    "stale": {"ru": "Страница устарела", "en": "This page is out of date"},
    "stale_more": {
        "ru": "На этот вопрос уже ответили, или прошло слишком много времени. Вернитесь в приложение и войдите заново.",
        "en": "It was answered already, or too much time has passed. Go back to the application and sign in again.",
    },
    "accounts": {"ru": "Учётные записи", "en": "Accounts"},
    "accounts_more": {
        "ru": "Вход начинается в самом приложении. Адрес возврата, который здесь зарегистрирован:",
        "en": "Signing in begins in the application itself. The redirect address registered here:",
    },
}

SCOPE_TEXTS: Mapping[str, Both] = {
    "login:info": {"ru": "к логину, имени, фамилии и полу", "en": "login, first and last name, and gender"},
    "login:email": {"ru": "к адресу электронной почты", "en": "e-mail address"},
    "login:avatar": {"ru": "к портрету пользователя", "en": "avatar"},
    "login:default_phone": {"ru": "к номеру телефона", "en": "phone number"},
    "login:birthday": {"ru": "к дате рождения", "en": "date of birth"},
}
