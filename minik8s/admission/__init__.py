"""What the API server does to a document before it is stored: decode, default, validate.

Pure functions over documents. A write goes through them in this order; only the last two differ
between creating and updating:

    document, warnings = decode(kind, document, "Strict")
    document = default(kind, document)
    validate_create(kind, document)        # or validate_update(kind, document, old)

`schema` has the structure of the API's types, for patches and for API documents.
"""

from minik8s.admission.decode import FieldValidation, decode
from minik8s.admission.defaulting import default
from minik8s.admission.schema import PatchMeta, Schema, patch_meta, schema_for, schema_of
from minik8s.admission.schemaprops import with_decoded_schemas
from minik8s.admission.validation import validate_create, validate_status, validate_update
from minik8s.admission.zeros import with_zeros

__all__ = [
    "FieldValidation",
    "PatchMeta",
    "Schema",
    "decode",
    "default",
    "patch_meta",
    "schema_for",
    "schema_of",
    "validate_create",
    "validate_status",
    "validate_update",
    "with_decoded_schemas",
    "with_zeros",
]
