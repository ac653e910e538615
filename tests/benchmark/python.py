"""What the Python library of the same name costs a request, over bare Starlette, in one process without a socket."""

import asyncio
import statistics
import time

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starsessions import CookieStore, InMemoryStore, SessionAutoloadMiddleware, SessionMiddleware

ROUNDS, REQUESTS = 15, 200
VISITOR = {
    "user": 42,
    "name": "Ada Lovelace",
    "cart": [{"sku": 1000 + n, "quantity": 1, "price": 1999} for n in range(5)],
    "token": "0123456789abcdef" * 2,
    "since": 1790000000,
    "views": 1,
}


async def bare(request):
    return PlainTextResponse("ok")


async def read(request):
    assert len(request.session["cart"]) == 5
    return PlainTextResponse("ok")


async def write(request):
    request.session["views"] += 1
    return PlainTextResponse("ok")


async def create(request):
    request.session.update(VISITOR)
    return PlainTextResponse("ok")


async def call(app, path, cookie):
    headers = [(b"host", b"localhost")] + ([(b"cookie", cookie)] if cookie else [])
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "scheme": "https", "server": ("localhost", 443), "client": ("127.0.0.1", 1),
        "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"},
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    cookies = [value for name, value in sent[0]["headers"] if name == b"set-cookie"]
    return cookies[0].split(b";")[0] if cookies else cookie


def over(store):
    app = Starlette(routes=[Route("/read", read), Route("/write", write), Route("/create", create)])
    return SessionMiddleware(SessionAutoloadMiddleware(app), store=store, cookie_https_only=True, lifetime=3600)


async def main():
    plain = Starlette(routes=[Route("/bare", bare)])
    stores = {
        "memory": over(InMemoryStore()),
        "cookie": over(CookieStore(secret_key="a secret that is long enough for this")),
    }
    cases = [("bare Starlette", plain, "/bare", None)]
    for name, app in stores.items():
        cookie = await call(app, "/create", None)
        cases += [(f"{name}, read", app, "/read", cookie), (f"{name}, read + write", app, "/write", cookie)]
    rounds = {name: [] for name, *_ in cases}
    for _ in range(ROUNDS):
        for name, app, path, cookie in cases:
            start = time.perf_counter()
            for _ in range(REQUESTS):
                await call(app, path, cookie)
            rounds[name].append((time.perf_counter() - start) / REQUESTS * 1e6)
    base = statistics.median(rounds["bare Starlette"])
    print("| Python | µs over bare Starlette | of its own time |\n|---|---|---|")
    print(f"| bare Starlette | {base:.0f} | 1.00 |")
    for name, *_ in cases[1:]:
        cost = statistics.median(rounds[name]) - base
        print(f"| {name} | {cost:.0f} | {cost / base:.2f} |")


asyncio.run(main())
