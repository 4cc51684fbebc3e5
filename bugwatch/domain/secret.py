"""The secret of an instance, and what is made of it: a key for each purpose, so that none can stand in for another."""

from __future__ import annotations

import hashlib
import hmac


class Secret:
    def __init__(self, text: str) -> None:
        self._key = text.encode()

    def key(self, purpose: str) -> bytes:
        """32 bytes for this purpose alone (HKDF's expand step, RFC 5869)."""
        return hmac.digest(self._key, purpose.encode() + b"\x01", "sha256")

    def mark(self, purpose: str, text: str) -> bytes:
        """What only this instance can make of `text`: to sign it, or to store it unreadably."""
        return hmac.digest(self.key(purpose), text.encode("utf-8", "surrogatepass"), "sha256")

    def __repr__(self) -> str:
        return "Secret(…)"


def hash_of(secret: str) -> bytes:
    """SHA-256: enough for a secret of 112 random bits or more (ASVS 6.5.2), where a password would need argon2."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
