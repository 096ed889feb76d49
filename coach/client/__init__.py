"""A typed client of the service, for programs that feed calls in or read what agents are shown (docs/client.md).

It knows the wire and nothing of the inside of the service.
"""

from coach.client.errors import ClientError, RefusedError, UnreachableError
from coach.client.http import AsyncClient, Client
from coach.client.producer import AsyncProducer, Producer

__all__ = [
    "AsyncClient",
    "AsyncProducer",
    "Client",
    "ClientError",
    "Producer",
    "RefusedError",
    "UnreachableError",
]
