// What the panel knows about the running call: a pure function (state, message) -> state.
// Everything is keyed by id, so a message that comes twice changes nothing.

import type {
  AdviceMessage,
  BlindReason,
  CallMessage,
  CallSnapshot,
  MomentMessage,
  MustSayPart,
  Outcome,
  StageMessage,
  TranscriptMessage,
  Verdict,
  WhisperNote,
} from "./wire";

export interface Card {
  readonly advice: AdviceMessage;
  /** When it came here, epoch ms of this machine: cards age by this clock, not by the call's. */
  readonly receivedAt: number;
  readonly outcome: Outcome | null;
  readonly resolvedAt: number | null;
  readonly verdict: Verdict | null;
  /** Phrases the agent copied. */
  readonly copied: readonly string[];
  readonly dismissed: boolean;
  /** Has been in focus at least once. */
  readonly seen: boolean;
}

/** Something that happened, and when it came here (epoch ms of this machine). */
export interface Happening {
  readonly moment: MomentMessage;
  readonly receivedAt: number;
}

/** A word from the supervisor that was not acknowledged, and when it came here (epoch ms of this machine). */
export interface Whisper {
  readonly note: WhisperNote;
  readonly receivedAt: number;
}

export interface Call {
  readonly id: string | null;
  /** Epoch ms of this machine; null before the first call. */
  readonly startedAt: number | null;
  /** Length of the ended call; null while it goes on. */
  readonly endedAtMs: number | null;
  /** When it ended, epoch ms of this machine. */
  readonly endedAt: number | null;
  /** Who ended it: its producer, or the service after a long silence. */
  readonly endedBy: "ended" | "timeout" | null;
  /** In the order they were begun. */
  readonly utterances: readonly TranscriptMessage[];
  readonly cards: readonly Card[];
  readonly snoozed: readonly string[];
  readonly blind: readonly { reason: BlindReason; since_ms: number }[];
  readonly happenings: readonly Happening[];
  /** Oldest first. */
  readonly whispers: readonly Whisper[];
  /** Whispers that were acknowledged here: what comes again stays away. */
  readonly heeded: readonly string[];
  readonly stage: StageMessage | null;
  readonly mustSay: readonly MustSayPart[];
  /** When `mustSay` last changed, epoch ms of this machine. */
  readonly mustSayAt: number;
}

/** What the agent did in the panel; told to the service as well, but shown at once. */
export type Act =
  | { type: "act.dismiss"; id: string }
  | { type: "act.reopen"; id: string }
  | { type: "act.feedback"; id: string; verdict: Verdict }
  | { type: "act.copied"; id: string; phrase: string }
  | { type: "act.feedback.undo"; id: string }
  | { type: "act.snooze"; rule: string }
  | { type: "act.snooze.undo"; id: string; rule: string }
  | { type: "act.seen"; id: string }
  | { type: "act.heed"; id: string };

// Half an hour of quick talk. Older turns leave the panel, not the store.
const MOST_UTTERANCES = 400;
const WHISPER_MS = 60_000;
// One that waited for a reload is shown so long at least, whatever the two clocks say.
const WHISPER_LEFT_MS = 30_000;

export const noCall: Call = {
  id: null,
  startedAt: null,
  endedAtMs: null,
  endedAt: null,
  endedBy: null,
  utterances: [],
  cards: [],
  snoozed: [],
  blind: [],
  happenings: [],
  whispers: [],
  heeded: [],
  stage: null,
  mustSay: [],
  mustSayAt: 0,
};

/** The next state; `now` is epoch ms. A message of another call changes nothing. */
export function reduce(call: Call, message: CallMessage | Act, now: number): Call {
  switch (message.type) {
    case "snapshot":
      return message.call ? restore(call, message.call, now) : call.id !== null && call.endedAtMs !== null ? call : noCall;
    case "call.started":
      return message.call_id === call.id
        ? call
        : { ...noCall, id: message.call_id, startedAt: now };
    case "transcript":
      return ours(call, message.call_id) ? { ...call, utterances: hear(call.utterances, message) } : call;
    case "advice":
      return ours(call, message.call_id) ? { ...call, cards: put(call.cards, message, now) } : call;
    case "advice.withdrawn":
      return { ...call, cards: call.cards.filter((card) => card.advice.id !== message.id) };
    case "advice.resolved":
      return change(call, message.id, (card) =>
        card.outcome === message.outcome ? card : { ...card, outcome: message.outcome, resolvedAt: now },
      );
    case "blind":
      return ours(call, message.call_id)
        ? { ...call, blind: blindness(call.blind, message.reason, message.active ? message.since_ms : null) }
        : call;
    case "moment":
      return ours(call, message.call_id) ? { ...call, happenings: happen(call.happenings, message, now) } : call;
    case "stage":
      return ours(call, message.call_id) ? { ...call, stage: message } : call;
    case "must_say":
      return ours(call, message.call_id) ? { ...call, mustSay: message.parts, mustSayAt: now } : call;
    case "call.ended":
      return ours(call, message.call_id) ? { ...call, endedAtMs: message.at_ms, endedAt: now, endedBy: message.reason ?? "ended", blind: [] } : call;
    case "whisper":
      return ours(call, message.call_id) ? whisper(call, message, now) : call;
    case "act.heed":
      return {
        ...call,
        whispers: call.whispers.filter(({ note }) => note.id !== message.id),
        heeded: [...call.heeded, message.id],
      };
    case "act.dismiss":
      return change(call, message.id, (card) => ({ ...card, dismissed: true }));
    case "act.reopen":
      return change(call, message.id, (card) => ({ ...card, dismissed: false, receivedAt: now }));
    case "act.feedback":
      return change(call, message.id, (card) => ({
        ...card,
        verdict: message.verdict,
        // A false alarm needs no second click to go away.
        dismissed: card.dismissed || message.verdict === "false-alarm",
      }));
    case "act.copied":
      return change(call, message.id, (card) =>
        card.copied.includes(message.phrase) ? card : { ...card, copied: [...card.copied, message.phrase] },
      );
    case "act.snooze":
      return call.snoozed.includes(message.rule) ? call : { ...call, snoozed: [...call.snoozed, message.rule] };
    case "act.feedback.undo":
      return change(call, message.id, (card) => ({ ...card, verdict: null, dismissed: false, receivedAt: now }));
    case "act.snooze.undo":
      return change({ ...call, snoozed: call.snoozed.filter((rule) => rule !== message.rule) }, message.id, (card) => ({
        ...card,
        receivedAt: now,
      }));
    case "act.seen":
      return change(call, message.id, (card) => (card.seen ? card : { ...card, seen: true }));
    default:
      // A message of a newer service: not understood, not harmful.
      return call;
  }
}

/** Whether the card still asks for attention. */
export function isOpen(call: Call, card: Card): boolean {
  return !card.dismissed && card.outcome === null && !call.snoozed.includes(card.advice.rule);
}

/** The supervisor's word that is shown: the newest that is not too old; null when the call is over. */
export function whisperOf(call: Call, now: number): Whisper | null {
  if (call.endedAtMs !== null) return null;
  return call.whispers.filter(({ receivedAt }) => now - receivedAt < WHISPER_MS).at(-1) ?? null;
}

/** How long the call has lasted, in ms; never less than what was already said in it. */
export function elapsed(call: Call, now: number): number {
  if (call.startedAt === null) return 0;
  if (call.endedAtMs !== null) return call.endedAtMs;
  const last = call.utterances.at(-1);
  return Math.max(now - call.startedAt, last?.end_ms ?? 0, 0);
}

/** How many cards were adopted or made up for. */
export function takenUp(call: Call): number {
  return call.cards.filter(({ outcome }) => outcome === "adopted" || outcome === "repaired").length;
}

/** Every turn's plain text, for a reader that wants no marks. */
export function textOf(message: TranscriptMessage): string {
  return message.segments.map((segment) => segment.text).join("");
}

function whisper(call: Call, note: WhisperNote, receivedAt: number): Call {
  if (call.heeded.includes(note.id) || call.whispers.some((one) => one.note.id === note.id)) return call;
  return { ...call, whispers: [...call.whispers, { note, receivedAt }] };
}

function ours(call: Call, callId: string): boolean {
  return call.id === callId && call.endedAtMs === null;
}

function restore(before: Call, snapshot: CallSnapshot, now: number): Call {
  const same = before.id === snapshot.call_id;
  const known = new Map(same ? before.cards.map((card) => [card.advice.id, card] as const) : []);
  const started = Date.parse(snapshot.started_at);
  let call: Call = {
    ...noCall,
    id: snapshot.call_id,
    // The service's clock may run ahead of this machine's; a call never starts in the future.
    startedAt: same && before.startedAt !== null ? before.startedAt : Math.min(now, Number.isNaN(started) ? now : started),
    utterances: snapshot.transcript.reduce<readonly TranscriptMessage[]>(hear, []),
    snoozed: same ? [...new Set([...snapshot.snoozed, ...before.snoozed])] : snapshot.snoozed,
    blind: snapshot.blind.map((one) => (typeof one === "string" ? { reason: one, since_ms: 0 } : one)),
    stage: snapshot.stage ?? null,
    mustSay: snapshot.must_say?.parts ?? [],
    mustSayAt: now,
  };
  // After a reload a card is as old as the talk that followed it, so the panel does not open with stale advice.
  const heardUntil = Math.max(0, ...snapshot.transcript.map((one) => one.end_ms));
  const happened = new Map(same ? before.happenings.map((one) => [one.moment.id, one.receivedAt] as const) : []);
  const happenings = (snapshot.moments ?? []).map((moment) => ({
    moment,
    receivedAt: happened.get(moment.id) ?? now - Math.max(0, heardUntil - moment.at_ms),
  }));
  const cards = snapshot.advice.map((advice): Card => {
    const card = known.get(advice.id);
    return card ? { ...card, advice } : fresh(advice, now - Math.max(0, heardUntil - advice.at_ms));
  });
  // Closed cards the service no longer lists stay reachable from their mark.
  const listed = new Set(snapshot.advice.map((advice) => advice.id));
  const resolved = new Map(snapshot.resolved.map((one) => [one.id, one.outcome] as const));
  for (const card of known.values()) {
    if (!listed.has(card.advice.id) && (resolved.has(card.advice.id) || card.dismissed)) cards.push(card);
  }
  call = { ...call, cards, happenings, heeded: same ? before.heeded : [], whispers: same ? before.whispers : [] };
  for (const note of snapshot.whispers ?? []) {
    const age = Math.max(0, now - Date.parse(note.at));
    call = whisper(call, note, now - Math.min(age || 0, WHISPER_MS - WHISPER_LEFT_MS));
  }
  for (const [id, outcome] of resolved) {
    call = change(call, id, (card) =>
      card.outcome === outcome ? card : { ...card, outcome, resolvedAt: now },
    );
  }
  return call;
}

function hear(utterances: readonly TranscriptMessage[], message: TranscriptMessage): readonly TranscriptMessage[] {
  const at = utterances.findIndex((one) => one.utterance_id === message.utterance_id);
  if (at >= 0) {
    const known = utterances[at];
    // Marks may change without a new revision, so an equal one is taken, an older one is not.
    if (known && message.revision < known.revision) return utterances;
    return replace(utterances, at, message);
  }
  return [...utterances, message].slice(-MOST_UTTERANCES);
}

function replace<T>(list: readonly T[], at: number, item: T): readonly T[] {
  const copy = list.slice();
  copy[at] = item;
  return copy;
}

function put(cards: readonly Card[], advice: AdviceMessage, now: number): readonly Card[] {
  const at = cards.findIndex((card) => card.advice.id === advice.id);
  const known = cards[at];
  return known ? replace(cards, at, { ...known, advice }) : [...cards, fresh(advice, now)];
}

function happen(happenings: readonly Happening[], moment: MomentMessage, now: number): readonly Happening[] {
  const at = happenings.findIndex((one) => one.moment.id === moment.id);
  const known = happenings[at];
  if (!known) return [...happenings, { moment, receivedAt: now }];
  // Told again because it is due now: that is news; the same once more is not.
  const isNews = moment.due === true && known.moment.due !== true;
  return replace(happenings, at, { moment, receivedAt: isNews ? now : known.receivedAt });
}

function fresh(advice: AdviceMessage, now: number): Card {
  return {
    advice,
    receivedAt: now,
    outcome: null,
    resolvedAt: null,
    verdict: null,
    copied: [],
    dismissed: false,
    seen: false,
  };
}

function change(call: Call, id: string, update: (card: Card) => Card): Call {
  const at = call.cards.findIndex((card) => card.advice.id === id);
  const card = call.cards[at];
  if (!card) return call;
  const next = update(card);
  return next === card ? call : { ...call, cards: replace(call.cards, at, next) };
}

function blindness(blind: Call["blind"], reason: BlindReason, sinceMs: number | null): Call["blind"] {
  const others = blind.filter((one) => one.reason !== reason);
  return sinceMs === null ? others : [...others, { reason, since_ms: sinceMs }];
}
