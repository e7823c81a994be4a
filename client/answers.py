"""Reading answers: JSON, problem documents (RFC 9457), and whatever else a server may send."""

import json
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import httpx

MAX_SHOWN = 500
"""Characters of a plain-text error that are shown."""

_REDIRECTS = range(300, 400)


def parse_json(content: bytes) -> Any:
    """Give the value of JSON text.

    Raises:
        ValueError: It is not JSON in UTF-8, or nested deeper than Python follows.
    """
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def is_redirect(response: "httpx.Response") -> bool:
    """Tell whether an answer is of the 3xx kind, none of which is followed here."""
    return response.status_code in _REDIRECTS


def short_text(response: "httpx.Response") -> str:
    """Give the reason phrase, and the beginning of a plain-text body."""
    phrase: str = response.reason_phrase
    if response.headers.get("content-type", "").startswith("text/plain"):
        text = response.content.decode("utf-8", "replace").strip()
        return f"{phrase}: {text[:MAX_SHOWN]}" if text else phrase
    return phrase


def describe_refusal(response: "httpx.Response") -> str:
    """Give a refusal in words: status, detail, then one line for each error.

    Args:
        response: 4xx or 5xx. Understood are problem documents with Finale's ``message`` and
            ``errors`` (``[{"field", "message"}]``, or names); anything else is cut short.
    """
    try:
        problem = parse_json(response.content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return f"{response.status_code} {short_text(response)}".rstrip()
    title = _text(problem, "title", "error") or response.reason_phrase
    detail = _text(problem, "detail", "message", "error_description")
    lines = [f"{response.status_code} {title}".rstrip()]
    if detail and detail != title:
        lines[0] += f": {detail}"
    errors = problem.get("errors")
    lines += [f"  {_error(error)}" for error in (errors if isinstance(errors, list) else ())]
    if request_id := _text(problem, "request_id"):
        lines.append(f"  request id: {request_id}")
    return "\n".join(lines)


def _text(members: dict[str, Any], *names: str) -> str:
    """Give the first of these members that is a text and not empty."""
    values = (members.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), "")


def _error(error: Any) -> str:
    if isinstance(error, dict) and "field" in error:
        return f"{error['field']}: {error.get('message', '')}".rstrip()
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
