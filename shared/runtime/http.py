"""What a process says of itself over HTTP: /startup, /live, /ready, /metrics, /state, /progress and what it adds."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.version import VERSION

Answer = Callable[[Mapping[str, str]], Awaitable[Any]]
Check = Callable[[], Mapping[str, Any]]


def web(checks: Mapping[str, Check], answers: Mapping[str, Answer], registry: CollectorRegistry) -> Starlette:
    """By path: a check gives at least `ok` and `why`, an answer gives its JSON from the query."""

    def health(check: Check) -> Callable[[Request], Awaitable[Response]]:
        async def respond(_request: Request) -> Response:
            told = {**check(), "version": VERSION}
            return JSONResponse(told, status_code=200 if told["ok"] else 503)

        return respond

    def answer(give: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            try:
                return JSONResponse(await give(request.query_params))
            except (OSError, TimeoutError) as error:
                return JSONResponse({"error": f"the database does not answer: {type(error).__name__}"}, status_code=503)

        return respond

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            *(Route(path, health(check)) for path, check in checks.items()),
            Route("/metrics", metrics),
            *(Route(path, answer(give)) for path, give in answers.items()),
        ]
    )
