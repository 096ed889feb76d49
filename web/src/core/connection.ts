// The life of one sidebar connection as a pure machine: an event in, a new state and effects out.
// It opens no socket and reads no clock; socket.ts does.

import type { TeamMessage } from "./team-wire";
import { NOT_ALLOWED, NOT_AUTHENTICATED, type CallMessage, type SaidMessage, type ServerMessage } from "./wire";

export type Phase = "idle" | "token" | "opening" | "greeting" | "live" | "waiting" | "refused";

/** Why the panel is not live, as far as it can be known; the panel shows it in words. */
export type Trouble = "none" | "network" | "unauthorized" | "forbidden" | "origin";

export type TimerName = "retry" | "ping" | "silence" | "greeting";

export interface Connection {
  readonly phase: Phase;
  readonly trouble: Trouble;
  readonly offset: string | null;
  /** Attempts since the last time it was live; decides the delay. */
  readonly attempts: number;
  /** Attempts in a row that failed before the socket opened although the service answered plain HTTP. */
  readonly refusals: number;
  readonly wasLive: boolean;
  /** The service hears only a part of itself: what other processes know may be missing. */
  readonly degraded: boolean;
  readonly outbox: readonly Outgoing[];
}

export interface Outgoing {
  readonly message: SaidMessage;
  readonly tries: number;
}

export type Event =
  | { type: "start" }
  | { type: "stop" }
  | { type: "token"; token: string }
  | { type: "token-failed"; random: number }
  | { type: "opened" }
  | { type: "received"; message: ServerMessage }
  | { type: "closed"; code: number; random: number }
  | { type: "probed"; reachable: boolean }
  | { type: "timer"; name: TimerName; random: number }
  | { type: "online" }
  | { type: "say"; message: SaidMessage };

export type Effect =
  | { type: "fetch-token"; renew: boolean }
  | { type: "open"; token: string }
  | { type: "greet"; after: string | null }
  | { type: "send"; message: SaidMessage | { type: "ping" } }
  | { type: "close" }
  | { type: "probe" }
  | { type: "schedule"; name: TimerName; ms: number }
  | { type: "cancel"; name: TimerName }
  | { type: "deliver"; message: Delivered }
  /** The service has what was said under this id. */
  | { type: "noted"; about: string }
  | { type: "report"; code: string; text: string; about?: string };

/** What a stream tells: an agent's, or a team's. */
export type Delivered = CallMessage | TeamMessage;

type Noted = Extract<ServerMessage, { type: "noted" }>;

export type Step = readonly [Connection, readonly Effect[]];

const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 15_000;
const PING_EVERY_MS = 20_000;
const SILENCE_MS = 10_000;
const GREETING_MS = 8_000;
const MOST_TRIES = 3;
const MOST_WAITING = 200;

export const initial: Connection = {
  phase: "idle",
  trouble: "none",
  offset: null,
  attempts: 0,
  refusals: 0,
  wasLive: false,
  degraded: false,
  outbox: [],
};

/** Delay before attempt `attempts + 1`, in ms. `random` in [0, 1) spreads 10,000 seats after a restart. */
export function backoff(attempts: number, random: number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts, 10));
  return Math.round(ceiling * (0.5 + random / 2));
}

export function step(connection: Connection, event: Event): Step {
  switch (event.type) {
    case "start":
      return connection.phase === "idle" || connection.phase === "refused"
        ? dial({ ...connection, attempts: 0, refusals: 0, trouble: "none" }, false)
        : [connection, []];
    case "stop":
      return [{ ...connection, phase: "idle" }, [...cancelAll, { type: "close" }]];
    case "token":
      if (connection.phase !== "token") return [connection, []];
      return [
        { ...connection, phase: "opening" },
        [{ type: "schedule", name: "greeting", ms: GREETING_MS }, { type: "open", token: event.token }],
      ];
    case "token-failed":
      return connection.phase === "token" ? wait(connection, "unauthorized", event.random) : [connection, []];
    case "opened":
      if (connection.phase !== "opening") return [connection, []];
      return [{ ...connection, phase: "greeting" }, [{ type: "greet", after: connection.offset }]];
    case "received":
      return receive(connection, event.message);
    case "closed":
      return closed(connection, event.code, event.random);
    case "probed":
      return probed(connection, event.reachable);
    case "timer":
      return timer(connection, event.name, event.random);
    case "online":
      return connection.phase === "waiting" ? dial(connection, false) : [connection, []];
    case "say":
      return say(connection, event.message);
  }
}

const cancelAll: readonly Effect[] = [
  { type: "cancel", name: "retry" },
  { type: "cancel", name: "ping" },
  { type: "cancel", name: "silence" },
  { type: "cancel", name: "greeting" },
];

function dial(connection: Connection, renew: boolean): Step {
  return [{ ...connection, phase: "token" }, [{ type: "cancel", name: "retry" }, { type: "fetch-token", renew }]];
}

function wait(connection: Connection, trouble: Trouble, random: number): Step {
  const ms = backoff(connection.attempts, random);
  return [
    { ...connection, phase: "waiting", trouble, attempts: connection.attempts + 1 },
    [...cancelAll, { type: "schedule", name: "retry", ms }],
  ];
}

function receive(connection: Connection, message: ServerMessage): Step {
  if (connection.phase === "greeting") {
    if (message.type === "ready") return live(connection);
    if (message.type === "error") return [connection, [{ type: "report", code: message.code, text: message.message }]];
    return [connection, []];
  }
  if (connection.phase !== "live") return [connection, []];
  // Any frame proves the line is alive.
  const heard: readonly Effect[] = [{ type: "cancel", name: "silence" }];
  switch (message.type) {
    case "ready":
    case "pong":
      return [connection, heard];
    case "degraded":
      return [{ ...connection, degraded: message.active }, heard];
    case "noted":
      return [
        { ...connection, outbox: settle(connection.outbox, message) },
        message.id === undefined ? heard : [...heard, { type: "noted", about: message.id }],
      ];
    case "error": {
      const { id, code, message: text } = message;
      // A whisper that was refused is not said again: who sent it is told, and decides.
      const outbox = id === undefined ? connection.outbox : connection.outbox.filter(({ message: said }) => said.type !== "whisper" || said.id !== id);
      return [{ ...connection, outbox }, [...heard, { type: "report", code, text, ...(id === undefined ? {} : { about: id }) }]];
    }
    default:
      return [
        { ...connection, offset: message.offset ?? connection.offset },
        [...heard, { type: "deliver", message }],
      ];
  }
}

function live(connection: Connection): Step {
  // Not yet noted: said again. The service keys feedback by advice, so twice is the same as once.
  const outbox = connection.outbox
    .filter((one) => one.tries < MOST_TRIES)
    .map((one) => ({ ...one, tries: one.tries + 1 }));
  const given = connection.outbox.filter((one) => one.tries >= MOST_TRIES);
  return [
    { ...connection, phase: "live", trouble: "none", attempts: 0, refusals: 0, wasLive: true, degraded: false, outbox },
    [
      { type: "cancel", name: "greeting" },
      { type: "schedule", name: "ping", ms: PING_EVERY_MS },
      ...lost(given),
      ...outbox.map((one): Effect => ({ type: "send", message: one.message })),
    ],
  ];
}

function closed(connection: Connection, code: number, random: number): Step {
  if (connection.phase === "idle" || connection.phase === "waiting" || connection.phase === "refused") {
    return [connection, []];
  }
  if (code === NOT_ALLOWED) {
    // Feedback may wait for another token; a whisper that comes an hour later is worse than none.
    const whispers = connection.outbox.filter(({ message }) => message.type === "whisper");
    const outbox = connection.outbox.filter((one) => !whispers.includes(one));
    return [{ ...connection, phase: "refused", trouble: "forbidden", outbox }, [...cancelAll, ...lost(whispers)]];
  }
  if (code === NOT_AUTHENTICATED) {
    // The first time it is most likely an expired token: ask for a fresh one at once, then slow down.
    if (connection.trouble !== "unauthorized") {
      const [next, effects] = dial({ ...connection, trouble: "unauthorized" }, true);
      return [next, [...cancelAll, ...effects]];
    }
    return wait(connection, "unauthorized", random);
  }
  const [next, effects] = wait(connection, connection.trouble === "origin" ? "origin" : "network", random);
  // Refused before it opened: a page cannot see why, so ask the service over plain HTTP whether it lives.
  return connection.phase === "opening" ? [next, [...effects, { type: "probe" }]] : [{ ...next, refusals: 0 }, effects];
}

function probed(connection: Connection, reachable: boolean): Step {
  const refusals = reachable ? connection.refusals + 1 : 0;
  if (connection.phase !== "waiting") return [{ ...connection, refusals }, []];
  // Twice in a row, because a service that is just starting answers HTTP a moment before the retry.
  const trouble = refusals >= 2 ? "origin" : connection.trouble === "origin" && !reachable ? "network" : connection.trouble;
  return [{ ...connection, refusals, trouble }, []];
}

function timer(connection: Connection, name: TimerName, random: number): Step {
  switch (name) {
    case "retry":
      return connection.phase === "waiting" ? dial(connection, connection.trouble === "unauthorized") : [connection, []];
    case "ping":
      if (connection.phase !== "live") return [connection, []];
      return [
        connection,
        [
          { type: "send", message: { type: "ping" } },
          { type: "schedule", name: "silence", ms: SILENCE_MS },
          { type: "schedule", name: "ping", ms: PING_EVERY_MS },
        ],
      ];
    case "silence":
      return connection.phase === "live" ? hangUp(connection, random) : [connection, []];
    case "greeting":
      return connection.phase === "opening" || connection.phase === "greeting"
        ? hangUp(connection, random)
        : [connection, []];
  }
}

/** The line is dead although the browser has not noticed. */
function hangUp(connection: Connection, random: number): Step {
  const [next, effects] = wait(connection, "network", random);
  return [next, [{ type: "close" }, ...effects]];
}

function say(connection: Connection, message: SaidMessage): Step {
  const sending = connection.phase === "live";
  const waiting = [...connection.outbox, { message, tries: sending ? 1 : 0 }];
  const given = waiting.slice(0, -MOST_WAITING);
  return [{ ...connection, outbox: waiting.slice(-MOST_WAITING) }, [...lost(given), ...(sending ? [{ type: "send", message } as const] : [])]];
}

/** Given up: nobody knows whether the service ever got it. */
function lost(given: readonly Outgoing[]): readonly Effect[] {
  return given.map(({ message }) => ({
    type: "report",
    code: "lost",
    text: `服务没有确认收到（${message.type}），已放弃`,
    ...("id" in message ? { about: message.id } : {}),
  }));
}

/** The service answers in order, so what was said before the noted message has been handled too. */
function settle(outbox: readonly Outgoing[], noted: Noted): readonly Outgoing[] {
  const at = outbox.findIndex(({ message }) => isAbout(message, noted));
  return at < 0 ? outbox : outbox.slice(at + 1);
}

function isAbout(message: SaidMessage, noted: Noted): boolean {
  switch (message.type) {
    case "snooze":
    case "snooze.undo":
      return message.rule === noted.rule;
    case "whisper":
    case "whisper.read":
      return message.id === noted.id && message.call_id === noted.call_id;
    default:
      return message.advice_id === noted.advice_id;
  }
}
