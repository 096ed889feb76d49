"""The sockets as an AsyncAPI 3 document, made from the models that read and describe the frames.

`coach schema asyncapi` prints it; docs/asyncapi.yml is its output, and a test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

import yaml
from pydantic.json_schema import models_json_schema

from coach import __version__
from coach.client import messages as told
from coach.client.team_messages import TEAM_TYPES, Rates, Watched
from coach.service import messages as heard
from coach.service.asyncapi_examples import EXAMPLES
from coach.service.sidebar_messages import SidebarMessage
from coach.service.team_messages import SupervisorMessage

if TYPE_CHECKING:
    from pydantic import BaseModel

Document = dict[str, Any]

# What the service takes in, and what it says, by channel.
_HELLO: Final = (heard.Hello,)
_PRODUCER: Final = (heard.CallStarted, heard.UtteranceHeard, heard.CallEnded)
_TO_PRODUCER: Final = (told.Ready, told.Ack, told.Pressure, told.Error)
_SIDEBAR: Final[tuple[type[BaseModel], ...]] = get_args(SidebarMessage)
_TO_SIDEBAR: Final[tuple[type[BaseModel], ...]] = (
    told.Ready,
    *told.STREAM_TYPES,
    told.Noted,
    told.Pong,
    told.Error,
)

_SUPERVISOR: Final[tuple[type[BaseModel], ...]] = get_args(SupervisorMessage)
_TO_SUPERVISOR: Final[tuple[type[BaseModel], ...]] = (
    told.Ready,
    *TEAM_TYPES,
    Rates,
    Watched,
    told.Degraded,
    told.Noted,
    told.Pong,
    told.Error,
)

_CHANNELS: Final[dict[str, tuple[str, str, tuple[type[BaseModel], ...], tuple[type[BaseModel], ...]]]] = {
    "ingest": (
        "/v1/ingest",
        "Calls as they happen, many over one connection (docs/protocol.md, section 2).",
        (*_HELLO, *_PRODUCER),
        _TO_PRODUCER,
    ),
    "stream": (
        "/v1/agents/{agent_id}/stream",
        "What one agent is shown (docs/protocol.md, section 3).",
        (*_HELLO, *_SIDEBAR),
        _TO_SIDEBAR,
    ),
    "team": (
        "/v1/teams/{team}/stream",
        "What a team's supervisor is shown (docs/protocol.md, section 8).",
        (*_HELLO, *_SUPERVISOR),
        _TO_SUPERVISOR,
    ),
}


def asyncapi_document() -> Document:
    """Return the document as plain values."""
    heard_schemas = _schemas("in", {model for _, _, models, _ in _CHANNELS.values() for model in models})
    told_schemas = _schemas("out", {model for _, _, _, models in _CHANNELS.values() for model in models})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "coach",
            "version": __version__,
            "description": "Real-time call-script coaching. JSON text frames; times are ms from the start of the call. "
            "The HTTP side is described by /openapi.json.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8600",
                "protocol": "ws",
                "description": "The default; behind a TLS proxy the protocol is wss.",
                "security": [{"$ref": "#/components/securitySchemes/key"}],
            }
        },
        "channels": {name: _channel(name) for name in _CHANNELS},
        "operations": {
            operation: body
            for name in _CHANNELS
            for operation, body in (
                (f"{name}.receive", _operation(name, "receive")),
                (f"{name}.send", _operation(name, "send")),
            )
        },
        "components": {
            "messages": {
                _key(side, model): _message(side, model)
                for _, _, taken, said in _CHANNELS.values()
                for side, models in (("in", taken), ("out", said))
                for model in models
            },
            "schemas": {**heard_schemas, **told_schemas},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key in the header Authorization (or X-API-Key); without one, `hello` comes first.",
                }
            },
        },
    }


def asyncapi_yaml() -> str:
    """Return the document as YAML."""
    head = "# Written by `coach schema asyncapi`; change coach/service/messages.py or coach/client/messages.py instead.\n"
    return head + yaml.safe_dump(asyncapi_document(), allow_unicode=True, sort_keys=False, width=120)


def name_of(model: type[BaseModel]) -> str:
    """Return the `type` of a message."""
    return str(get_args(model.model_fields["type"].annotation)[0])


def _channel(name: str) -> Document:
    address, description, taken, said = _CHANNELS[name]
    channel: Document = {
        "address": address,
        "description": description,
        "messages": {
            key: {"$ref": f"#/components/messages/{key}"}
            for side, models in (("in", taken), ("out", said))
            for model in models
            for key in (_key(side, model),)
        },
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }
    if "{agent_id}" in address:
        channel["parameters"] = {"agent_id": {"description": "The agent, as in `call.started`."}}
    if "{team}" in address:
        channel["parameters"] = {"team": {"description": "The team, as in `call.started`."}}
    return channel


def _operation(name: str, action: str) -> Document:
    _, _, taken, said = _CHANNELS[name]
    side, models = ("in", taken) if action == "receive" else ("out", said)
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": "What the service takes in." if action == "receive" else "What the service says.",
        "messages": [{"$ref": f"#/channels/{name}/messages/{_key(side, model)}"} for model in models],
    }


def _message(side: str, model: type[BaseModel]) -> Document:
    return {
        "name": name_of(model),
        "summary": " ".join((model.__doc__ or "").split()),
        "payload": {"$ref": f"#/components/schemas/{side}.{model.__name__}"},
        "examples": [{"payload": EXAMPLES[side, name_of(model)]}],
    }


def _key(side: str, model: type[BaseModel]) -> str:
    return f"{side}.{name_of(model)}"


def _schemas(side: str, models: set[type[BaseModel]]) -> Document:
    ordered = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=f"#/components/schemas/{side}.{{model}}"
    )
    return {f"{side}.{name}": schema for name, schema in sorted(found["$defs"].items())}
