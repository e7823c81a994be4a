"""Batches: many operations in one request, in one transaction unless they are told apart.

with client.batch() as batch:
    author = batch.on(client.authors).create({"name": "Ursula"})
    book = batch.on(client.books).create({"title": "Tehanu", "authorId": author["id"]})
print(book.result)
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypedDict, TypeVar, Unpack
from urllib.parse import urlencode

from encore.client.encoding import JSON
from encore.client.errors import ApiError, BatchFailed, UnexpectedResponseError, UsageError
from encore.client.lean_httpx import httpx
from encore.client.options import RequestOptions, Timeout, check_options, option_headers
from encore.client.references import Reference, encode_references
from encore.client.requests import NO_BODY, Call, Request, build_request
from encore.client.responses import parse_success

if TYPE_CHECKING:
    from uuid import UUID

T = TypeVar("T")

_REFUSED: Final = frozenset({"dry_run", "idempotency_key", "timeout"})
_SEPARATE_HEADERS: Final = frozenset({"content-length", "content-encoding", "transfer-encoding"})


class BatchOptions(TypedDict, total=False):
    """Options of a batch.

    Attributes:
        atomic: Whether all operations are one transaction (the default), or each is its own.
        check: Whether ``BatchFailed`` is raised if operations of a batch that is not atomic fail
            (the default). An atomic batch always raises the error of the operation that failed.
        path: The path of batches, ``/batch`` by default.
        idempotency_key: Of the whole batch, which must be atomic.
        headers: Further headers.
        timeout: In place of the client's.
    """

    atomic: bool
    check: bool
    path: str
    idempotency_key: "str | UUID"
    headers: Mapping[str, str]
    timeout: Timeout


class BatchOperation(Generic[T]):
    """An operation of a batch: ``operation["id"]`` refers to its result in later operations.

    Attributes:
        id: Its id in the batch, which errors name.
        status: The status of its response; 0 before the batch was sent.
        error: Why it failed; None if it has not.
    """

    def __init__(self, id_: str, call: Call[T]) -> None:
        self.id = id_
        self.status = 0
        self.error: ApiError | None = None
        self._call = call
        self._result: list[T] = []

    def __getitem__(self, name: str | int) -> Reference:
        return Reference(self.id)[name]

    def __repr__(self) -> str:
        return f"<BatchOperation {self.id}: {self._call.request.method} {self._call.request.url}>"

    @property
    def result(self) -> T:
        """What the method of the resource returns.

        Raises:
            UsageError: The batch has not been sent, or was undone.
            ApiError: The operation failed.
        """
        if self.error is not None:
            raise self.error
        if not self._result:
            raise UsageError("The operation has no result: its batch was not carried out.")
        return self._result[0]

    def describe(self) -> dict[str, Any]:
        """Return the operation as a member of the batch's body."""
        request = self._call.request
        path = request.url if request.url.startswith("/") else f"/{request.url}"
        query = urlencode(request.query)
        described: dict[str, Any] = {
            "id": self.id,
            "method": request.method,
            "path": f"{path}{'&' if '?' in path else '?'}{query}" if query else path,
        }
        if request.headers:
            described["headers"] = dict(request.headers)
        if request.json is not NO_BODY:
            described["body"] = encode_references(request.json)
        return described

    def accept(self, result: Mapping[str, Any], url: str) -> None:
        """Take the result from the response of the batch."""
        headers = {n: v for n, v in result["headers"].items() if n.lower() not in _SEPARATE_HEADERS}
        body = result["body"]
        response = httpx.Response(
            result["status"],
            headers={"Content-Type": JSON, **headers},
            content=b"" if body is None else json.dumps(body).encode(),
            request=httpx.Request(self._call.request.method, url),
        )
        self.status = response.status_code
        try:
            self._result = [self._call.parse(response)]
        except ApiError as error:
            self.error = error


class BatchBuilder:
    """Collects operations, and gives each its result.

    Args:
        options: As ``BatchOptions`` says.

    Attributes:
        operations: The operations, in their order.
        is_open: Whether operations may be added.
    """

    def __init__(self, options: BatchOptions) -> None:
        self._options = check_options("batch", options, BatchOptions)
        self.operations: list[BatchOperation[Any]] = []
        self.is_open = False

    def open(self) -> None:
        """Begin to collect operations, once."""
        if self.operations:
            raise UsageError("The batch was sent: begin another one.")
        self.is_open = True

    def add(self, call: Call[T]) -> BatchOperation[T]:
        """Add the operation of a call.

        Raises:
            UsageError: An operation of a batch cannot have one of its options.
        """
        if not self.is_open:
            raise UsageError("Operations are added in the with block of their batch.")
        request = call.request
        names = {name.lower() for name, _ in request.query} | {n.lower() for n in request.options}
        names |= {name.lower().replace("-", "_") for name in request.headers}
        if refused := sorted(names & _REFUSED):
            raise UsageError(
                f"An operation of a batch has no {refused[0]}: the batch may have one."
            )
        if request.content is not None:
            raise UsageError("An operation of a batch must have a body of JSON.")
        operation = BatchOperation(f"op{len(self.operations) + 1}", call)
        self.operations.append(operation)
        return operation

    def request(
        self, method: str, url: str, /, **options: Unpack[RequestOptions]
    ) -> BatchOperation[Any]:
        """Add any operation; its result is the value of its JSON response.

        Args:
            method: In any case.
            url: The path, percent-encoded; a reference is a whole segment, ``{op1.id}``.
            options: ``params``, ``json`` and ``headers``.
        """
        return self.add(Call(build_request(method, url, options), parse_success))

    def build(self) -> Request:
        """Return the request of the batch."""
        body: dict[str, Any] = {"operations": [o.describe() for o in self.operations]}
        if not self._options.get("atomic", True):
            body["atomic"] = False
        return Request(
            "POST",
            self._options.get("path", "/batch"),
            json=body,
            headers=option_headers(self._options),
            options={n: self._options[n] for n in ("timeout",) if n in self._options},
        )

    def accept(self, response: httpx.Response) -> None:
        """Give each operation its result.

        Raises:
            ApiError: An atomic batch failed: nothing was carried out.
            BatchFailed: Operations of another batch failed.
        """
        value = parse_success(response)
        results = value.get("results") if isinstance(value, dict) else None
        if not isinstance(results, list) or len(results) != len(self.operations):
            raise UnexpectedResponseError("The API responded with something other than results.")
        for operation, result in zip(self.operations, results, strict=True):
            operation.accept(result, str(response.request.url))
        failed = [operation for operation in self.operations if operation.error is not None]
        if failed and self._options.get("check", True):
            lines = "\n".join(f"{operation!r}: {operation.error}" for operation in failed)
            error = BatchFailed(
                f"{len(failed)} of {len(results)} operations failed, the others were carried out:"
                f"\n{lines}",
                failed[0].status,
            )
            error.operations = self.operations
            raise error
