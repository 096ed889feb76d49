"""/openapi.json: what FastAPI knows of the routes, with answers, examples, errors and keys added.

The routes read and write their bodies themselves, so that errors are told in one shape; here they are described.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from coach import __version__
from coach.client import (
    answers,
    decision_answers,
    playground_answers,
    review_answers,
    webhook_answers,
)
from coach.service.openapi_examples import ALSO, ANSWERS, BODIES, OPEN, STATUS, WITH_503
from coach.service.webhooks import openapi as webhooks

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel

Document = dict[str, Any]

_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
# Answers whose types the client has; the schema of any other is drawn from its example.
_MODELS: Final[dict[str, tuple[type[BaseModel], ...]]] = {
    "POST /v1/check": (answers.CheckOne, answers.CheckMany),
    "POST /v1/tokens": (answers.Token, answers.UserToken),
    "POST /v1/calls/{call_id}/events": (answers.Taken,),
    "GET /v1/calls": (answers.CallPage,),
    "GET /v1/calls/{call_id}": (answers.Call,),
    "DELETE /v1/calls/{call_id}": (answers.Deleted,),
    "DELETE /v1/customers/{customer_id}": (answers.Deleted,),
    "GET /v1/audit": (answers.AuditPage,),
    "POST /v1/advice/{advice_id}/feedback": (answers.Verdicted,),
    "GET /v1/rules": (answers.Rules,),
    "GET /v1/rules/health": (decision_answers.RuleHealthList,),
    "GET /v1/playground/rules": (playground_answers.WrittenRules,),
    "GET /v1/playground/rules/{category}/{name}": (playground_answers.RuleText,),
    "POST /v1/playground/explain": (playground_answers.Explained,),
    "POST /v1/playground/draft": (playground_answers.JudgedDraft,),
    "POST /v1/playground/effect": (playground_answers.Effect,),
    "POST /v1/playground/file": (playground_answers.RuleFile,),
    "POST /v1/reviews": (review_answers.Review,),
    "GET /v1/reviews": (review_answers.ReviewList,),
    "GET /v1/reviews/{review_id}": (review_answers.Review,),
    "POST /v1/reviews/{review_id}/start": (review_answers.Review,),
    "DELETE /v1/reviews/{review_id}": (review_answers.Review,),
    "POST /v1/reviews/{review_id}/links": (review_answers.ReviewLink,),
    "GET /v1/reviews/{review_id}/hits": (review_answers.ReviewHitPage,),
    "POST /v1/decisions": (decision_answers.Decision,),
    "GET /v1/decisions": (decision_answers.DecisionList,),
    "POST /v1/decisions/{decision_id}/appeal": (decision_answers.Decision,),
    "POST /v1/decisions/{decision_id}/settle": (decision_answers.Decision,),
    "GET /v1/webhooks": (webhook_answers.WebhookList,),
    "POST /v1/webhooks": (webhook_answers.SecretWebhook,),
    "PATCH /v1/webhooks/{webhook_id}": (webhook_answers.WebhookEndpoint,),
    "DELETE /v1/webhooks/{webhook_id}": (webhook_answers.RemovedWebhook,),
    "POST /v1/webhooks/{webhook_id}/rotate": (webhook_answers.SecretWebhook,),
    "POST /v1/webhooks/{webhook_id}/test": (webhook_answers.WebhookAttempt,),
    "GET /v1/webhooks/dead": (webhook_answers.DeadLetterPage,),
    "POST /v1/webhooks/dead/retry": (webhook_answers.Retried,),
    "GET /healthz": (answers.Health,),
    "GET /readyz": (answers.Readiness,),
}
_ERROR: Final[Document] = {
    "error": {
        "code": "invalid_field",
        "message": "text: 收到 7，应为最多 2000 个字符的文字",
        "field": "text",
    }
}


def openapi_document(app: FastAPI) -> Document:
    """Return the document of an application."""
    document = get_openapi(
        title="coach",
        version=__version__,
        description="Real-time call-script coaching. The sockets are described in docs/asyncapi.yml.",
        routes=app.routes,
    )
    every: set[type[BaseModel]] = {answers.RefusedAnswer}
    every.update(model for each in _MODELS.values() for model in each)
    models = sorted(every, key=lambda model: model.__name__)
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    components = document.setdefault("components", {})
    # FastAPI's own shape of an error, which this service never sends.
    schemas = {
        name: schema
        for name, schema in components.get("schemas", {}).items()
        if name not in {"HTTPValidationError", "ValidationError"}
    }
    components["schemas"] = {**schemas, **found["$defs"]}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "API key or signed token"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    document["webhooks"] = {kind: webhooks.describe(kind, _message_schema(kind)) for kind in webhooks.EVENTS}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _describe(f"{method.upper()} {path}", operation, components["schemas"])
    return document


def _message_schema(kind: str) -> Document:
    """Describe the message of one event; what a moment's details hold depends on its kind."""
    schema = schema_of(webhooks.message(kind))
    properties: Document = schema["properties"]
    properties["type"] = {"const": kind}
    if "details" in properties["data"]["properties"]:
        properties["data"]["properties"]["details"] = {"type": "object"}
    return {**schema, "required": list(properties)}


def schema_of(example: object) -> Document:
    """Draw a JSON Schema from an example: types and fields, none required and any of them perhaps null."""
    match example:
        case dict():
            return {
                "type": "object",
                "properties": {str(name): schema_of(value) for name, value in example.items()},
            }
        case list():
            return {"type": "array", "items": schema_of(example[0]) if example else {}}
        case bool():
            return {"type": ["boolean", "null"]}
        case int():
            return {"type": ["integer", "null"]}
        case float():
            return {"type": ["number", "null"]}
        case str():
            return {"type": ["string", "null"]}
        case _:
            # null: of what type it is otherwise, the example does not say.
            return {}


def _describe(name: str, operation: Document, schemas: Document) -> None:
    responses: Document = operation["responses"]
    responses.pop("422", None)
    operation["security"] = [] if name in OPEN else [{"bearer": []}, {"header": []}]
    for body in operation.get("requestBody", {}).get("content", {}).values():
        body["schema"] = _hoisted(body["schema"], schemas)
    for refusal in _refusals(name, operation):
        responses[str(refusal)] = {
            "description": f"{HTTPStatus(refusal).phrase}; the codes are in docs/protocol.md.",
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/RefusedAnswer"},
                    "example": _ERROR,
                }
            },
        }
    if name in ANSWERS:
        status = STATUS.get(name, "200")
        if status != "200":
            responses.pop("200", None)
        media, example = ANSWERS[name]
        responses[status] = {
            "description": "Done.",
            "content": {media: {"schema": _schema(name, example), "example": example}},
        }
        if name in WITH_503:
            not_now = {"schema": _schema(name, example), "example": WITH_503[name]}
            responses["503"] = {"description": "Not now.", "content": {media: not_now}}
        for other in ALSO.get(name, ()):
            responses.setdefault(other, {"description": "Done; there is nothing to tell."})
    if name in BODIES and "requestBody" in operation:
        content: Document = operation["requestBody"]["content"]
        content.setdefault("application/json", {})["example"] = BODIES[name]


def _refusals(name: str, operation: Document) -> list[int]:
    """List the statuses with which an operation may refuse, by what it takes."""
    places = {each["in"] for each in operation.get("parameters", ())}
    statuses = {400, 500}
    if name not in OPEN:
        # What cannot be looked up or noted now is refused: the database is away, or a worker does not answer.
        statuses |= {401, 403, 429, 503}
    if "path" in places:
        statuses |= {404, 409}
    if places:
        statuses |= {422}
    if "requestBody" in operation:
        statuses |= {404, 408, 409, 413, 422, 503}
    return sorted(statuses)


def _hoisted(schema: Document, schemas: Document) -> Document:
    """Move what a schema defines for itself to where the document keeps schemas: `#/$defs` means the document's."""
    schemas.update({each: _moved(value) for each, value in schema.get("$defs", {}).items()})
    moved: Document = _moved({key: value for key, value in schema.items() if key != "$defs"})
    return moved


def _moved(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    if isinstance(schema, list):
        return [_moved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(value)
        for key, value in schema.items()
    }


def _schema(name: str, example: object) -> Document:
    models = _MODELS.get(name, ())
    references: list[Document] = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    if not references:
        return schema_of(example)
    return references[0] if len(references) == 1 else {"anyOf": references}
