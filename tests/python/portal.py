"""A portal on Starlette below a path: sessions end with the browser, and views load them by hand."""

import os

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starsessions import SessionMiddleware, load_session
from starsessions.stores.redis import RedisStore


async def values(request):
    await load_session(request)
    return JSONResponse(dict(request.session))


async def put(request):
    await load_session(request)
    request.session.update(await request.json())
    return JSONResponse(sorted(request.session))


async def visit(request):
    await load_session(request)
    session = request.session
    session["visits"] = session.get("visits", 0) + 1
    session["last"] = session.pop("page", None)
    session["page"] = request.path_params["page"]
    return JSONResponse([session["visits"], session["last"]])


async def forget(request):
    await load_session(request)
    del request.session[request.path_params["name"]]
    return JSONResponse(sorted(request.session))


async def leave(request):
    await load_session(request)
    request.session.clear()
    return JSONResponse(None)


def protection():
    if "KEY" not in os.environ:  # version 2.2
        return {}
    from starsessions.encryptors import FernetEncryptor

    return {"encryptor": FernetEncryptor(os.environ["KEY"].encode())}


routes = [
    Route("/values", values),
    Route("/put", put, methods=["POST"]),
    Route("/visit/{page}", visit, methods=["POST"]),
    Route("/forget/{name}", forget, methods=["POST"]),
    Route("/leave", leave, methods=["POST"]),
]
app = Starlette(
    routes=[Mount("/portal", routes=routes)],
    middleware=[
        Middleware(
            SessionMiddleware,
            store=RedisStore(connection=Redis.from_url(os.environ["STORE"]), prefix="portal/", gc_ttl=500),
            cookie_name="portal_sid",
            cookie_path="/portal",
            cookie_same_site="strict",
            cookie_https_only=False,
            **protection(),
        )
    ],
)
