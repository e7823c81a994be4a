"""Sending a request and printing its response, with hints if it fails."""

import json
from typing import Any, Final, cast

from client.environment import Environment
from client.exit_codes import ExitCode
from client.output.destination import Destination, open_destination
from client.output.writer import open_writer
from client.requesting.arguments import RequestArguments
from client.requesting.messages import Request, Response, is_json_type
from client.requesting.responding import print_response
from client.requesting.sending import Sender
from client.settings import find_setting
from client.tokens.access_tokens import AccessTokens
from client.tokens.choosing import choose_token
from encore.client.errors import (
    ClientError,
    NetworkError,
    UnexpectedResponseError,
    api_error_class,
)
from encore.client.responses import describe_error, is_redirect, parse_problem
from encore.client.urls import origin

_NOT_MODIFIED: Final = 304
_BAD_REQUEST: Final = 400


def send_request(environment: Environment, arguments: RequestArguments) -> ExitCode:
    """Send a request and print its response.

    Raises:
        ClientError: With hints in its message; nothing, or not everything, was printed.
    """
    options, destination = arguments.options, None
    try:
        tokens = AccessTokens(choose_token(environment), insecure=options.insecure)
        tokens.timeout = options.timeout
        destination = open_destination(environment, options.output)
        exchange = RequestExchange(environment, arguments, tokens)
        try:
            exchange.run(destination)
        finally:
            exchange.close()
        destination.commit()
    except ClientError as error:
        # Rows that are written already, of pages before the error, stay what they are.
        if options.json_errors and not (destination and destination.has_written):
            from client.requesting.json_errors import write_error  # noqa: PLC0415 - start-up.

            write_error(environment, error)
        raise
    finally:
        if destination is not None:
            destination.discard()
    return ExitCode.OK


class RequestExchange:
    """One run of a request: its token, its attempts, its pages.

    Args:
        environment: Where hints and notes are written to.
        arguments: The request.
        tokens: Where its token comes from.
    """

    def __init__(
        self, environment: Environment, arguments: RequestArguments, tokens: AccessTokens
    ) -> None:
        self._environment = environment
        self._arguments = arguments
        self._tokens = tokens
        verbose = None
        if arguments.options.verbose:
            from client.requesting.verbose import VerboseExchange  # noqa: PLC0415 - start-up.

            verbose = VerboseExchange(environment.echo_err, tokens.redact)
            tokens.observe = verbose.show_token_exchange
        self._sender = Sender(tokens, arguments.options.timeout, verbose)

    def close(self) -> None:
        """Close all connections."""
        self._sender.close()
        self._tokens.close()

    def run(self, destination: Destination) -> None:
        """Send the request and write its response. Raise ``ClientError``."""
        request, options, _ = self._arguments
        if request.body is None and request.method in {"POST", "PUT", "PATCH"}:
            self._environment.note(f"{request.method} without a body.")
        response = self._send(request)
        writer = open_writer(options.output_format, destination, self._environment.variables)
        print_response(
            request,
            response,
            options,
            destination=destination,
            writer=writer,
            send=self._send,
            environment=self._environment,
        )

    def _send(self, request: Request) -> Response:
        """Return a successful response. Raise ``ClientError``."""
        if not self._arguments.options.retries:
            return self._attempt(request)
        from client.requesting.retrying import send_with_retries  # noqa: PLC0415 - start-up.

        retries, echo = self._arguments.options.retries, self._environment.echo_err
        return send_with_retries(lambda: self._attempt(request), retries, echo)

    def _attempt(self, request: Request) -> Response:
        """Send the request once. Raise ``ClientError`` with hints."""
        try:
            response = self._sender.send(request)
            if may_be_error_or_json(response):
                response.content  # noqa: B018 - read here, so that a lost connection is retried.
        except ClientError as error:
            raise self._with_hints(error, request, None) from error
        failure = self._error_of(request, response)
        if failure is not None:
            raise self._with_hints(failure, request, response)
        return response

    def _error_of(self, request: Request, response: Response) -> ClientError | None:
        """Return the error that a response is, or None."""
        # The functions use what an httpx.Response has and ours has too.
        httpx_response = cast("Any", response)
        if response.status_code == _NOT_MODIFIED:
            return UnexpectedResponseError("304 Not Modified: there is nothing to print.")
        if is_redirect(httpx_response):
            return UnexpectedResponseError(
                f"{origin(request.url)} responded with a redirect ({response.status_code}), which"
                " is not followed: the token is only sent to the requested URL."
            )
        if response.status_code < _BAD_REQUEST:
            return None
        redact, status = self._tokens.redact, response.status_code
        message = redact(describe_error(httpx_response))
        error = api_error_class(status)(message, status, response.headers.get("retry-after"))
        error.problem = json.loads(redact(json.dumps(parse_problem(httpx_response))))
        return error

    def _with_hints(
        self, error: ClientError, request: Request, response: Response | None
    ) -> ClientError:
        """Return the error with hints in its message."""
        from client.requesting import hints  # noqa: PLC0415 - start-up.

        message = str(error)
        is_issuer = response is None and origin(request.url) not in message
        if isinstance(error, NetworkError):
            issuer = find_setting(
                self._environment.variables, self._environment.directory, "ISSUER"
            )
            url = issuer[0] if is_issuer and issuer else request.url
            hint = hints.hint_on_network(error, url)
            message += f" {hint}" if hint else ""
        elif response is not None:
            hint = hints.hint_on_response(response, self._tokens)
            message += f"\n{hint}" if hint else ""
        source = hints.hint_on_source(
            error,
            is_issuer=is_issuer,
            relative=self._arguments.relative,
            describe=self._describe_setting,
        )
        separator = " " if isinstance(error, NetworkError) else "\n"
        error.args = (message + (f"{separator}{source}" if source else ""),)
        return error

    def _describe_setting(self, name: str) -> str:
        found = find_setting(self._environment.variables, self._environment.directory, name)
        if found is None:
            return f"{name} is not set"
        value, source = found
        return (
            f"{name} is from {source}" if "SECRET" in name else f"{name} is {value}, from {source}"
        )


def may_be_error_or_json(response: Response) -> bool:
    """Return whether a response is read at once: an error, or JSON, but not a stream or a file."""
    return response.status_code >= _BAD_REQUEST or is_json_type(response.media_type)
