"""`make client`: the schema's documents as types, and its addresses as methods, for `3kctl`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import django
from datamodel_code_generator import DataModelType, Formatter, InputFileType, LiteralType, PythonVersion, generate
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
TYPES, CLIENT = ROOT / "cli" / "api" / "types.py", ROOT / "cli" / "api" / "client.py"
HEAD = '"""{about}\n\nMade from the OpenAPI schema by `make client`; changes go into the schema.\n"""\n\n'
WORDS = {"integer": "int", "boolean": "bool", "number": "float"}
# Not ours to ask for: pages are followed.
LEFT_OUT = ("cursor",)


def schema() -> dict[str, Any]:
    """The OpenAPI document."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "schema.json"
        call_command("spectacular", "--format", "openapi-json", "--file", str(path))
        document: dict[str, Any] = json.loads(path.read_text())
    return document


def plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what types cannot say: that fields are forbidden, and each kind of problem by itself."""
    components = document["components"]
    schemas = {
        name: _open(part)
        for name, part in components["schemas"].items()
        if {"$ref": "#/components/schemas/Problem"} not in part.get("allOf", ())
    }
    return {**document, "paths": {}, "components": {"schemas": schemas}}


def _open(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _open(one) for name, one in part.items() if (name, one) != ("additionalProperties", False)}
    return [_open(one) for one in part] if isinstance(part, list) else part


def types_of(document: Mapping[str, Any]) -> str:
    """Each document of the schema as a TypedDict: nothing is converted, so what the schema lacks is still there."""
    made = generate(
        json.dumps(plain(document)),
        input_file_type=InputFileType.OpenAPI,
        output_model_type=DataModelType.TypingTypedDict,
        target_python_version=PythonVersion.PY_311,
        use_standard_collections=True,
        use_union_operator=True,
        enum_field_as_literal=LiteralType.All,
        use_schema_description=True,
        use_field_description=True,
        disable_timestamp=True,
        formatters=[Formatter.BUILTIN],
        custom_file_header=HEAD.format(about="The documents of the REST API.").rstrip(),
    )
    return _formatted(str(made), TYPES)


def client_of(document: Mapping[str, Any]) -> str:
    """Each address of the schema as a method."""
    lines = [
        HEAD.format(about="The addresses of the REST API, one method each.").rstrip(),
        "from __future__ import annotations\n",
        "from collections.abc import Iterator",
        "from typing import TYPE_CHECKING\n",
        "from cli.client import Client\n",
        "if TYPE_CHECKING:\n    from cli.api import types\n",
        "class Api(Client):",
        '    """One service. Each method raises `Problem` or `Unreachable`; lists go over all pages when read."""',
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            lines += _method(path.removeprefix("/api/v1/"), method, operation)
    return _formatted("\n".join(lines) + "\n", CLIENT)


def _method(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    kind, answer = _answer(operation)
    places = re.findall(r"{(\w+)}", path)
    if kind == "text/event-stream":
        yield f"\n    def {_name(path, method)}({', '.join(['self', *(f'{name}: str' for name in places)])}) -> str:"
        yield f'        """{operation["summary"]}: the path, for an `EventStream`."""'
        yield f'        return {"f" if places else ""}"{path}"'
        return
    query = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one["name"].isidentifier()]
    query = [one for one in query if one["name"] not in LEFT_OUT]
    given = ["self", *(f"{name}: str" for name in places)]
    sent = [f'f"{path}"' if places else f'"{path}"']
    if body := operation.get("requestBody"):
        given.append(f"body: {_type(body['content']['application/json']['schema'])}")
        sent.append("body")
    elif method == "post":
        sent.append("{}")
    if query:
        given += ["*", *(f"{one['name']}: {_word(one)} | None = None" for one in query)]
        sent += [f"{one['name']}={one['name']}" for one in query]
    paged = re.fullmatch(r"types\.Paginated(\w+)List", answer)
    how = "pages" if paged else "text" if kind == "text/yaml" else method
    returned = f"Iterator[types.{paged[1]}]" if paged else answer
    yield f"\n    def {_name(path, method)}({', '.join(given)}) -> {returned}:"
    yield f'        """{operation["summary"]}."""'
    yield f"        {'' if returned == 'None' else 'return '}self.{how}({', '.join(sent)})"


def _answer(operation: Mapping[str, Any]) -> tuple[str, str]:
    """Content type and Python type of the answer to a success."""
    for status, response in operation["responses"].items():
        for kind, content in response.get("content", {}).items() if status.startswith("2") else ():
            return kind, _type(content.get("schema") or {})
    return "", "None"


def _type(part: Mapping[str, Any]) -> str:
    if "anyOf" in part:  # the whole, or with ?fields= a part of it
        return _type(part["anyOf"][0])
    if "$ref" in part:
        return f"types.{part['$ref'].rsplit('/', 1)[-1]}"
    if part.get("type") == "array":
        return f"list[{_type(part['items'])}]"
    return "str" if part.get("type") == "string" else "Any"


def _word(parameter: Mapping[str, Any]) -> str:
    found = (parameter.get("schema") or {}).get("type")
    return WORDS.get(found, "str") if isinstance(found, str) else "str"


def _name(path: str, method: str) -> str:
    """`get_cluster_node` for GET clusters/{id}/nodes/{name}: a list's name in the singular where one row is meant."""
    words = re.findall(r"[^/]+", path)
    parts = [
        _singular(word) if number + 1 < len(words) and words[number + 1].startswith("{") else word
        for number, word in enumerate(words)
        if not word.startswith("{")
    ]
    return f"{method}_{'_'.join(parts)}".replace("-", "_")


def _singular(word: str) -> str:
    return word.removesuffix("ies") + "y" if word.endswith("ies") else word.removesuffix("s")


def _formatted(text: str, path: Path) -> str:
    command = [str(Path(sys.executable).parent / "ruff"), "format", "--stdin-filename", str(path), "-"]
    return subprocess.run(command, input=text, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Write both files."""
    os.environ.setdefault("SANQIAN_DEBUG", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sanqian_service.settings")
    django.setup()
    document = schema()
    TYPES.write_text(types_of(document))
    CLIENT.write_text(client_of(document))


if __name__ == "__main__":
    main()
