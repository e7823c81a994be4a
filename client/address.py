"""Where a request goes: whether a URL is one, and whether its host is this machine.

Judged before httpx is imported, and before anything secret is sent.
"""

from urllib.parse import SplitResult, urlsplit

from client.errors import ClientError, InsecureError


def check_url(url: str, name: str, error: type[ClientError]) -> None:
    """Refuse what is not an http or https URL of a host.

    Args:
        url: As given.
        name: What to call it in the message.
        error: What to raise.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as reason:
        raise error(f"{name} is malformed: {reason}.") from reason
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise error(f"{name} must start with http:// or https:// and name a host.")
    if port == 0 or any(c.isspace() or not c.isprintable() for c in url):
        raise error(f"{name} is malformed: it has port 0, a blank or a control character.")
    if "@" in parts.netloc:
        raise error(f"{name} must not contain a user or password: a token is sent instead.")


def is_loopback(url: str) -> bool:
    """Tell whether a URL's host is this machine, by name or by number."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    import ipaddress  # noqa: PLC0415 - start-up: only numbers need it.

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_confidential(url: str, what: str) -> None:
    """Refuse a URL over which a secret would travel in clear.

    Args:
        url: An http or https URL.
        what: The secret's name, for the message: ``token`` or ``client secret``.

    Raises:
        InsecureError: It is http to another machine.
    """
    if urlsplit(url).scheme == "http" and not is_loopback(url):
        raise InsecureError(
            f"{origin(url)} is not https: the {what} would travel in clear, and whoever reads it"
            " on the way could use it. Use https://, or --insecure to send it all the same."
        )


def origin(url: str) -> str:
    """Give scheme, host and port of a URL, for messages: a path may hold what is private."""
    parts: SplitResult = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
