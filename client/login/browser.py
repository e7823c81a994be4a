"""Whether this machine has a browser that a person sees, and how to open it."""

import sys
from collections.abc import Mapping


def has_browser(variables: Mapping[str, str]) -> bool:
    """Return whether a page opened here is likely to be seen.

    Args:
        variables: The environment variables. ``BROWSER`` names one; a display is one of X11 or
            Wayland; over SSH without a display, pages would open on the other machine.
    """
    if variables.get("BROWSER"):
        return True
    if variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY"):
        return True
    is_remote = bool(variables.get("SSH_CONNECTION") or variables.get("SSH_TTY"))
    return sys.platform in {"darwin", "win32"} and not is_remote


def open_browser(url: str) -> bool:
    """Open a page in the browser; return whether one was started."""
    import webbrowser  # noqa: PLC0415 - only for this.

    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
