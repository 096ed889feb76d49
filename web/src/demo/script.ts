// A sample call as a recogniser would send it: words that grow, words taken back, then the final text.

import type { Speaker } from "../core/wire";

export interface Turn {
  speaker: Exclude<Speaker, "unknown">;
  start_ms: number;
  end_ms: number;
  text: string;
  /** What the recogniser believed on the way, when it is more interesting than a plain prefix. */
  partials?: string[];
}

export interface SampleCall {
  id: string;
  title: string;
  industry: string;
  summary: string;
  slots?: Record<string, string>;
  turns: Turn[];
}

export interface CallListing {
  id: string;
  title: string;
  industry: string;
  summary: string;
  duration_ms?: number;
}

/** One recogniser result at a moment of the call. */
export interface Result {
  at_ms: number;
  utterance_id: string;
  revision: number;
  speaker: Speaker;
  text: string;
  final: boolean;
  start_ms: number;
  end_ms: number;
}

// What streaming recognisers do: a result about every 180 ms, two or three characters longer each time.
const EVERY_MS = 180;
const STEP_CHARACTERS = 2.5;

/** Every result of the call, in the order it is sent. */
export function results(call: Pick<SampleCall, "turns">): Result[] {
  return call.turns
    .flatMap((turn, at) => turnResults(turn, `u${at + 1}`))
    .sort((one, other) => one.at_ms - other.at_ms);
}

function turnResults(turn: Turn, utteranceId: string): Result[] {
  const texts = turn.partials ?? prefixes(turn.text, turn.end_ms - turn.start_ms);
  const spacing = (turn.end_ms - turn.start_ms) / (texts.length + 1);
  const common = { utterance_id: utteranceId, speaker: turn.speaker, start_ms: turn.start_ms };
  const growing = texts.map((text, at): Result => {
    const at_ms = Math.round(turn.start_ms + spacing * (at + 1));
    return { ...common, at_ms, revision: at + 1, text, final: false, end_ms: at_ms };
  });
  return [
    ...growing,
    { ...common, at_ms: turn.end_ms, revision: texts.length + 1, text: turn.text, final: true, end_ms: turn.end_ms },
  ];
}

/** Growing beginnings of `text`; whole characters, so a surrogate pair is never cut. */
export function prefixes(text: string, durationMs: number): string[] {
  const characters = [...text];
  const wanted = Math.ceil(characters.length / STEP_CHARACTERS) - 1;
  const count = Math.max(0, Math.min(wanted, Math.floor(durationMs / EVERY_MS) - 1));
  return Array.from({ length: count }, (_, at) =>
    characters.slice(0, Math.round((characters.length * (at + 1)) / (count + 1))).join(""),
  );
}
