"""What is done to read models: no commands, since nothing of it is in the log, which stays as it is."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from api.graphql.asking import Asking
from api.graphql.context import Context
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.mutations import Rejected, refused
from api.graphql.reads.projections import shown
from api.graphql.types.projection import ReadModels
from domain.kernel.errors import Rejection
from domain.kernel.text import is_fit

REASON_LENGTH_MAX: Final = 500
NAMES_MAX: Final = 100
KEEP_MAX: Final = 100

Name = Annotated[str, strawberry.argument(description="Name of a read model, such as `task_board`.")]
Names = Annotated[list[str], strawberry.argument(description="Names of read models; empty stands for all.")]
Reason = Annotated[str, strawberry.argument(description=f"Why, in up to {REASON_LENGTH_MAX} characters.")]


@strawberry.type
class ReadModelsChanged:
    """It was begun, or done; builds go on by themselves, see `phase`."""

    models: ReadModels
    dropped: list[str] = strawberry.field(description="Tables that are gone.")


_Result = Annotated[ReadModelsChanged | Rejected, strawberry.union("ReadModelsResult")]


async def rebuild_projections(info: Asking, names: Names, hold: bool = False) -> _Result:
    """Build read models anew beside the live ones, compare, and let them take over; with `hold` once promoted."""
    context = _admitted(info, "operate_projections")
    by = context.principal.id
    return await _done(context, context.services.projections.rebuild(_names(names), hold=hold, by=by))


async def verify_projections(info: Asking, names: Names) -> _Result:
    """Compare read models with a fresh fold of the log, which is dropped afterwards."""
    context = _admitted(info, "verify_projections")
    return await _done(context, context.services.projections.verify(_names(names), by=context.principal.id))


async def promote_projection(info: Asking, name: Name, accept_differences: bool = False) -> _Result:
    """Let the built generation take over."""
    context = _admitted(info, "operate_projections")
    return await _done(context, context.services.projections.promote(name, accept_differences=accept_differences))


async def rollback_projection(info: Asking, name: Name) -> _Result:
    """Bring the generation that was live before up to date and let it take over again."""
    context = _admitted(info, "operate_projections")
    return await _done(context, context.services.projections.rollback(name, by=context.principal.id))


async def abandon_projection(info: Asking, name: Name) -> _Result:
    """Give up what is being built; the live generation is asked as before."""
    context = _admitted(info, "operate_projections")
    return await _done(context, context.services.projections.abandon(name))


async def pause_projection(info: Asking, name: Name, reason: Reason) -> _Result:
    """The live rows stand still; whoever asks is told how old they are."""
    context = _admitted(info, "operate_projections")
    by = context.principal.id
    return await _done(context, context.services.projections.pause(name, reason=_reason(reason), by=by))


async def resume_projection(info: Asking, name: Name) -> _Result:
    """The live rows follow again."""
    context = _admitted(info, "operate_projections")
    return await _done(context, context.services.projections.go_on(name))


async def retry_parked(info: Asking, name: Name, stream: str) -> _Result:
    """Fold a stream again from the event in front of which it stands still."""
    context = _admitted(info, "operate_projections")
    return await _done(context, context.services.projections.retry(name, stream))


async def skip_parked(info: Asking, name: Name, stream: str, reason: Reason) -> _Result:
    """Fold a stream without the event in front of which it stands still; the reason is kept."""
    context = _admitted(info, "operate_projections")
    by = context.principal.id
    return await _done(context, context.services.projections.skip(name, stream, reason=_reason(reason), by=by))


async def prune_projections(info: Asking, names: Names, keep: int = 1) -> _Result:
    """Drop retired generations but the latest `keep` of each read model."""
    context = _admitted(info, "operate_projections")
    if not 0 <= keep <= KEEP_MAX:
        raise Refused(RequestNotReadable(reason=f"keep is 0 to {KEEP_MAX}"))
    return await _done(context, context.services.projections.prune(_names(names), keep=keep))


def operations() -> list[StrawberryField]:
    """The mutations of this module, in the order of the schema."""
    resolvers: tuple[Callable[..., Any], ...] = (
        rebuild_projections,
        verify_projections,
        promote_projection,
        rollback_projection,
        abandon_projection,
        pause_projection,
        resume_projection,
        retry_parked,
        skip_parked,
        prune_projections,
    )
    return [_mutation(resolver) for resolver in resolvers]


def _mutation(resolver: Callable[..., Any]) -> StrawberryField:
    made: StrawberryField = strawberry.mutation(resolver=resolver, description=resolver.__doc__)
    return made


def _admitted(info: Asking, action: str) -> Context:
    info.context.require(action, None)
    return info.context


async def _done(context: Context, asked: Awaitable[Rejection | Sequence[str] | None]) -> ReadModelsChanged | Rejected:
    answer = await asked
    if isinstance(answer, Rejection):
        return refused(context, answer)
    return ReadModelsChanged(models=await shown(context), dropped=[] if answer is None else list(answer))


def _names(names: list[str]) -> list[str]:
    if len(names) > NAMES_MAX:
        raise Refused(RequestNotReadable(reason=f"at most {NAMES_MAX} names"))
    return names


def _reason(text: str) -> str:
    if not text.strip() or len(text) > REASON_LENGTH_MAX or not is_fit(text):
        raise Refused(RequestNotReadable(reason=f"a reason has 1 to {REASON_LENGTH_MAX} characters, none of control"))
    return text
