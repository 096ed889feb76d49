// What the wallboard knows of a team: a pure function (state, message, now) -> state, and the order of its rows.

import type { AlertMessage, RatesMessage, TeamCallMessage, TeamMessage } from "./team-wire";

export interface TeamCall {
  readonly message: TeamCallMessage;
  /** When it was told last, epoch ms of this machine. */
  readonly toldAt: number;
  /** When it was over, epoch ms of this machine: its row stays until the rows are sorted again. Null while it runs. */
  readonly endedAt: number | null;
}

export interface Team {
  readonly calls: ReadonlyMap<string, TeamCall>;
  /** By id, oldest first. */
  readonly alerts: ReadonlyMap<string, AlertMessage>;
  readonly rates: RatesMessage | null;
}

// Owners tell a call every 10 s; after three times not it is gone, or nobody sees it any more.
const GONE_AFTER_MS = 30_000;
const MOST_ALERTS = 200;
const SORT_EVERY_MS = 5_000;
const HOLD_MS = 10_000;
// However long a hand is on the rows: what is over must not stand there as if it went on.
const ENDED_STAYS_MS = 60_000;

export const noTeam: Team = { calls: new Map(), alerts: new Map(), rates: null };

/** The next state; a message that comes twice changes nothing. */
export function reduceTeam(team: Team, message: TeamMessage, now: number): Team {
  switch (message.type) {
    case "team.calls": {
      const joined = message.calls.reduce((state, call) => hear(state, call, now), team);
      return message.alerts.reduce(alarm, joined);
    }
    case "team.call":
      return hear(team, message, now);
    case "team.call_gone": {
      const known = team.calls.get(message.call_id);
      return known?.endedAt === null ? { ...team, calls: put(team.calls, message.call_id, { ...known, endedAt: now }) } : team;
    }
    case "alert":
      return alarm(team, message);
    case "alert.withdrawn": {
      if (!team.alerts.has(message.id)) return team;
      const alerts = new Map(team.alerts);
      alerts.delete(message.id);
      return { ...team, alerts };
    }
    case "rates":
      return { ...team, rates: message };
    default:
      // Of a watched call, of a whisper, or of a newer service.
      return team;
  }
}

/** Let go of calls that nobody tells of any more. */
export function forgetSilent(team: Team, now: number): Team {
  const silent = [...team.calls].filter(([, call]) => call.endedAt === null && now - call.toldAt >= GONE_AFTER_MS);
  if (silent.length === 0) return team;
  const calls = new Map(team.calls);
  for (const [id, call] of silent) calls.set(id, { ...call, endedAt: now });
  return { ...team, calls };
}

/** The rows from top to bottom, and when that was decided (epoch ms). */
export interface Order {
  readonly ids: readonly string[];
  readonly sortedAt: number;
}

export const noOrder: Order = { ids: [], sortedAt: Number.NEGATIVE_INFINITY };

/**
 * Sort by risk at most every five seconds and never while a hand is on the rows: until then new calls come last and
 * ended ones keep their place for a minute, so that nothing jumps away under the pointer.
 */
export function reorder(order: Order, team: Team, now: number, held: boolean): { order: Order; team: Team } {
  if (held || now - order.sortedAt < SORT_EVERY_MS) {
    const kept = forgetEnded(team, now);
    const ids = kept === team ? order.ids : order.ids.filter((id) => kept.calls.has(id));
    const known = new Set(ids);
    const fresh = [...kept.calls.keys()].filter((id) => !known.has(id));
    return { order: fresh.length || kept !== team ? { ...order, ids: [...ids, ...fresh] } : order, team: kept };
  }
  const running = [...team.calls].filter(([, call]) => call.endedAt === null);
  running.sort(([, one], [, other]) => compare(one.message, other.message));
  return {
    order: { ids: running.map(([id]) => id), sortedAt: now },
    team: running.length === team.calls.size ? team : { ...team, calls: new Map(running) },
  };
}

/** Whether a hand that touched the rows at `touchedAt` (epoch ms) is still on them: a pointer left lying there is none. */
export function holds(touchedAt: number, now: number): boolean {
  return now - touchedAt < HOLD_MS;
}

export interface Filter {
  /** "" for all, else calls with at least one such card. */
  readonly severity: "" | "warning" | "violation";
  readonly escalated: boolean;
}

export function passes({ message }: TeamCall, filter: Filter): boolean {
  if (filter.escalated && !message.escalated) return false;
  if (filter.severity === "violation") return message.counts.violation > 0;
  return filter.severity === "" || message.counts.warning + message.counts.violation > 0;
}

/** Where the risk asks for a look and for a hand; the service says why (docs/protocol.md). */
export function level(score: number): "low" | "look" | "hand" {
  return score >= 60 ? "hand" : score >= 30 ? "look" : "low";
}

function forgetEnded(team: Team, now: number): Team {
  const over = [...team.calls].filter(([, { endedAt }]) => endedAt !== null && now - endedAt >= ENDED_STAYS_MS);
  if (over.length === 0) return team;
  const calls = new Map(team.calls);
  for (const [id] of over) calls.delete(id);
  return { ...team, calls };
}

function compare(one: TeamCallMessage, other: TeamCallMessage): number {
  return (
    other.risk.score - one.risk.score ||
    Number(other.escalated) - Number(one.escalated) ||
    byCode(one.started_at, other.started_at) ||
    byCode(one.call_id, other.call_id)
  );
}

/** Order by code units: of times in one notation it is the same as by locale, and a hundred times quicker. */
export function byCode(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function hear(team: Team, message: TeamCallMessage, now: number): Team {
  return { ...team, calls: put(team.calls, message.call_id, { message, toldAt: now, endedAt: null }) };
}

function alarm(team: Team, alert: AlertMessage): Team {
  const alerts = new Map(team.alerts);
  // Told again it is news: an alert that escalates comes to the top.
  if (alerts.get(alert.id)?.escalated !== alert.escalated) alerts.delete(alert.id);
  alerts.set(alert.id, alert);
  for (const id of alerts.keys()) {
    if (alerts.size <= MOST_ALERTS) break;
    alerts.delete(id);
  }
  return { ...team, alerts };
}

function put<Value>(map: ReadonlyMap<string, Value>, key: string, value: Value): ReadonlyMap<string, Value> {
  return new Map(map).set(key, value);
}
