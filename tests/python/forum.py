"""A forum on FastAPI: sessions in Redis under keys of its own, of a fixed lifetime, loaded by path."""

import os
import re
import time

from fastapi import FastAPI, Request
from redis.asyncio import Redis
from starsessions import (
    SessionAutoloadMiddleware,
    SessionMiddleware,
    get_session_id,
    get_session_metadata,
    get_session_remaining_seconds,
    is_loaded,
    load_session,
    regenerate_session_id,
)
from starsessions.stores.redis import RedisStore

app = FastAPI()
app.add_middleware(SessionAutoloadMiddleware, paths=["/api", re.compile(r".*/member$")])
app.add_middleware(
    SessionMiddleware,
    store=RedisStore(connection=Redis.from_url(os.environ["STORE"]), prefix=lambda id: f"forum:{{{id}}}:session"),
    lifetime=3600,
    cookie_name="forum-session",
    cookie_https_only=False,
)


@app.get("/api/session")
def session(request: Request):
    return dict(request.session)


@app.post("/api/login/{id}/{name}")
def login(id: int, name: str, request: Request):
    request.session["user"] = {"id": id, "name": name, "roles": ["member", "author"], "settings": {"theme": None}}
    request.session["login_at"] = time.time()
    return regenerate_session_id(request)


@app.post("/api/read/{topic}")
def read(topic: str, request: Request):
    seen = request.session.setdefault("read", {})
    seen[topic] = seen.get(topic, 0) + 1
    return seen


@app.post("/api/logout")
def logout(request: Request):
    request.session.clear()


@app.get("/api/about")
def about(request: Request):
    metadata = get_session_metadata(request)
    return {
        "id": get_session_id(request),
        "types": [type(metadata[name]).__name__ for name in ("lifetime", "created", "last_access")],
        "remaining": get_session_remaining_seconds(request),
    }


@app.get("/blog/member")
def member(request: Request):
    user = request.session["user"]
    return [user["id"], user["name"], user["roles"]]


@app.get("/lazy")
async def lazy(request: Request):
    before = is_loaded(request)
    await load_session(request)
    return [before, is_loaded(request), sorted(request.session)]
