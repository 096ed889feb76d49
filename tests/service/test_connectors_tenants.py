"""Signed webhooks of several tenants: each has secrets of its own, and its events are nobody else's."""

from __future__ import annotations

import logging

import pytest
from test_connectors import TOKEN, post, recorded_twilio, signed  # noqa: F401 - a fixture

from coach.config import Settings
from coach.errors import ConfigError
from coach.service.tenants_file import load_tenants

BANK = "bank-auth-token"
SHOP = "shop-auth-token"
TWO = """\
[bank.connectors]
twilio_token_file = "bank-twilio"

[shop.connectors]
twilio_token_file = "shop-twilio"
roles = "twilio/inbound_track:customer,twilio/outbound_track:agent"
"""
PATH = "/v1/connectors/twilio?agent_id=a-17"


@pytest.fixture
def start(running, tmp_path, monkeypatch):
    """A factory of services with the tenants bank and shop, and Twilio's secret of the default one."""
    monkeypatch.setenv("COACH_CONNECTOR_TWILIO_TOKEN", TOKEN)
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "bank-twilio").write_text(f"{BANK}\n", "utf-8")
    (folder / "shop-twilio").write_text(f"{SHOP}\nshop-second-token\n", "utf-8")

    def make(text=TWO, **changes):
        (folder / "tenants.toml").write_text(text, "utf-8")
        return running(**changes)

    return make


def calls_of(service, tenant: str) -> list[str]:
    """Return the ids of a tenant's calls."""
    key = service.new_key(tenant=tenant, role="admin")
    return [call["call_id"] for call in service.http("GET", "/v1/calls", key=key).json()["calls"]]


def test_a_signed_event_reaches_the_tenant_that_the_address_names(start, recorded_twilio):  # noqa: F811
    """With that tenant's secret; an address without a tenant is the default one's, as ever."""
    service, payload = start(), recorded_twilio.payloads[5]
    assert signed(service, payload, token=BANK, path=f"{PATH}&tenant=bank").status_code == 200
    assert {name: calls_of(service, name) for name in ("default", "bank", "shop")} == {
        "default": [],
        "bank": ["CA1"],
        "shop": [],
    }
    assert signed(service, payload).status_code == 200
    assert calls_of(service, "default") == ["CA1"]


@pytest.mark.parametrize(
    ("token", "tenant"),
    [(BANK, "shop"), (SHOP, "bank"), (TOKEN, "bank"), (BANK, "default"), (BANK, "nobody"), (TOKEN, "nobody")],
)
def test_no_tenant_signs_for_another(start, recorded_twilio, token, tenant):  # noqa: F811
    """Nor does the secret of the service's environment; nothing is taken in and the attempt is counted."""
    service = start()
    refused = signed(service, recorded_twilio.payloads[5], token=token, path=f"{PATH}&tenant={tenant}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "not_authenticated")
    assert [calls_of(service, name) for name in ("default", "bank", "shop")] == [[], [], []]
    assert service.service.meter.failed_logins == 1


def test_an_address_cannot_be_turned_to_another_tenant(start, recorded_twilio):  # noqa: F811
    """The tenant stands in what is signed."""
    from coach.service.connector_settings import sign_twilio

    service, payload = start(), recorded_twilio.payloads[5]
    good = sign_twilio(BANK, url=f"{service.url}{PATH}&tenant=bank", params=payload.items())
    for path in (f"{PATH}&tenant=shop", PATH, f"{PATH}&tenant=bank&tenant=shop"):
        assert signed(service, payload, path=path, signature=good).status_code == 401


def test_a_wrong_signature_is_told_what_was_expected_and_no_secret(start, recorded_twilio):  # noqa: F811
    """Tenant, setting, address and fields; the same words whether the tenant is there or not."""
    service, payload = (
        start("[bank.connectors]\ntwilio_token_file = 'bank-twilio'\n[shop]\n"),
        recorded_twilio,
    )
    told = {
        name: signed(service, payload.payloads[5], token="wrong", path=f"{PATH}&tenant={name}").json()
        for name in ("bank", "shop", "nobody")
    }
    message = told["bank"]["error"]["message"]
    for expected in (
        "租户 bank",
        "[bank.connectors]",
        "twilio_token_file",
        f"{service.url}{PATH}&tenant=bank",
        "CallSid",
    ):
        assert expected in message
    assert BANK not in message
    assert {each["error"]["message"].replace(name, "bank") for name, each in told.items()} == {message}


def test_either_of_two_secrets_signs(start, recorded_twilio):  # noqa: F811
    """While one takes the other's place."""
    service = start()
    for number, token in enumerate((SHOP, "shop-second-token"), 1):
        payload = {**recorded_twilio.payloads[5], "CallSid": f"CA{number}"}
        assert signed(service, payload, token=token, path=f"{PATH}&tenant=shop").status_code == 200
    assert sorted(calls_of(service, "shop")) == ["CA1", "CA2"]


def test_roles_are_those_of_the_tenant(start, monkeypatch, recorded_twilio):  # noqa: F811
    """What one says of its tracks is not said for the other."""
    service = start()
    payload = {**recorded_twilio.payloads[5], "Track": "outbound_track"}
    speakers = {}
    for name in ("bank", "shop"):
        key = service.new_key(tenant=name, role="admin")
        assert post(service, "twilio", payload, query="agent_id=a1", key=key).status_code == 200
        told = service.http("GET", "/v1/calls/CA1", key=key).json()
        speakers[name] = told["utterances"][0]["speaker"]
    assert speakers == {"bank": "unknown", "shop": "agent"}


def test_a_key_names_the_tenant_itself(start):
    """With a key the parameter is refused, whatever it says."""
    service = start()
    answer = post(service, "twilio", {}, query="agent_id=a1&tenant=bank")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "tenant")


def test_signed_requests_count_for_the_quota_of_their_tenant(start, recorded_twilio):  # noqa: F811
    """429 beyond it, as with a key."""
    service = start(TWO + "[bank.quotas]\nrequests_per_minute = 2\n")
    path = f"{PATH}&tenant=bank"
    statuses = [
        signed(service, recorded_twilio.payloads[5], token=BANK, path=path).status_code for _ in range(3)
    ]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[bank.connectors]\n\nurl = 'bank.example'\n", ":3: [bank] connectors.url: 收到 'bank.example'"),
        ("[bank.connectors]\nroles = 'acme/x:agent'\n", ":2: [bank] connectors.roles: 收到 'acme/x'"),
        ("[bank]\nconnectors = {roles = 1}\n", ":2: [bank] connectors.roles: 收到 1，应为字符串"),
        ("[bank.connectors]\ntwilio_token = 'x'\n", ":2: [bank] connectors.twilio_token: 没有这个字段"),
        (
            "[bank.connectors]\ntwilio_token_file = 'none'\n",
            ':2: [bank] connectors.twilio_token_file: 收到 "none"，无法读取 ',
        ),
        (
            "[bank.connectors]\ntwilio_token_file = 'empty'\n",
            ':2: [bank] connectors.twilio_token_file: 收到 "empty"，',
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, told):
    """File, line, tenant, field, what came, what was expected."""
    (tmp_path / "empty").write_text(" \n", "utf-8")
    file = tmp_path / "tenants.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_tenants(Settings(data_dir=tmp_path))
    assert str(refused.value).startswith(f"{file}{told}")


def test_no_secret_is_in_what_is_logged_of_a_plan(tmp_path, caplog):
    """Not even where a plan is shown as a whole."""
    (tmp_path / "bank-twilio").write_text(BANK, "utf-8")
    (tmp_path / "tenants.toml").write_text("[bank.connectors]\ntwilio_token_file = 'bank-twilio'\n", "utf-8")
    with caplog.at_level(logging.DEBUG):
        _, plan = load_tenants(Settings(data_dir=tmp_path))
        logging.getLogger("test").info("%r", plan)
    assert [token.get_secret_value() for token in plan.twilio_tokens] == [BANK]
    assert BANK not in caplog.text
