// Which one card is shown. An agent has half a second: one card at a time, in one place.
// Graver replaces lighter, never the reverse; among equals the newer moment wins once the older was read.

import { isOpen, type Call, type Card } from "./call";
import type { Severity } from "./wire";

export interface Focus {
  readonly id: string | null;
  /** Epoch ms when it took the place. */
  readonly since: number;
}

export interface FocusView {
  readonly card: Card | null;
  /** The call has gone on past it: shown, but quietly. */
  readonly aged: boolean;
  /** Said in time (adopted or repaired): the card is replaced by a tick for a moment. */
  readonly ticked: boolean;
  /** Open cards that wait behind it, gravest and newest first. */
  readonly queue: readonly Card[];
}

const RANK: Record<Severity, number> = { notice: 0, warning: 1, violation: 2 };
// Design values, to be tuned with agents: time to read and say a phrase, and time until it is out of place.
const DIM_AFTER_MS: Record<Severity, number> = { notice: 12_000, warning: 15_000, violation: 20_000 };
const READ_MS = 6_000;
const LEAVE_AFTER_MS: Record<Severity, number> = { notice: 30_000, warning: 45_000, violation: 90_000 };
const TICK_MS = 4_000;

export const noFocus: Focus = { id: null, since: 0 };

/** The focus after `now`; `held` is true while the pointer or the keyboard is on the card. */
export function refocus(call: Call, focus: Focus, now: number, held: boolean): Focus {
  // Nothing can be said any more; a card comes back only when the agent asks for it.
  if (call.endedAt !== null && focus.since <= call.endedAt) return noFocus;
  const current = call.cards.find((card) => card.advice.id === focus.id) ?? null;
  const waiting = queueOf(call, focus.id, now);
  if (current && isTicking(current, now) && !waiting.some((card) => card.advice.severity === "violation")) return focus;
  if (current && isOpen(call, current)) {
    const graver = waiting.find(
      (card) => RANK[card.advice.severity] > RANK[current.advice.severity] && card.receivedAt >= focus.since,
    );
    if (graver) return { id: graver.advice.id, since: now };
    const age = now - Math.max(focus.since, current.receivedAt);
    if (held || age < READ_MS) return focus;
    const newer = waiting.find((card) => !card.seen && card.advice.severity === current.advice.severity);
    if (newer) return { id: newer.advice.id, since: now };
    if (age < DIM_AFTER_MS[current.advice.severity]) return focus;
    const unseen = waiting.find((card) => !card.seen);
    if (unseen) return { id: unseen.advice.id, since: now };
    return age < LEAVE_AFTER_MS[current.advice.severity] ? focus : noFocus;
  }
  const next = waiting[0];
  return next ? { id: next.advice.id, since: now } : focus.id === null ? focus : noFocus;
}

/** What to show for a focus. */
export function look(call: Call, focus: Focus, now: number): FocusView {
  const card = call.cards.find((one) => one.advice.id === focus.id) ?? null;
  const ticked = card !== null && isTicking(card, now);
  return {
    card: card && (ticked || isOpen(call, card)) ? card : null,
    aged: card !== null && now - Math.max(focus.since, card.receivedAt) >= DIM_AFTER_MS[card.advice.severity],
    ticked,
    queue: queueOf(call, focus.id, now),
  };
}

/** The card the agent asked for: the next in the queue, or one whose mark was clicked. */
export function choose(id: string | undefined, focus: Focus, now: number): Focus {
  return id === undefined ? focus : { id, since: now };
}

function isTicking(card: Card, now: number): boolean {
  const said = card.outcome === "adopted" || card.outcome === "repaired";
  return said && !card.dismissed && card.resolvedAt !== null && now - card.resolvedAt < TICK_MS;
}

function queueOf(call: Call, focusId: string | null, now: number): readonly Card[] {
  if (call.endedAt !== null) return [];
  return call.cards
    .filter((card) => card.advice.id !== focusId && isOpen(call, card))
    .filter((card) => now - card.receivedAt < LEAVE_AFTER_MS[card.advice.severity])
    .sort(
      (one, other) =>
        RANK[other.advice.severity] - RANK[one.advice.severity] || other.receivedAt - one.receivedAt,
    );
}
