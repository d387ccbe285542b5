"""The ASGI application that serves GraphQL over HTTP, server-sent events and websockets."""

from graphql import GraphQLSchema

from api.edge import Edge
from api.graphql.asgi import ASGIApp, Receive, Scope, Send
from api.graphql.execution import Execution
from api.graphql.http import HttpDoor
from api.graphql.schema import create_schema
from api.graphql.websocket import Socket
from api.ports import Services

STREAM_PATH = "/graphql/stream"


def create_graphql_app(services: Services, edge: Edge, *, schema: GraphQLSchema | None = None) -> ASGIApp:
    """Serve POST /graphql, POST /graphql/stream and the websocket at /graphql."""
    execution = Execution(schema or create_schema(), services, edge)
    authenticate = services.principals.authenticate
    door = HttpDoor(execution, authenticate)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await Socket(execution, authenticate, scope, receive, send).run()
        elif scope["path"] == STREAM_PATH:
            await door.stream(scope, receive, send)
        else:
            await door.post(scope, receive, send)

    return app
