"""What the supervisors of one tenant see and do: the board of their teams, the calls they watch, what they whisper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coach.errors import MessageError
from coach.service.snapshots import agent_topic
from coach.service.whispers import WhisperTo

if TYPE_CHECKING:
    from coach.service.auth import Principal
    from coach.service.board import Board
    from coach.service.calls import Calls
    from coach.service.hub import Feed, Hub
    from coach.service.rates import TeamRates
    from coach.service.render import Message
    from coach.service.team_messages import Whisper
    from coach.service.whispers import Whispers

# As many as are sent in a minute, after which a sidebar shows none of them any more.
_UNREAD: Final = 6


class Supervision:
    """Finds the calls of a team and carries words between its supervisors and its agents."""

    def __init__(self, *, board: Board, rates: TeamRates, whispers: Whispers, calls: Calls, hub: Hub) -> None:
        self.board = board
        self.rates = rates
        self.whispers = whispers
        self.calls = calls
        self.hub = hub
        if hub.channel is not None:
            hub.channel.on("whisper", lambda message: self._keep(message["whisper"]))
            hub.channel.on("whisper.read", lambda message: self._drop(message["call_id"], message["id"]))

    def feed_of(self, agent_id: str) -> Feed:
        """Return what an agent's sidebars see."""
        return self.hub.feed(agent_topic(agent_id))

    async def find(self, call_id: str, *, team: str) -> WhisperTo:
        """Find a running call of a team.

        Raises:
            MessageError: `unknown_call`: there is none, it is another team's, or it has ended.
        """
        live = self.calls.find(call_id)
        if live is None:
            return await self.whispers.find_call(call_id, team=team)
        if live.board is None or live.board.team != team or live.call.ended:
            raise MessageError("unknown_call", "本班组没有这通正在进行的电话", field="call_id")
        return WhisperTo(call_id, live.agent_id, team)

    async def whisper(self, message: Whisper, *, team: str, sender: str) -> None:
        """Tell an agent something, once it is on disk; sent again it changes nothing.

        Raises:
            MessageError: `unknown_call`, `busy` or `conflict`, see `Whispers`.
        """
        to = await self.find(message.call_id, team=team)
        whisper = await self.whispers.add(to, whisper_id=message.id, text=message.text, sender=sender)
        if whisper is None:
            return
        self._keep(whisper)
        if self.hub.channel is not None:
            self.hub.channel.tell("whisper", whisper=whisper)
        # A copy: the feed numbers what it sends.
        self.feed_of(to.agent_id).publish(dict(whisper))

    async def read(self, call_id: str, whisper_id: str, *, principal: Principal) -> None:
        """Note that the agent has read a whisper, and tell his supervisors.

        Raises:
            MessageError: `invalid_field`: this agent was given no such whisper.
        """
        told = await self.whispers.read(call_id, whisper_id, agent_id=principal.agent_id)
        self._drop(call_id, whisper_id)
        if self.hub.channel is not None:
            self.hub.channel.tell("whisper.read", call_id=call_id, id=whisper_id)
        if told is not None:
            self.board.tell(*told)

    def _keep(self, whisper: Message) -> None:
        """Let the call have a whisper, for sidebars that join before it is read; if the call is here."""
        live = self.calls.find(whisper["call_id"])
        if live is None:
            return
        live.whispers[whisper["id"]] = whisper
        if len(live.whispers) > _UNREAD:
            del live.whispers[next(iter(live.whispers))]

    def _drop(self, call_id: str, whisper_id: str) -> None:
        live = self.calls.find(call_id)
        if live is not None:
            live.whispers.pop(whisper_id, None)
