"""The finished OpenAPI document: what belongs to all of it (operations: `clusters.api.documentation`)."""

from __future__ import annotations

from typing import Any

from clusters.api import headers, problem_documents
from clusters.api.scopes import ENDPOINTS, ROOT
from tasks.api import kinds, stream
from tasks.api.enums import described

DESCRIPTION = """Turns racks of bare servers into working 3k platforms over SSH, and keeps telling the truth about them.

* Every request carries an access key: `Authorization: Bearer sq_...`. You see only what belongs to its customer;
  what belongs to another is 404. Each address names the scope that the key needs: read, operate (includes read), or
  admin (includes both).
* Bodies are JSON in UTF-8, at most 2 MiB. Unknown fields are refused. Fields may be added to answers: do not fail on
  what you do not know.
* Times are ISO 8601 in UTC. Ids are UUIDs. Sizes are bytes, durations seconds, progress per cent, where a field does
  not say otherwise.
* Errors are problem documents (RFC 9457), `application/problem+json`. Decide by their `type`, which is stable. Each
  operation lists those that it can answer; an address that does not take the method answers
  `/problems/method-not-allowed`.
* Lists come in pages: follow `next` as it is until it is null.
* A POST with an `Idempotency-Key` may be repeated for 24 hours and is carried out once."""
# By method and path as the document has them.
SCOPES = {
    (method.lower(), f"/{ROOT}{route.replace('<str:', '{').replace('>', '}')}"): str(scope)
    for route, methods in ENDPOINTS.items()
    for method, scope in methods.items()
}
TAGS = {
    "whoami": "The caller: access key, customer, limits and what is used of them.",
    "access-keys": "The keys of the customer: made, changed, rotated and revoked.",
    "service": "The service itself, as far as customers may know it.",
    "events": "What has changed lately in all clusters.",
    "overview": "All clusters at a glance.",
    "clusters": "Clusters and hosts: registered, shown, changed and forgotten; their health, storage and backups.",
    "operations": "What is done to clusters: asked for, followed, cancelled and retried.",
    "operation-kinds": "What can be asked for, with the parameters of each kind.",
    "components": "The platform's catalogue, whether or not it is installed anywhere.",
    "webhooks": "Addresses of the customer that are told of events, and what was sent to them.",
    "webhook-event-types": "What a webhook can be told of.",
    "fleet": "For operators: queues, workers, and what is under way for whom.",
}


OTHERS = {
    "Blank": "Empty: there is nothing to say yet.",
    "Null": "Null: there is nothing to say yet.",
    "Streamed": "The data of any event of an operation's stream.",
    "StreamedFeed": "The data of any event of the stream of changes.",
}
"""Descriptions of components that no serializer and no enum describes."""


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook for the finished document."""
    result["info"]["description"] = DESCRIPTION
    result["tags"] = [{"name": name, "description": about} for name, about in TAGS.items()]
    stream.complete(result["paths"])
    result["paths"] = dict(sorted(result["paths"].items()))
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            if scope := SCOPES.get((method, path)):
                operation["security"] = [{"accessKey": [scope]}]
    components = result["components"]
    components["securitySchemes"]["cookieAuth"]["description"] = "The session of the admin site."
    components["headers"] = dict(headers.ANSWERED)
    components["responses"] = problem_documents.share(result["paths"])
    schemas = {**components["schemas"], **problem_documents.components(), **kinds.components()}
    components["schemas"] = dict(sorted(schemas.items()))
    _name_enums(result)
    return result


def _name_enums(result: dict[str, Any]) -> None:
    """Describe the enums, and let parameters refer to them."""
    known: dict[frozenset[str], str] = {}
    for name, schema in result["components"]["schemas"].items():
        if "enum" in schema:
            known.setdefault(frozenset(schema["enum"]), name)
            if about := described(name):
                schema["description"] = about
    for name, about in OTHERS.items():
        result["components"]["schemas"][name]["description"] = about
    for methods in result["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                name = known.get(frozenset(parameter["schema"].get("enum", ())), "")
                if name:
                    parameter["schema"] = {"$ref": f"#/components/schemas/{name}"}
                    parameter["description"] = parameter.get("description", "").partition("\n\n*")[0]
