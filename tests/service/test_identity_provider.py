"""Tokens of a company's identity provider, whose keys come from a real server on this machine."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest

from coach.config import Settings
from coach.errors import ConfigError
from coach.service.identity_provider import Claims, IdentityProvider, load_identity_provider

pytest.importorskip("cryptography", reason="needs coach[sso]")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://login.example", "coach"


class Provider:
    """Publishes public keys and signs tokens with the private ones."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {}
        self.asked = 0
        self.away = False
        provider = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                body = json.dumps({"keys": [provider.public(name) for name in provider.keys]}).encode()
                self.send_response(503 if provider.away else 200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def public(self, name: str) -> dict:
        """Return a public key as the JWKS has it."""
        key = self.keys[name]
        kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
        return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}

    def token(self, name: str = "r1", *, algorithm: str = "RS256", drop: str = "", **claims) -> str:
        """Sign a token of agent a1, with changes; None takes a claim away."""
        now = time.time()
        given = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "a1",
            "role": "agent",
            "exp": now + 60,
            "iat": now,
            **claims,
        }
        given.pop(drop, None)
        return jwt.encode(given, self.keys[name], algorithm=algorithm, headers={"kid": name})

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def keys():
    """Key pairs, which take a while to make."""
    pairs = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("r1", "r2")}
    return {
        **pairs,
        "e1": ec.generate_private_key(ec.SECP256R1()),
        "e3": ec.generate_private_key(ec.SECP384R1()),
    }


@pytest.fixture
def provider(keys):
    """A provider that publishes one key of each kind."""
    made = Provider()
    made.keys = {name: keys[name] for name in ("r1", "e1", "e3")}
    yield made
    made.close()


def reader(provider, *, tenants=("default",), claims=None, clock=time.monotonic) -> IdentityProvider:
    """What the service makes of the provider's settings."""
    return IdentityProvider(
        issuer=ISSUER,
        audience=AUDIENCE,
        jwks_url=provider.url,
        claims=claims or Claims(),
        tenants=tenants,
        leeway_s=30,
        clock=clock,
    )


def identify(provider, *tokens, **options):
    """Read tokens one after another with one reader."""

    async def run():
        made = reader(provider, **options)
        try:
            return [await made.identify(token) for token in tokens]
        finally:
            await made.close()

    return asyncio.run(run())


def test_a_token_of_the_provider_opens_the_service(running, provider):
    """Over HTTP, with the role it names and no other."""
    service = running(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwks_url=provider.url)
    assert service.http("GET", "/v1/calls", key=provider.token()).status_code == 200
    assert service.http("GET", "/v1/reviews", key=provider.token()).status_code == 403
    assert service.http("GET", "/v1/reviews", key=provider.token(role="reviewer")).status_code == 200
    assert service.http("GET", "/v1/calls", key=provider.token(iss="https://evil.example")).status_code == 401


@pytest.mark.parametrize(("name", "algorithm"), [("r1", "RS256"), ("e1", "ES256")])
def test_both_kinds_of_keys_are_known(provider, name, algorithm):
    """RSA and the curve P-256."""
    (found,) = identify(provider, provider.token(name, algorithm=algorithm))
    assert (found.role, found.agent_id, found.tenant) == ("agent", "a1", "default")


@pytest.mark.parametrize(("name", "algorithm"), [("r1", "RS512"), ("r1", "PS256"), ("e3", "ES384")])
def test_other_algorithms_are_refused(provider, name, algorithm):
    """However right the signature is."""
    assert identify(provider, provider.token(name, algorithm=algorithm)) == [None]


def test_a_public_key_is_no_secret(provider, keys):
    """An HS256 token signed with the published key, in every form of it, is refused; so is an unsigned one."""
    public = keys["r1"].public_key()
    formats = [
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    ]
    secrets = [public.public_bytes(*each) for each in formats]
    secrets.append(json.dumps(provider.public("r1")).encode())
    tokens = [forged(provider, secret) for secret in secrets]
    assert identify(provider, *tokens, forged(provider, None)) == [None] * 5


def forged(provider, secret: bytes | None) -> str:
    """Sign an administrator's token with a public key, as if it were a secret."""
    import base64
    import hashlib
    import hmac

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    header = {"alg": "HS256" if secret else "none", "kid": "r1", "typ": "JWT"}
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "role": "admin", "exp": time.time() + 60}
    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    signature = part(hmac.digest(secret, signed.encode(), hashlib.sha256)) if secret else ""
    return f"{signed}.{signature}"


def test_a_key_of_the_other_kind_is_refused(provider, keys):
    """A token that names another key than the one that signed it."""
    token = jwt.encode({"iss": ISSUER}, keys["r1"], algorithm="RS256", headers={"kid": "e1"})
    assert identify(provider, token) == [None]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        # Long over, and not for years: a test has the same name in every process.
        {"exp": 1_700_000_000},
        {"nbf": 4_000_000_000, "exp": 4_000_003_600},
        {"role": "producer"},
        {"role": "nobody"},
        {"role": {"a": 1}},
        {"sub": ""},
        {"sub": "x" * 129},
        {"tenant": "gone"},
        {"tenant": ["default"]},
        {"drop": "exp"},
        {"drop": "iss"},
        {"drop": "aud"},
        {"drop": "sub"},
        {"drop": "role"},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_refused(provider, claims):
    """Even when the signature is right."""
    assert identify(provider, provider.token(**claims)) == [None]


@pytest.mark.parametrize("token", ["", "a.b.c", "\ud800", "coach_key", "e30.e30.e30"])
def test_what_is_no_token_is_refused_without_asking(provider, token):
    """The provider is not bothered with it."""
    assert identify(provider, token) == [None]
    assert provider.asked == 0


def test_clocks_may_differ_a_little(provider):
    """Half a minute in either direction."""
    late = provider.token(exp=time.time() - 10)
    early = provider.token(nbf=time.time() + 10)
    assert None not in identify(provider, late, early)


def test_a_role_may_be_one_of_several_in_the_providers_words(provider):
    """Under a dotted path, by the names of the settings; the one with the most rights counts."""
    claims = Claims(role="realm_access.roles", subject="employee", roles={"qa-team": "reviewer"})
    token = provider.token(realm_access={"roles": ["offline", "qa-team", "agent"]}, employee="007")
    (found,) = identify(provider, token, claims=claims)
    assert (found.role, found.name, found.agent_id) == ("reviewer", "007", None)


def test_where_there_are_several_tenants_the_token_names_one(provider):
    """Without a name it is nobody's."""
    tokens = [provider.token(tenant="bank", teams=["north", 1]), provider.token()]
    named, unnamed = identify(provider, *tokens, tenants=("default", "bank"))
    assert (named.tenant, named.teams, unnamed) == ("bank", ("north",), None)


def test_a_new_key_is_asked_for_once(provider, keys):
    """Rotation: unknown keys lead to one question every five seconds, however many tokens come."""
    now = [0.0]

    async def run():
        made = reader(provider, clock=lambda: now[0])
        await made.identify(provider.token())
        provider.keys["r2"] = keys["r2"]
        token = provider.token("r2")
        at_once = await made.identify(token)
        now[0] = 5.0
        later = await asyncio.gather(*(made.identify(token) for _ in range(20)))
        await made.close()
        return at_once, later

    at_once, later = asyncio.run(run())
    assert at_once is None
    assert [found.agent_id for found in later] == ["a1"] * 20
    assert provider.asked == 2


def test_a_withdrawn_key_is_forgotten(provider):
    """After five minutes the keys are asked for again, beside the requests."""
    now = [0.0]

    async def run():
        made = reader(provider, clock=lambda: now[0])
        token = provider.token()
        await made.identify(token)
        del provider.keys["r1"]
        now[0] = 301.0
        meanwhile = await made.identify(token)
        await made.refresh()
        gone = await made.identify(token)
        await made.close()
        return meanwhile, gone

    meanwhile, gone = asyncio.run(run())
    assert meanwhile is not None
    assert gone is None


def test_while_the_provider_is_away_its_last_keys_hold(provider):
    """For a day; afterwards nobody comes in on them."""
    now = [0.0]

    async def run():
        made = reader(provider, clock=lambda: now[0])
        found = []
        for at, away in ((0.0, False), (3600.0, True), (90_000.0, True)):
            now[0], provider.away = at, away
            found.append(await made.identify(provider.token()))
            await made.refresh()
        await made.close()
        return found

    fresh, stale, old = asyncio.run(run())
    assert fresh is not None
    assert stale is not None
    assert old is None


def test_after_a_day_without_a_sign_in_the_next_one_asks_again(provider):
    """Nobody came for days: the first sign-in waits for the keys and is let in, with all that come meanwhile."""
    now = [0.0]

    async def run():
        made = reader(provider, clock=lambda: now[0])
        await made.identify(provider.token())
        now[0] = 200_000.0
        found = await asyncio.gather(*(made.identify(provider.token()) for _ in range(5)))
        await made.close()
        return found

    assert [found and found.agent_id for found in asyncio.run(run())] == ["a1"] * 5
    assert provider.asked == 2


def test_stale_keys_come_back_with_the_provider(provider):
    """Refused while it is away, asked at most every five seconds, let in without a restart once it answers."""
    now = [0.0]

    async def run():
        made = reader(provider, clock=lambda: now[0])
        found = [await made.identify(provider.token())]
        for at, away in ((200_000.0, True), (200_001.0, False), (200_006.0, False)):
            now[0], provider.away = at, away
            found.append(await made.identify(provider.token()))
        await made.close()
        return found

    assert [found is not None for found in asyncio.run(run())] == [True, False, False, True]
    assert provider.asked == 3


def test_a_provider_that_was_never_there_lets_nobody_in(provider):
    """And the service goes on."""
    provider.away = True
    assert identify(provider, provider.token()) == [None]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"jwt_issuer": ISSUER}, "jwt_audience"),
        ({"jwks_url": "http://login.example/jwks"}, "jwks_url"),
        ({"jwks_url": "file:///etc/passwd"}, "jwks_url"),
        ({"jwt_roles": "qa=boss"}, "jwt_roles"),
        ({"jwt_roles": "crm=producer"}, "jwt_roles"),
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path, changes, told):
    """Before the service starts."""
    whole = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwks_url": "https://login.example/jwks"}
    settings = Settings(data_dir=tmp_path, **(changes if told == "jwt_audience" else {**whole, **changes}))
    with pytest.raises(ConfigError, match=told):
        load_identity_provider(settings, tenants=("default",))


def test_without_settings_there_is_no_provider(tmp_path):
    """Only our own tokens count."""
    assert load_identity_provider(Settings(data_dir=tmp_path), tenants=("default",)) is None
