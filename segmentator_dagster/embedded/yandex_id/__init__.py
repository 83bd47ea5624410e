"""Yandex ID for one machine: oauth.yandex.ru and login.yandex.ru as their documentation says, without passwords."""
