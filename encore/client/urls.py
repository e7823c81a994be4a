"""URL checks: is it an http(s) URL, is its host this machine, may a secret be sent to it.

They run before httpx is imported and before anything secret is sent.
"""

from urllib.parse import urlsplit

from encore.client.errors import ClientError, InsecureError


def validate_url(url: str, name: str, error: type[ClientError]) -> None:
    """Raise unless a URL is http or https and names a host.

    Args:
        url: The raw input.
        name: What to call it in the message.
        error: The exception class to raise.
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
    """Return whether a URL's host is this machine, as a name or as an address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    import ipaddress  # noqa: PLC0415 - start-up: only addresses need it.

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_https(url: str, secret: str) -> None:
    """Raise if a secret would be sent to another machine over plain http.

    Args:
        url: An http or https URL.
        secret: The secret's name, for the message: ``token`` or ``client secret``.

    Raises:
        InsecureError: The URL is http and its host is another machine.
    """
    if urlsplit(url).scheme == "http" and not is_loopback(url):
        raise InsecureError(
            f"{origin(url)} is not https: the {secret} would be sent in clear, and anyone on the"
            " network path could read and use it. Use https://, or --insecure to send it anyway."
        )


def origin(url: str) -> str:
    """Return scheme, host and port of a URL, for messages: a path may be private."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
