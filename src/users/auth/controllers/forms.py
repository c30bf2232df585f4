"""Login with JSON or with the form of OAuth 2 (RFC 6749, section 4.3): one path, two media types."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import inspect

from shared.errors import Invalid, UnsupportedMedia
from shared.web.bodies import is_json
from shared.web.constraints import constrain
from shared.web.openapi import OpenOperation
from users.auth.schemas import Login

MAX_SCOPE_LENGTH: Final = 1_000
"""Maximum characters of `scope`, which RFC 6749 allows in the form. Its value is ignored."""
FORM: Final = RequestEncodingType.URL_ENCODED.value
_decode: Final = msgspec.json.Decoder(Login).decode


@dataclass
class LoginOperation(OpenOperation):
    """Describes the request body in the schema, because the handler reads the body by itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        scope = Schema(type=OpenAPIType.STRING, max_length=MAX_SCOPE_LENGTH)
        login, password = (_text(field) for field in inspect.type_info(Login).fields)  # type: ignore[attr-defined]  # of a Struct
        self.request_body = RequestBody(
            required=True,
            content={
                RequestEncodingType.JSON.value: OpenAPIMediaType(
                    schema=Schema(
                        type=OpenAPIType.OBJECT,
                        properties={"login": login, "password": password},
                        required=["login", "password"],
                        additional_properties=False,
                    )
                ),
                FORM: OpenAPIMediaType(
                    schema=Schema(
                        type=OpenAPIType.OBJECT,
                        properties={
                            "grant_type": Schema(type=OpenAPIType.STRING, enum=["password"]),
                            "username": login,
                            "password": password,
                            "scope": scope,
                        },
                        required=["username", "password"],
                    )
                ),
            },
        )


def _text(field: inspect.Field) -> Schema:
    text = Schema(type=OpenAPIType.STRING)
    constrain(text, field.type)
    return text


async def read_login(request: Request[Any, Any, Any]) -> Login:
    """Read a login from JSON or a form. Raises Invalid or UnsupportedMedia."""
    try:
        if request.content_type[0] == FORM:
            form = await request.form()
            if form.get("grant_type", "password") != "password":
                raise Invalid("Only grant_type=password is supported.", extra={"field": "grant_type"})
            if len(str(form.get("scope", ""))) > MAX_SCOPE_LENGTH:
                raise Invalid(f"A scope must have at most {MAX_SCOPE_LENGTH} characters.", extra={"field": "scope"})
            return msgspec.convert({"login": form.get("username"), "password": form.get("password")}, Login)
        if not is_json(request.headers.get("content-type")):
            raise UnsupportedMedia(f"Send JSON with the header Content-Type: application/json, or a form ({FORM}).")
        return _decode(await request.body())
    except msgspec.DecodeError as error:  # includes ValidationError
        raise Invalid(f"Send login and password: {error}") from error
