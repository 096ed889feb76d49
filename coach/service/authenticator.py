"""Finds out whom a credential belongs to: an API key, a token of ours, or one of the company's identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from coach.service.auth import Principal
    from coach.service.identity_provider import IdentityProvider
    from coach.service.keys import ApiKeys
    from coach.service.tokens import Tokens


class Authenticator:
    """Asks everybody who may know. Whoever belongs to a tenant that is not there is nobody."""

    def __init__(
        self, *, keys: ApiKeys, tokens: Tokens, provider: IdentityProvider | None, tenants: Container[str]
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._provider = provider
        self._tenants = tenants

    async def identify(self, credential: str) -> Principal | None:
        """Return whom a credential belongs to, None when nobody."""
        found = self._keys.find(credential) or self._tokens.read(credential)
        if found is None and self._provider is not None:
            found = await self._provider.identify(credential)
        return found if found is not None and found.tenant in self._tenants else None
