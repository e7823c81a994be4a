"""Strict decoding of base64url (RFC 7515 section 2 and appendix C, RFC 4648 section 3.5).

Python's own decoders skip invalid characters, ignore stray last bits and accept padding. Used for
the segments of a token and the members of a key: two texts must never mean the same octets.
"""

from binascii import a2b_base64, b2a_base64
from typing import Final

# Characters of the standard alphabet that base64url lacks, and padding, must stay invalid.
_TO_STANDARD: Final = bytes.maketrans(b"-_+/=", b"+/!!!")


def decode_base64url(text: bytes) -> bytes:
    """Decode canonical base64url: no padding, no white space, no nonzero trailing bits.

    Raises:
        ValueError: The text has another form.
    """
    standard = text.translate(_TO_STANDARD) + b"=" * (-len(text) % 4)
    octets = a2b_base64(standard)
    # Python skips invalid characters and ignores trailing bits; encoding again reveals both.
    if b2a_base64(octets, newline=False) != standard:
        raise ValueError("not canonical base64url")
    return octets
