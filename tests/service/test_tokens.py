"""Signed tokens and the secrets that sign them."""

from __future__ import annotations

import jwt
import pytest

from coach.errors import ConfigError
from coach.service.signing import load_secrets
from coach.service.tokens import Tokens

OLD, NEW = "o" * 40, "n" * 40


def claims(**changes) -> dict:
    """Claims of a token that is right, with changes."""
    return {"sub": "a1", "role": "agent", "tenant": "default", "aud": "coach", "exp": 9e9, **changes}


def test_a_token_says_who_where_and_what(tmp_path):
    """Subject, role, tenant and teams come back; a supervisor is bound to no agent."""
    tokens = Tokens(load_secrets(tmp_path))
    token, _ = tokens.mint(role="supervisor", subject="s1", tenant="bank", teams=("north",), ttl_s=60)
    found = tokens.read(token)
    assert (found.role, found.name, found.agent_id, found.tenant, found.teams) == (
        "supervisor", "s1", None, "bank", ("north",),
    )  # fmt: skip


def test_a_token_of_another_installation_is_refused(tmp_path):
    """Each installation has a secret of its own."""
    token, _ = Tokens(load_secrets(tmp_path / "one")).mint(role="agent", subject="a1", ttl_s=60)
    assert Tokens(load_secrets(tmp_path / "two")).read(token) is None


def test_a_token_survives_a_restart(tmp_path):
    """A second start over the same folder knows the tokens of the first."""
    token, _ = Tokens(load_secrets(tmp_path)).mint(role="agent", subject="a1", ttl_s=60)
    assert Tokens(load_secrets(tmp_path)).read(token).agent_id == "a1"


def test_a_token_expires(tmp_path):
    """To the second, by the clock that was passed in."""
    now = [1000.0]
    tokens = Tokens(load_secrets(tmp_path), clock=lambda: now[0])
    token, expires_at = tokens.mint(role="agent", subject="a1", ttl_s=60)
    now[0] = expires_at - 0.1
    assert tokens.read(token) is not None
    now[0] = expires_at
    assert tokens.read(token) is None


def test_the_newest_secret_signs_and_all_verify(tmp_path):
    """While a secret is replaced both are believed; afterwards only the new one."""
    old = Tokens(load_secrets(tmp_path, given=OLD))
    both = Tokens(load_secrets(tmp_path, given=f"{NEW}, {OLD}"))
    new = Tokens(load_secrets(tmp_path, given=NEW))
    before, after = (each.mint(role="agent", subject="a1", ttl_s=60)[0] for each in (old, both))
    assert both.read(before) is not None
    assert new.read(before) is None
    assert new.read(after) is not None


@pytest.mark.parametrize("given", ["short", f"{NEW} short"])
def test_a_short_secret_is_refused(tmp_path, given):
    """HS256 asks for 32 bytes; the message says which one is too short, not what it is."""
    with pytest.raises(ConfigError, match="COACH_SECRET") as refused:
        load_secrets(tmp_path, given=given)
    assert "short" not in str(refused.value)


def test_the_secret_is_for_the_owner_alone(tmp_path):
    """The file and its folder are readable by their user only."""
    load_secrets(tmp_path / "state")
    assert [each.stat().st_mode & 0o077 for each in (tmp_path / "state", tmp_path / "state" / "secret")] == [
        0,
        0,
    ]


def test_a_secret_that_cannot_be_read_or_made_is_named(tmp_path):
    """The file, and what to do; never a trace."""
    (tmp_path / "one" / "secret").mkdir(parents=True)
    with pytest.raises(ConfigError, match="one/secret: 无法读写签名密钥"):
        load_secrets(tmp_path / "one")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file.*: 无法读写签名密钥"):
        load_secrets(tmp_path / "file")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "secret").write_bytes(b"\xff" * 64)
    with pytest.raises(ConfigError, match="two/secret: 第 0 字节起不是文本"):
        load_secrets(tmp_path / "two")


def test_who_needs_no_secret_makes_none(tmp_path):
    """There is none then, and the folder stays as it was."""
    assert load_secrets(tmp_path, make=False).all == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "sidebar"},
        {"role": "root"},
        {"role": ["admin"]},
        {"aud": "another"},
        {"exp": 1},
        {"tenant": None},
    ],
)
def test_a_token_with_wrong_claims_is_refused(tmp_path, changes):
    """Even when the signature is right."""
    secrets = load_secrets(tmp_path)
    given = {name: value for name, value in claims(**changes).items() if value is not None}
    token = jwt.encode(given, secrets.newest.value, algorithm="HS256", headers={"kid": secrets.newest.id})
    assert Tokens(secrets).read(token) is None


def test_an_unsigned_token_is_refused(tmp_path):
    """`alg: none` is no signature, whatever secret it names."""
    secrets = load_secrets(tmp_path)
    token = jwt.encode(claims(), None, algorithm="none", headers={"kid": secrets.newest.id})
    assert Tokens(secrets).read(token) is None


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "\ud800", "e30.e30.", "coach_key"])
def test_what_is_no_token_is_refused(tmp_path, token):
    """Whatever comes in a header: nobody."""
    assert Tokens(load_secrets(tmp_path)).read(token) is None


def test_a_token_of_an_unknown_tenant_is_refused(running):
    """A tenant that was taken away takes its tokens along."""
    service = running()
    assert service.http("GET", "/v1/rules", key=service.token("a1", tenant="gone")).status_code == 401


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"agent_id": "a1"}, {"agent_id": "a1"}),
        ({"role": "reviewer", "user_id": "w"}, {"role": "reviewer", "user_id": "w"}),
        ({"role": "supervisor", "user_id": "w", "teams": ["t"]}, {"role": "supervisor", "user_id": "w"}),
    ],
)
def test_an_administrators_key_mints_for_every_role(running, body, told):
    """The answer says whom the token is for, and it works."""
    service = running()
    answer = service.http("POST", "/v1/tokens", json=body).json()
    assert told.items() <= answer.items()
    assert service.http("GET", "/v1/rules", key=answer["token"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "agent_id"),
        ({"agent_id": "a1", "user_id": "w"}, "agent_id"),
        ({"role": "reviewer", "agent_id": "a1"}, "user_id"),
        ({"agent_id": "a1", "teams": ["t"]}, "teams"),
        ({"role": "producer", "user_id": "w"}, "role"),
    ],
)
def test_a_token_is_asked_for_in_full(running, body, field):
    """An agent has an `agent_id`, everybody else a `user_id`, only supervisors have teams."""
    error = running().http("POST", "/v1/tokens", json=body).json()["error"]
    assert (error["code"], error["field"]) == ("invalid_field", field)


def test_a_producers_key_mints_for_agents_only(running):
    """The softphone platform needs no more."""
    service = running()
    key = service.new_key(role="producer")
    assert service.http("POST", "/v1/tokens", key=key, json={"agent_id": "a1"}).status_code == 200
    asked = {"role": "admin", "user_id": "w"}
    assert service.http("POST", "/v1/tokens", key=key, json=asked).json()["error"]["code"] == "not_allowed"


def test_a_token_mints_no_tokens(running):
    """It would never expire."""
    service = running()
    token = service.token("boss", role="admin")
    assert service.http("POST", "/v1/tokens", key=token, json={"agent_id": "a1"}).status_code == 403
