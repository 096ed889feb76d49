// What stands beside the card: the greeting's countdown, one passing hint, the promises of this call.
// Pure; all of it is quieter than a card and none of it ever takes a card's place.

import { elapsed, type Call, type Happening } from "./call";
import type { MustSayPart } from "./wire";

/** The greeting while it is open, or just done. */
export interface GreetingView {
  readonly parts: readonly MustSayPart[];
  /** ms until it is due; null while the agent has not begun. */
  readonly leftMs: number | null;
  /** The part of its time that is left, 0 to 1. */
  readonly share: number;
}

export interface Commitment {
  readonly id: string;
  readonly what: string;
  /** The time in the agent's words; "" when he said none. */
  readonly when: string;
  readonly vague: boolean;
  readonly due: boolean;
  /** When it is due, epoch ms; null when that cannot be known. */
  readonly dueAt: number | null;
}

// Design values, to be tuned with agents: long enough to read two lines, short enough not to pile up.
const HINT_MS = 8_000;
const SAFETY_MS = 30_000;
const DONE_MS = 2_500;
const GREETING_MS = 8_000;
// What is told by the strip and its chips, or by a tick on the card, is no hint besides.
const SILENT_KINDS: ReadonlySet<string> = new Set(["customer-complaint", "adoption"]);

/** The greeting's parts, while there is still something to say or to be pleased about. */
export function greetingOf(call: Call, now: number): GreetingView | null {
  const parts = call.mustSay.filter(({ phase }) => phase === "greeting");
  if (parts.length === 0 || call.endedAtMs !== null) return null;
  if (parts.some(({ missed }) => missed)) return null;
  if (parts.every(({ said }) => said) && now - call.mustSayAt >= DONE_MS) return null;
  const due = parts[0]?.due_ms ?? null;
  const leftMs = due === null ? null : Math.max(0, due - elapsed(call, now));
  return { parts, leftMs, share: leftMs === null ? 1 : Math.min(1, leftMs / GREETING_MS) };
}

/** What to hint at now: the newest of the last seconds, but a danger to life before all else. */
export function hintOf(call: Call, now: number): Happening | null {
  const newest = [...call.happenings].sort((one, other) => other.receivedAt - one.receivedAt);
  return (
    newest.find(({ moment, receivedAt }) => isSafety(moment.details) && now - receivedAt < SAFETY_MS) ??
    newest.find(({ moment, receivedAt }) => !isSilent(moment) && now - receivedAt < HINT_MS) ??
    null
  );
}

/** Whether the customer speaks of harming himself. */
export function isSafety(details: Readonly<Record<string, unknown>>): boolean {
  return details["safety"] === true;
}

/** The promises of this call: the vague and the due first, otherwise in the order of their time. */
export function promisesOf(call: Call): readonly Commitment[] {
  return call.happenings
    .filter(({ moment }) => moment.kind === "commitment")
    .map(({ moment: { id, details, due } }): Commitment => {
      const dueMs = details["due_ms"];
      return {
        id,
        what: String(details["what"] ?? ""),
        when: String(details["when"] ?? ""),
        vague: details["vague"] === true,
        due: due === true,
        dueAt: typeof dueMs === "number" && call.startedAt !== null ? call.startedAt + dueMs : null,
      };
    })
    .sort((one, other) => urgency(one) - urgency(other));
}

/** What a rule pack wants to be said in this call and was not yet. */
export function openMustSays(call: Call): readonly MustSayPart[] {
  return call.mustSay.filter(({ phase, said }) => phase === "call" && !said);
}

function isSilent({ kind, details, due }: Happening["moment"]): boolean {
  if (kind === "commitment") return details["vague"] !== true && due !== true;
  return SILENT_KINDS.has(kind);
}

function urgency({ vague, due, dueAt }: Commitment): number {
  if (due || vague) return 0;
  return dueAt ?? Number.MAX_SAFE_INTEGER;
}
