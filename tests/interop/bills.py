"""Validates a bill of materials by the schema or the rules of its format: bills.py cyclonedx|spdx FILE"""

import sys

kind, path = sys.argv[1:]
if kind == "cyclonedx":
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    with open(path, encoding="utf-8") as bill:
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.read())
    errors = [repr(error)] if error else []
else:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    found = validate_full_spdx_document(parse_file(path), "SPDX-2.3")
    errors = [f"{one.validation_message} ({one.context.spdx_id})" for one in found]
print("\n".join(errors[:20]))
sys.exit(bool(errors))
