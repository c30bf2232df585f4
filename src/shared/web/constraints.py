"""Constraints of values in the OpenAPI schema that Litestar's own generator leaves out.

It drops constraints inside lists, optional types and keys of mappings, bounds of zero, and the ban on unknown fields;
and it rounds large integers. All of them are read from the `msgspec` types that decode the input.
"""

from typing import Any, Final

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Parameter, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import ParameterKwarg
from litestar.typing import FieldDefinition
from msgspec import inspect

from shared.moments import Moment

_NUMBERS: Final = {"ge": "minimum", "gt": "exclusive_minimum", "le": "maximum", "lt": "exclusive_maximum"}
_LENGTHS: Final = {"min_length": "min_length", "max_length": "max_length"}
_ITEMS: Final = {"min_length": "min_items", "max_length": "max_items"}
_PROPERTIES: Final = {"min_length": "min_properties", "max_length": "max_properties"}
_KINDS: Final[dict[type[inspect.Type], OpenAPIType]] = {
    inspect.IntType: OpenAPIType.INTEGER,
    inspect.FloatType: OpenAPIType.NUMBER,
    inspect.StrType: OpenAPIType.STRING,
    inspect.ListType: OpenAPIType.ARRAY,
    inspect.DictType: OpenAPIType.OBJECT,
}
_PARAMETERS: Final = {**_NUMBERS, **_LENGTHS, "pattern": "pattern", "min_items": "min_items", "max_items": "max_items"}


class ConstrainedStructs(StructSchemaPlugin):
    """Litestar plugin that adds the constraints of all fields to the schema of a Struct."""

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        schema = super().to_openapi_schema(field_definition, schema_creator)
        info = inspect.type_info(field_definition.type_)
        assert isinstance(info, inspect.StructType)  # noqa: S101 -- Litestar calls this plugin only for Structs
        if info.forbid_unknown_fields:
            schema.additional_properties = False
        for field in info.fields:
            constrain((schema.properties or {})[field.encode_name], field.type)
        return schema


def constrain_parameter(parameter: Parameter, handler: HTTPRouteHandler) -> None:
    """Add the constraints that a handler declares for a path or query parameter to its schema."""
    signatures = [handler.parsed_fn_signature]
    signatures += [dependency.parsed_fn_signature for dependency in handler.resolve_dependencies().values()]
    for definition in (parameter for signature in signatures for parameter in signature.parameters.values()):
        kwarg = definition.kwarg_definition
        named = kwarg.name if isinstance(kwarg, ParameterKwarg) and kwarg.name else definition.name
        if named == parameter.name and isinstance(parameter.schema, Schema):
            _set(parameter.schema, kwarg, _PARAMETERS)
            constrain(parameter.schema, inspect.type_info(definition.raw))


def constrain(schema: Schema | Reference, info: inspect.Type) -> None:
    """Add the constraints of a type, and of the types inside it, to a schema.

    References are left alone: the constraints are added where the referenced type is defined.
    """
    schema = _sole_option(schema)
    if isinstance(info, inspect.Metadata):
        constrain(schema, info.type)
    elif isinstance(schema, Schema):
        if isinstance(info, inspect.UnionType):
            _constrain_union(schema, info)
        elif isinstance(info, inspect.IntType | inspect.FloatType):
            _set(schema, info, _NUMBERS)
        elif isinstance(info, inspect.StrType):
            _set(schema, info, {**_LENGTHS, "pattern": "pattern"})
        elif isinstance(info, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
            _set(schema, info, _ITEMS)
            if schema.items is not None:
                constrain(schema.items, info.item_type)
        elif isinstance(info, inspect.DictType):
            _constrain_mapping(schema, info)
        elif isinstance(info, inspect.CustomType) and info.cls is Moment:
            schema.type, schema.format = OpenAPIType.STRING, OpenAPIFormat.DATE_TIME


def _sole_option(schema: Schema | Reference) -> Schema | Reference:
    """Unwrap the `oneOf` with a single option that Litestar writes for optional fields."""
    while isinstance(schema, Schema) and schema.one_of and len(schema.one_of) == 1:
        schema = schema.one_of[0]
    return schema


def _constrain_union(schema: Schema, info: inspect.UnionType) -> None:
    """Add the constraints of each member of a union to the option of the same JSON type.

    An optional type has no options: its constraints go into the schema itself.
    """
    types = [member.type if isinstance(member, inspect.Metadata) else member for member in info.types]
    types = [member for member in types if not isinstance(member, inspect.NoneType)]
    if not schema.one_of and len(types) == 1:
        constrain(schema, types[0])
    for option in schema.one_of or ():
        for member in types:
            if isinstance(option, Schema) and option.type in {None, _KINDS.get(type(member))}:
                constrain(option, member)


def _constrain_mapping(schema: Schema, info: inspect.DictType) -> None:
    _set(schema, info, _PROPERTIES)
    if isinstance(schema.additional_properties, Schema | Reference):
        constrain(schema.additional_properties, info.value_type)
    key = info.key_type.type if isinstance(info.key_type, inspect.Metadata) else info.key_type
    if isinstance(key, inspect.StrType) and (key.pattern or key.min_length or key.max_length):
        schema.property_names = Schema()
        constrain(schema.property_names, key)
    elif isinstance(key, inspect.EnumType):
        schema.property_names = Schema(enum=[member.value for member in key.cls])


def _set(schema: Schema, info: Any, names: dict[str, str]) -> None:
    for name, keyword in names.items():
        value = getattr(info, name, None)
        if value is not None and value is not msgspec.UNSET:
            setattr(schema, keyword, value)
