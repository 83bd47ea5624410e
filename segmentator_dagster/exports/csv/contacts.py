"""A column of an extract -> SQL of the e-mail or phone in it, as Yandex Audience takes them; '' where it holds none.

Rules of yandex.com/support/audience/en/file: an e-mail in Latin letters and lower case; a phone as digits with the
country code (79995551111). A phone without `+` is read the Russian way: 8 before ten digits is 7, and ten digits that
begin with 9 are a mobile number. Letters in a phone (an extension, a name) make it none: its digits would be another's.
"""

from __future__ import annotations

from segmentator_dagster.exports.text_sql import literal, text_of

_BLANKS = "[\\s\xa0\u200b\ufeff]+"
_ATOM = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_EMAIL = rf"^{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+([a-z]{{2,}}|xn--[a-z0-9-]+)$"
_LONGEST_EMAIL = 254  # RFC 3696, erratum 1690
_PHONE_CHARACTERS = "^[0-9+().\\s\xa0‐-―-]+$"
_PHONE = "^[1-9][0-9]{10,14}$"  # E.164: at most 15 digits


def given(column: str) -> str:
    """What the column says, without blanks around it; '' for NULL."""
    return f"replaceRegexpAll(ifNull({text_of(column)}, ''), {literal(f'^{_BLANKS}|{_BLANKS}$')}, '')"


def email(column: str) -> str:
    address = f"lower({given(column)})"
    return f"if(length({address}) <= {_LONGEST_EMAIL} AND match({address}, {literal(_EMAIL)}), {address}, '')"


def phone(column: str) -> str:
    text = given(column)
    dialled = f"replaceRegexpAll({text}, '[^0-9+]', '')"
    national = (
        f"multiIf(startsWith({dialled}, '+'), substring({dialled}, 2), "
        f"match({dialled}, '^8[0-9]{{10}}$'), concat('7', substring({dialled}, 2)), "
        f"match({dialled}, '^9[0-9]{{9}}$'), concat('7', {dialled}), {dialled})"
    )
    is_phone = f"match({text}, {literal(_PHONE_CHARACTERS)}) AND match({national}, {literal(_PHONE)})"
    return f"if({is_phone}, {national}, '')"


def hashed(contact: str) -> str:
    """SHA-256 in lower-case hex of what there is."""
    return f"if({contact} = '', '', lower(hex(SHA256({contact}))))"
