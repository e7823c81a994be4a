"""The header line of CSV: the first of a file, and again the first of a stream that continues."""

from encore.client.errors import UnexpectedResponseError

_QUOTE = b'"'
_LINE_END = b"\r\n"


def split_header(content: bytes) -> tuple[bytes, bytes]:
    """Return the header line with its end, and the rest.

    Raises:
        UnexpectedResponseError: There is no line end outside quotes.
    """
    end = content.find(_LINE_END)
    while end >= 0 and content.count(_QUOTE, 0, end) % 2:
        end = content.find(_LINE_END, end + 1)
    if end < 0:
        raise UnexpectedResponseError("The API's stream of CSV has no header line.")
    end += len(_LINE_END)
    return content[:end], content[end:]
