"""A file of an export + expiry <-> a signed token, the short-lived download link of the folder store."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import uuid

from segmentator_dagster.api.problems import LINK_EXPIRED, LINK_INVALID

_PAYLOAD = struct.Struct(">16sIQ")  # export id, number of the file, expiry in seconds since 1970
_PURPOSE = b"segmentator download link 2\0"  # a signature made for anything else with this key is worth nothing here


class Links:
    """Makes and reads tokens of one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._key = secret_key.encode()

    def token(self, export_id: str, number: int, expires_at: float) -> str:
        """`number` is that of the file, from 1."""
        payload = _PAYLOAD.pack(uuid.UUID(export_id).bytes, number, int(expires_at))
        return base64.urlsafe_b64encode(payload + self._signature(payload)).decode().rstrip("=")

    def file_of(self, token: str, now: float) -> tuple[str, int]:
        """The export and the number of its file that a token is for; UserError link_invalid or link_expired."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise LINK_INVALID.error() from error
        payload, signature = raw[: _PAYLOAD.size], raw[_PAYLOAD.size :]
        if len(payload) != _PAYLOAD.size or not hmac.compare_digest(signature, self._signature(payload)):
            raise LINK_INVALID.error()
        export, number, expires_at = _PAYLOAD.unpack(payload)
        if now >= expires_at:
            raise LINK_EXPIRED.error()
        return str(uuid.UUID(bytes=export)), number

    def _signature(self, payload: bytes) -> bytes:
        return hmac.new(self._key, _PURPOSE + payload, hashlib.sha256).digest()
