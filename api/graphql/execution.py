"""Running an operation: what is asked, the answer as JSON, and no word about what went wrong inside."""

import asyncio
import inspect
import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import graphql
import orjson
import structlog
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType

from api.edge import Edge
from api.graphql.context import Caller, Context
from api.graphql.documents import DocumentInvalid, Documents
from api.graphql.errors import DeadlinePassed, Refused, RequestNotReadable, WrongOperation
from api.ports import ServiceFault, Services
from domain.kernel.errors import RefusalKind, Rejection
from domain.principal.allow import allow
from projections.kernel.errors import RequestRefused

DEADLINE_SECONDS: Final = 10
SHOWN_ERRORS_MAX: Final = 10
_FIELDS: Final = frozenset({"query", "variables", "operationName", "extensions"})
_CORE: Final[Any] = graphql
"""Some of its signatures leave types open, which strict checkers do not take."""
_LOG: Final = structlog.stdlib.get_logger("signalbox.graphql")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, in the shape of GraphQL over HTTP."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer as JSON text; ``executed`` is False where nothing was run."""

    text: bytes
    executed: bool
    status: int = 200


class Execution:
    """Runs operations of one schema on one installation's services."""

    def __init__(self, schema: GraphQLSchema, services: Services, edge: Edge) -> None:
        self._schema = schema
        self._services = services
        self._edge = edge
        self._documents = Documents(schema)

    def kind(self, request: Request) -> OperationType:
        """The kind of the operation. Raises Refused, DocumentInvalid."""
        return self._documents.read(request.query).operation(request.operation_name)

    async def run(self, request: Request, caller: Caller) -> Answer:
        """The answer to a query or mutation, after 10 s at the latest."""
        context = Context(self._services, self._edge, caller)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS) as deadline:
                context.deadline = deadline
                result = await self._executed(request, context)
        except TimeoutError:
            return _failed(_late(context))
        except Exception as error:
            return _failed(error)
        return Answer(answer_text(result), executed=True)

    async def stream(self, request: Request, context: Context) -> AsyncGenerator[bytes, None]:
        """The answers of a subscription, as JSON text, one at a time. Raises what ``told`` can tell."""
        document = self._allowed(request, context)
        found: Any = _CORE.subscribe(
            self._schema,
            document,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            hide_suggestions=True,
        )
        if inspect.isawaitable(found):
            found = await found
        if isinstance(found, ExecutionResult):
            yield answer_text(found)
            return
        try:
            async for result in found:
                yield answer_text(result)
        finally:
            await found.aclose()

    def context(self, caller: Caller) -> Context:
        """The context of a subscription."""
        return Context(self._services, self._edge, caller)

    async def _executed(self, request: Request, context: Context) -> ExecutionResult:
        if self.kind(request) is OperationType.SUBSCRIPTION:
            raise Refused(WrongOperation(reason="it is a subscription"))
        result: Any = _CORE.execute(
            self._schema,
            self._allowed(request, context),
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            hide_suggestions=True,
        )
        found: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        return found

    def _allowed(self, request: Request, context: Context) -> Any:
        document = self._documents.read(request.query)
        document.require_cost(request.variables)
        if document.introspects:
            refused = allow(context.principal, "read.schema", _any_project(context))
            if refused is not None:
                raise Refused(refused)
        return document.node


def request_of(content: object) -> Request:
    """The request in a JSON value. Raises Refused."""
    if not isinstance(content, dict):
        raise Refused(RequestNotReadable(reason="it is no object; several at once are not taken"))
    fields = cast("dict[str, Any]", content)
    query, variables, name = fields.get("query"), fields.get("variables"), fields.get("operationName")
    if fields.keys() - _FIELDS:
        raise Refused(RequestNotReadable(reason=f"the fields are {', '.join(sorted(_FIELDS))}"))
    if not isinstance(query, str) or not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise Refused(RequestNotReadable(reason="query is a text, variables an object, operationName a text"))
    return Request(query, cast("dict[str, Any]", variables or {}), name or None)


def answer_text(result: ExecutionResult) -> bytes:
    """A result as JSON text."""
    content: dict[str, Any] = {"data": result.data}
    if result.errors:
        content["errors"] = [told(error) for error in result.errors[:SHOWN_ERRORS_MAX]]
    return json_text(content)


def json_text(content: object) -> bytes:
    """JSON text; integers beyond 64 bits, which agents may have reported, included."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def told(error: Exception) -> Mapping[str, Any]:
    """What the caller may know of an error: typed ones whole, others only an id under which the log has them."""
    cause = error.original_error if isinstance(error, GraphQLError) and error.original_error is not None else error
    place = {"path": error.path} if isinstance(error, GraphQLError) and error.path else {}
    match cause:
        case Refused(rejection=rejection) | RequestRefused(rejection=rejection):
            return _typed(rejection) | place
        case ServiceFault(code=code, message=message, advice=advice):
            return _error(message, code, advice, {}, 503) | place
        case GraphQLError():
            return _error(cause.message, "invalid_document", _CORRECT, {}, 400, RefusalKind.BAD_PATTERN) | place
        case _:
            return _hidden(cause) | place


def told_all(error: Exception) -> list[Mapping[str, Any]]:
    """The same for what stops a request before it is run."""
    return [told(one) for one in error.errors] if isinstance(error, DocumentInvalid) else [told(error)]


_CORRECT: Final = "Correct the document or its variables; the schema says what there is."


def _failed(error: Exception) -> Answer:
    errors = told_all(error)
    return Answer(json_text({"errors": errors}), executed=False, status=errors[0]["extensions"]["status"])


def _late(context: Context) -> Exception:
    if context.submitted:
        message = "The command is not decided yet. It may still be carried out."
        ids = ", ".join(context.submitted)
        return ServiceFault("unknown_outcome", message, f"Send it again with the same input and the commandId {ids}.")
    return Refused(DeadlinePassed(seconds=DEADLINE_SECONDS))


def _typed(rejection: Rejection) -> dict[str, Any]:
    data = rejection.model_dump(mode="json")
    return _error(
        rejection.message(), rejection.code(), rejection.advice(), data, rejection.HTTP_STATUS, rejection.KIND
    )


def _hidden(error: BaseException) -> dict[str, Any]:
    identifier = f"fault_{secrets.token_hex(8)}"
    _LOG.error("fault", fault=identifier, exc_info=error)
    advice = "Send it again with the same commandId; if it stays, tell the operator the id of the fault."
    return _error("Something went wrong on our side.", "internal", advice, {"fault": identifier}, 500)


def _error(
    message: str,
    code: str,
    advice: str,
    data: Mapping[str, Any],
    status: int,
    kind: RefusalKind = RefusalKind.UNKNOWN_OUTCOME,
) -> dict[str, Any]:
    """The shape of every error; what nobody refused is a fault of ours, which is answered by asking again."""
    told = {"code": code, "kind": kind, "next": advice, "data": data, "status": status}
    return {"message": message, "extensions": told}


def _any_project(context: Context) -> Any:
    """One that stands for all of the caller's: its role is the same in each."""
    mine = context.principal.projects
    return min(mine) if mine else None
