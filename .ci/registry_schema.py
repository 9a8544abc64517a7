"""The schema of the registry's file takes every good registry of the tests, and refuses the bad ones that a schema can tell."""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

# What a schema cannot say: keys that are there twice, values that depend on others, grammars of their own.
BEYOND = {"check-pattern", "check-two", "check-url", "id-differs", "other-instance", "time", "newer", "newer-fraction"}


def documents(folder):
    for path in sorted(folder.glob("*.json")):
        try:
            yield path, json.loads(path.read_bytes())
        except ValueError:
            continue  # Not JSON: nothing that a schema would see.


schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
fixtures = pathlib.Path(sys.argv[2])
mistakes = []
for path, document in documents(fixtures / "good"):
    mistakes += [f"{path}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]
for path, document in documents(fixtures / "bad"):
    beyond = path.stem in BEYOND or path.stem.startswith("duplicate-")
    if not beyond and validator.is_valid(document):
        mistakes.append(f"{path}: taken by the schema")
print("\n".join(mistakes) or f"{sys.argv[1]}: OK")
sys.exit(bool(mistakes))
