"""/openapi.json: every route is described, and what is described is what is answered."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from typing import TYPE_CHECKING

import jsonschema
import pytest

from coach import client
from coach.client.paging import Paging
from coach.service import openapi_examples
from coach.service.openapi import schema_of

if TYPE_CHECKING:
    from coach.client.requests import Ask

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def served(running):
    """A running service and its document, as a client gets it."""
    service = running()
    return service, service.http("GET", "/openapi.json", key=None).json()


def operations(document: dict) -> dict[str, dict]:
    """Return every operation by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


def success(operation: dict) -> dict:
    """Return the answer of an operation that went well."""
    return next(answer for status, answer in operation["responses"].items() if status.startswith("2"))


def asked_by_the_client() -> dict[str, Ask]:
    """Return every request that the client can make, by the function that describes it."""
    found = {}
    for module in pkgutil.iter_modules(client.__path__):
        if not module.name.endswith("requests"):
            continue
        for name, function in inspect.getmembers(
            importlib.import_module(f"coach.client.{module.name}"), inspect.isfunction
        ):
            returned = inspect.signature(function).return_annotation
            if not name.startswith("_") and re.match(r"(Ask|Paging)\[(?!AnswerT)", str(returned)):
                asked = function(**_given(function))
                found[f"{module.name}.{name}"] = asked.next() if isinstance(asked, Paging) else asked
    return found


def _given(function) -> dict:
    """Return a value for each parameter: only the path of the request and the type of its answer matter."""
    values = {"int": 1, "Sequence": ["x"], "Iterable": ["x"], "list": [], "Mapping": {}, "Verdict": "useful"}
    return {
        name: "x/y"
        if name == "rule_id"
        else values.get(str(each.annotation).partition("[")[0].partition(" ")[0], "x")
        for name, each in inspect.signature(function).parameters.items()
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    }


def named_by(schema) -> set[str]:
    """Return the types that the schema of an answer names."""
    return {each["$ref"].rpartition("/")[2] for each in schema.get("anyOf", [schema]) if "$ref" in each}


def fits(document: dict, schema: dict, value) -> None:
    """Hold a value to a schema of the document."""
    jsonschema.validate(value, {**schema, "components": document["components"]})


def test_every_route_has_summary_answer_and_example(served):
    """A new route is described in openapi_examples.py before it is served."""
    _, document = served
    lacking = {
        name
        for name, operation in operations(document).items()
        for content in [success(operation).get("content", {})]
        if not (
            operation.get("summary")
            and operation.get("description")
            and content
            and all(each.get("schema") and "example" in each for each in content.values())
        )
    }
    assert lacking == set()


def test_every_body_has_an_example_that_fits_its_schema(served):
    """What is shown to an integrator is accepted."""
    _, document = served
    bodies = {
        name: each["requestBody"] for name, each in operations(document).items() if "requestBody" in each
    }
    assert {"POST /v1/check", "POST /v1/tokens"} <= bodies.keys()
    for body in bodies.values():
        described = body["content"]["application/json"]
        fits(document, described["schema"], described["example"])


def test_every_example_of_an_answer_fits_its_schema(served):
    """No example has drifted from its type."""
    _, document = served
    for operation in operations(document).values():
        for described in success(operation)["content"].values():
            fits(document, described["schema"], described["example"])


def test_the_client_reads_the_types_that_the_document_names(served):
    """Each request of the client is for a route of the document, whose answer is the type the client reads."""
    _, document = served
    known = operations(document)
    asked = asked_by_the_client()
    assert {"requests.check", "requests.audit", "requests.delete_customer"} <= asked.keys()
    stray = {}
    for function, ask in asked.items():
        shapes = {name: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(name))) for name in known}
        matching = [name for name, shape in shapes.items() if shape.fullmatch(f"{ask.method} {ask.path}")]
        # The route that is written out goes before the one with a blank.
        name = min(matching, key=lambda each: each.count("{"), default="")
        content = success(known[name])["content"]["application/json"] if name else {"schema": {}}
        if ask.answer.__name__ not in named_by(content["schema"]):
            stray[function] = f"{name or 'no route'}: {ask.answer.__name__}"
    assert stray == {}


def test_no_example_is_left_over(served):
    """A route that is gone takes its examples with it."""
    _, document = served
    known = operations(document).keys()
    assert openapi_examples.ANSWERS.keys() | openapi_examples.BODIES.keys() <= known


def test_errors_have_one_shape_everywhere(served):
    """The framework's own shape of an error is nowhere."""
    service, document = served
    assert "HTTPValidationError" not in document["components"]["schemas"]
    refused = service.http("GET", "/v1/calls/never").json()
    for operation in operations(document).values():
        refusals = [answer for status, answer in operation["responses"].items() if status >= "4"]
        assert refusals
        if operation is operations(document)["GET /readyz"]:
            # What it says with 503 is its answer.
            refusals = [answer for answer in refusals if "Readiness" not in str(answer)]
        for answer in refusals:
            fits(document, answer["content"]["application/json"]["schema"], refused)


def test_whatever_needs_a_key_may_be_busy(served):
    """The database may be away wherever something is looked up or noted."""
    _, document = served
    for name, operation in operations(document).items():
        open_to_all = name in openapi_examples.OPEN - {"GET /readyz"}
        assert ("503" in operation["responses"]) != open_to_all, name


def test_routes_name_the_keys_they_want(served):
    """All but the open ones."""
    service, document = served
    for name, operation in operations(document).items():
        assert bool(operation["security"]) == (name not in openapi_examples.OPEN), name
    for name in openapi_examples.OPEN:
        assert service.http("GET", name.removeprefix("GET "), key=None).status_code == 200


def test_what_is_answered_is_what_is_described(served):
    """A call through every route of the core: each real answer fits its schema."""
    service, document = served
    events = [
        {"type": "call.started", "seq": 1, "agent_id": "a1"},
        {
            "type": "utterance",
            "seq": 2,
            "utterance_id": "u1",
            "revision": 1,
            "speaker": "agent",
            "text": "这个我不知道",
            "final": True,
            "start_ms": 0,
            "end_ms": 900,
        },
        {"type": "nonsense", "seq": 3},
    ]
    asked = [
        ("POST /v1/calls/{call_id}/events", "/v1/calls/c1/events", {"events": events}),
        ("GET /v1/calls/{call_id}", "/v1/calls/c1", None),
        ("GET /v1/calls", "/v1/calls?limit=1", None),
        ("POST /v1/check", "/v1/check", {"text": "我不知道"}),
        ("POST /v1/check", "/v1/check", {"utterances": [{"id": "1", "text": "我不知道"}]}),
        ("POST /v1/tokens", "/v1/tokens", {"agent_id": "a1"}),
        ("GET /v1/rules", "/v1/rules", None),
        ("GET /healthz", "/healthz", None),
        ("GET /readyz", "/readyz", None),
        ("GET /v1/reviews", "/v1/reviews", None),
        ("GET /v1/decisions", "/v1/decisions", None),
        ("GET /v1/rules/health", "/v1/rules/health", None),
    ]
    known = operations(document)
    for name, path, body in asked:
        answer = service.http(name.split()[0], path, **({} if body is None else {"json": body}))
        assert answer.status_code == 200, answer.text
        described = success(known[name])["content"]["application/json"]
        fits(document, described["schema"], answer.json())
    advice = service.http("GET", "/v1/calls/c1").json()["advice"][0]["id"]
    answer = service.http("POST", f"/v1/advice/{advice}/feedback", json={"verdict": "useful"})
    described = success(known["POST /v1/advice/{advice_id}/feedback"])["content"]["application/json"]
    fits(document, described["schema"], answer.json())


def test_a_schema_is_drawn_from_an_example():
    """Types and fields; null says nothing."""
    assert schema_of({"a": [1], "b": None, "c": True})["properties"] == {
        "a": {"type": "array", "items": {"type": ["integer", "null"]}},
        "b": {},
        "c": {"type": ["boolean", "null"]},
    }


def test_a_method_that_is_not_served_is_told_the_others(running):
    """RFC 9110: 405 names the methods of the address, also where several routes share it."""
    refused = running().http("PUT", "/v1/reviews")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")


def test_every_reference_leads_somewhere(served):
    """A schema that names another is of no use without it."""
    _, document = served
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    def references(value) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(references, value))
        if isinstance(value, dict):
            named = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return named.union(*map(references, value.values()))
        return set()

    assert references(document) <= known
