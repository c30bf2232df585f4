"""Logging in by JSON or by the form of OAuth 2 (RFC 6749, section 4.3): one path, two media types."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from shared.errors import Invalid
from shared.web.openapi import OpenOperation
from users.auth.schemas import Login

FORM: Final = RequestEncodingType.URL_ENCODED.value
_decode: Final = msgspec.json.Decoder(Login).decode


@dataclass
class LoginOperation(OpenOperation):
    """Says in the schema what the handler reads by itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        text = Schema(type=OpenAPIType.STRING)
        self.request_body = RequestBody(
            required=True,
            content={
                RequestEncodingType.JSON.value: OpenAPIMediaType(
                    schema=Schema(
                        type=OpenAPIType.OBJECT,
                        properties={"login": text, "password": text},
                        required=["login", "password"],
                    )
                ),
                FORM: OpenAPIMediaType(
                    schema=Schema(
                        type=OpenAPIType.OBJECT,
                        properties={
                            "grant_type": Schema(type=OpenAPIType.STRING, enum=["password"]),
                            "username": text,
                            "password": text,
                            "scope": text,
                        },
                        required=["username", "password"],
                    )
                ),
            },
        )


async def read_login(request: Request[Any, Any, Any]) -> Login:
    """Raises Invalid."""
    try:
        if request.content_type[0] == FORM:
            form = await request.form()
            if form.get("grant_type", "password") != "password":
                raise Invalid("Only grant_type=password is known here.", extra={"field": "grant_type"})
            return msgspec.convert({"login": form.get("username"), "password": form.get("password")}, Login)
        return _decode(await request.body())
    except msgspec.DecodeError as error:  # of which a ValidationError is one
        raise Invalid(f"Send login and password: {error}") from error
