"""The type of the second argument of every resolver."""

import strawberry

from api.graphql.context import Context

Asking = strawberry.Info[Context, None]
"""Leads to the context of the request."""
