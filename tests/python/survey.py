"""A survey whose sessions are cookies that roll on, with classes of its own around the JSON."""

import datetime
import json
import os

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route
from starsessions import CookieStore, SessionAutoloadMiddleware, SessionMiddleware
from starsessions.serializers import JsonSerializer, Serializer


class Dates(json.JSONEncoder):
    def default(self, value):
        if isinstance(value, datetime.date):
            return {"date": value.isoformat()}
        return super().default(value)


class Marked(Serializer):
    """JSON behind a mark, as a team writes it that expects another format some day."""

    def __init__(self):
        self.json = JsonSerializer(json_encoder=Dates)

    def serialize(self, data):
        return b"json:" + self.json.serialize(data)

    def deserialize(self, data):
        return self.json.deserialize(data.removeprefix(b"json:"))


class Answers(HTTPEndpoint):
    async def get(self, request):
        return JSONResponse(dict(request.session))

    async def post(self, request):
        answers = request.session.get("answers", [])
        request.session["answers"] = answers + [request.path_params["answer"]]
        request.session.setdefault("begun", datetime.date(2026, 11, 1))
        return JSONResponse(len(request.session["answers"]))

    async def delete(self, request):
        request.session.clear()
        return JSONResponse(None)


def protection():
    if "KEY" not in os.environ:  # version 2.2
        return {}
    from cryptography.fernet import Fernet
    from starsessions.encryptors import Encryptor

    class Fresh(Encryptor):
        """Takes nothing that is older than a day."""

        def __init__(self):
            self.fernet = Fernet(os.environ["KEY"])

        def encrypt(self, data):
            return self.fernet.encrypt(data)

        def decrypt(self, data):
            return self.fernet.decrypt(data, ttl=86400) if data else b""

    return {"encryptor": Fresh()}


app = Starlette(
    routes=[
        Route("/answers", Answers),
        Route("/answers/{answer}", Answers),
    ],
    middleware=[
        Middleware(
            SessionMiddleware,
            store=CookieStore(secret_key=os.environ["SECRET"]),
            lifetime=datetime.timedelta(minutes=30),
            rolling=True,
            cookie_same_site="none",
            cookie_https_only=False,
            serializer=Marked(),
            **protection(),
        ),
        Middleware(SessionAutoloadMiddleware),
    ],
)
