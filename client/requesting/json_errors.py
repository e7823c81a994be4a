"""``--json-errors``: an error as JSON on stdout."""

from typing import Any

from client.environment import Environment
from client.exit_codes import exit_code_of
from client.output.text import write_json
from encore.client.errors import ApiError, ClientError


def write_error(environment: Environment, error: ClientError) -> None:
    """Write the problem document of the API, or one of the same members for any other error."""
    problem: dict[str, Any] = dict(error.problem) if isinstance(error, ApiError) else {}
    if not problem:
        problem = {"title": str(error).split("\n", 1)[0], "exit_code": int(exit_code_of(error))}
        if error.status:
            problem["status"] = error.status
    write_json(environment, problem)
