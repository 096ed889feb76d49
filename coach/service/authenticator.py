"""Finds out whom a credential belongs to: an API key, a token of ours, or one of the company's identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from coach.service.auth import Principal
    from coach.service.identity_provider import IdentityProvider
    from coach.service.keys import ApiKeys
    from coach.service.tokens import Tokens


class Authenticator:
    """Asks everybody who may know. Whoever belongs to a tenant that is not there is nobody.

    Args:
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        keys: ApiKeys,
        tokens: Tokens,
        provider: IdentityProvider | None,
        tenants: Container[str],
        clock: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._provider = provider
        self._tenants = tenants
        self._clock = clock

    async def identify(self, credential: str) -> Principal | None:
        """Return whom a credential belongs to, None when nobody."""
        found = self._keys.find(credential) or self._tokens.read(credential)
        if found is None and self._provider is not None:
            found = await self._provider.identify(credential)
        return found if found is not None and found.tenant in self._tenants else None

    def holds(self, principal: Principal) -> bool:
        """Tell whether the key or token that somebody came in with is still in force, and its tenant there."""
        if principal.expires_at is not None and self._clock() >= principal.expires_at:
            return False
        if principal.tenant not in self._tenants:
            return False
        return not principal.key_id or self._keys.in_force(principal.key_id)
