"""A shop on the Python library, as a team would have written it. Settings come from the environment."""

import json
import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from starsessions import CookieStore, SessionAutoloadMiddleware, SessionMiddleware, regenerate_session_id


def store():
    if os.environ["STORE"] == "cookie":
        return CookieStore(os.environ["SECRET"])
    from redis.asyncio import Redis
    from starsessions.stores.redis import RedisStore

    return RedisStore(connection=Redis.from_url(os.environ["STORE"]))


def options():
    kind = os.environ["ENCRYPTOR"]
    if kind == "none":  # what version 2.2 knows
        return {}
    from starsessions import encryptors

    make = {"fernet": encryptors.FernetEncryptor, "aesgcm": encryptors.AESGCMEncryptor}[kind]
    key = os.environ["KEY"]
    return {"encryptor": make(key.encode() if kind == "fernet" else bytes.fromhex(key))}


async def index(request):
    # As it is stored: `JSONResponse` refuses half a surrogate pair.
    return PlainTextResponse(json.dumps(dict(request.session)))


async def cart(request):
    request.session["cart"] = request.session.get("cart", 0) + 1
    return PlainTextResponse(str(request.session["cart"]))


async def put(request):
    request.session.update(await request.json())
    return PlainTextResponse("")


async def login(request):
    request.session["user_id"] = int(request.path_params["user"])
    regenerate_session_id(request)
    return PlainTextResponse("")


async def logout(request):
    request.session.clear()
    return PlainTextResponse("")


app = Starlette(
    routes=[
        Route("/", index),
        Route("/cart", cart, methods=["POST"]),
        Route("/put", put, methods=["POST"]),
        Route("/login/{user}", login, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
    ],
    middleware=[
        Middleware(
            SessionMiddleware,
            store=store(),
            lifetime=int(os.environ["LIFETIME"]),
            rolling=os.environ["ROLLING"] == "1",
            cookie_https_only=False,
            **options(),
        ),
        Middleware(SessionAutoloadMiddleware),
    ],
)
