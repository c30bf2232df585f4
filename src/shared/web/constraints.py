"""What the schema says of values, where the framework's own generator forgets it.

It leaves out what stands within a list, an optional or a mapping's keys, what is zero, and that unknown fields are
refused; and it rounds large integers. `msgspec` knows all of it, from the types that decode what comes in.
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
    """Structs with all that they ask of their fields."""

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        schema = super().to_openapi_schema(field_definition, schema_creator)
        told = inspect.type_info(field_definition.type_)
        assert isinstance(told, inspect.StructType)  # noqa: S101 -- what this plugin is asked about
        if told.forbid_unknown_fields:
            schema.additional_properties = False
        for field in told.fields:
            constrain((schema.properties or {})[field.encode_name], field.type)
        return schema


def constrain_parameter(parameter: Parameter, handler: HTTPRouteHandler) -> None:
    """A path's or query's parameter, with what its handler asks of it."""
    signatures = [handler.parsed_fn_signature]
    signatures += [dependency.parsed_fn_signature for dependency in handler.resolve_dependencies().values()]
    for definition in (one for signature in signatures for one in signature.parameters.values()):
        kwarg = definition.kwarg_definition
        named = kwarg.name if isinstance(kwarg, ParameterKwarg) and kwarg.name else definition.name
        if named == parameter.name and isinstance(parameter.schema, Schema):
            _set(parameter.schema, kwarg, _PARAMETERS)
            constrain(parameter.schema, inspect.type_info(definition.raw))


def constrain(schema: Schema | Reference, told: inspect.Type) -> None:
    """Tell of a type's constraints, and of those within it; what is referred to is told of where it is defined."""
    schema = _sole_option(schema)
    if isinstance(told, inspect.Metadata):
        constrain(schema, told.type)
    elif isinstance(schema, Schema):
        if isinstance(told, inspect.UnionType):
            _constrain_union(schema, told)
        elif isinstance(told, inspect.IntType | inspect.FloatType):
            _set(schema, told, _NUMBERS)
        elif isinstance(told, inspect.StrType):
            _set(schema, told, {**_LENGTHS, "pattern": "pattern"})
        elif isinstance(told, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
            _set(schema, told, _ITEMS)
            if schema.items is not None:
                constrain(schema.items, told.item_type)
        elif isinstance(told, inspect.DictType):
            _constrain_mapping(schema, told)
        elif isinstance(told, inspect.CustomType) and told.cls is Moment:
            schema.type, schema.format = OpenAPIType.STRING, OpenAPIFormat.DATE_TIME


def _sole_option(schema: Schema | Reference) -> Schema | Reference:
    """Of a field that may be left out the schema is a choice of one."""
    while isinstance(schema, Schema) and schema.one_of and len(schema.one_of) == 1:
        schema = schema.one_of[0]
    return schema


def _constrain_union(schema: Schema, told: inspect.UnionType) -> None:
    """Each type where the schema has one of its kind; a type that may be left out stands there alone."""
    types = [one.type if isinstance(one, inspect.Metadata) else one for one in told.types]
    types = [one for one in types if not isinstance(one, inspect.NoneType)]
    if not schema.one_of and len(types) == 1:
        constrain(schema, types[0])
    for option in schema.one_of or ():
        for one in types:
            if isinstance(option, Schema) and option.type in {None, _KINDS.get(type(one))}:
                constrain(option, one)


def _constrain_mapping(schema: Schema, told: inspect.DictType) -> None:
    _set(schema, told, _PROPERTIES)
    if isinstance(schema.additional_properties, Schema | Reference):
        constrain(schema.additional_properties, told.value_type)
    key = told.key_type.type if isinstance(told.key_type, inspect.Metadata) else told.key_type
    if isinstance(key, inspect.StrType) and (key.pattern or key.min_length or key.max_length):
        schema.property_names = Schema()
        constrain(schema.property_names, key)
    elif isinstance(key, inspect.EnumType):
        schema.property_names = Schema(enum=[one.value for one in key.cls])


def _set(schema: Schema, told: Any, names: dict[str, str]) -> None:
    for name, said in names.items():
        value = getattr(told, name, None)
        if value is not None and value is not msgspec.UNSET:
            setattr(schema, said, value)
