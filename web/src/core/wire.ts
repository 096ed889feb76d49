// The messages of docs/protocol.md, as the sidebar and the demo softphone see them.

import type { TeamMessage, WhisperMessage } from "./team-wire";

export type Severity = "notice" | "warning" | "violation";
export type Outcome = "adopted" | "repaired" | "repeated";
export type BlindReason = "no-transcript" | "unknown-speaker" | "rejected-frames";
export type Speaker = "agent" | "customer" | "unknown";
export type Verdict = "useful" | "false-alarm";

export interface Segment {
  text: string;
  severity?: Severity | null;
  advice_id?: string | null;
}

export interface TranscriptMessage {
  type: "transcript";
  offset?: string;
  call_id: string;
  utterance_id: string;
  revision: number;
  speaker: Speaker;
  final: boolean;
  start_ms: number;
  end_ms: number;
  segments: Segment[];
}

export interface Suggestion {
  phrase: string;
  text: string;
}

export interface AdviceMessage {
  type: "advice";
  offset?: string;
  id: string;
  call_id: string;
  utterance_id: string;
  rule: string;
  category: string;
  severity: Severity;
  title: string;
  quote: string;
  suggestions: Suggestion[];
  why: string;
  by_sound: boolean;
  at_ms: number;
}

export const STAGES = ["稳", "问", "动", "传", "换"] as const;
export type Stage = (typeof STAGES)[number];
export type Mood = "calm" | "upset" | "critical";
export type Signal = "customer-complaint" | "churn-risk" | "escalation-risk" | "urgency";
export type Motive = "venting" | "compensation" | "contribution" | "retaliation" | "help-seeking" | "explicit";

/** Something that happened in the call; the details of each kind are in docs/moments.md. */
export interface MomentMessage {
  type: "moment";
  offset?: string;
  call_id: string;
  id: string;
  kind: string;
  at_ms: number;
  turn: number;
  utterance_id: string;
  details: Readonly<Record<string, unknown>>;
  /** Of a commitment: its time has come. */
  due?: boolean;
}

export interface StageMessage {
  type: "stage";
  offset?: string;
  call_id: string;
  active: boolean;
  seen: Stage[];
  stage: Stage | null;
  next: Stage | null;
  customer: {
    mood: Mood;
    signals: Signal[];
    motive: Motive | null;
    intent: { motive: Motive; settled: boolean } | null;
  };
}

export interface MustSayPart {
  id: string;
  part: string;
  phase: "greeting" | "call";
  due_ms: number | null;
  said: boolean;
  missed: boolean;
  phrase: string;
}

export interface MustSayMessage {
  type: "must_say";
  offset?: string;
  call_id: string;
  parts: MustSayPart[];
}

/** A word from the supervisor; only the agent sees it. */
export interface WhisperNote {
  type: "whisper";
  offset?: string;
  call_id: string;
  id: string;
  text: string;
  sender: string;
  at: string;
}

export interface BlindState {
  reason: BlindReason;
  since_ms: number;
}

export interface CallSnapshot {
  call_id: string;
  started_at: string;
  transcript: TranscriptMessage[];
  advice: AdviceMessage[];
  resolved: { id: string; outcome: Outcome }[];
  snoozed: string[];
  blind: (BlindState | BlindReason)[];
  moments?: MomentMessage[];
  stage?: StageMessage;
  must_say?: MustSayMessage;
  whispers?: WhisperNote[];
}

export type CallMessage =
  | { type: "snapshot"; offset: string; agent_id: string; call: CallSnapshot | null }
  | { type: "call.started"; offset: string; call_id: string; started_at: string }
  | TranscriptMessage
  | AdviceMessage
  | MomentMessage
  | StageMessage
  | MustSayMessage
  | WhisperNote
  | { type: "advice.withdrawn"; offset: string; call_id: string; id: string }
  | { type: "advice.resolved"; offset: string; call_id: string; id: string; outcome: Outcome }
  | { type: "blind"; offset: string; call_id: string; reason: BlindReason; active: boolean; since_ms: number }
  | { type: "call.ended"; offset: string; call_id: string; at_ms: number; reason?: "ended" | "timeout" };

export type ServerMessage =
  | CallMessage
  | TeamMessage
  | { type: "ready"; role: "agent" | "producer" | "supervisor" }
  | { type: "degraded"; active: boolean; reason: "bus" }
  | { type: "pong" }
  | { type: "noted"; advice_id?: string; rule?: string; call_id?: string; id?: string }
  | { type: "error"; code: string; message: string; field?: string; call_id?: string | null; id?: string };

/** What the agent tells the service; each is kept until the service has noted it. */
export type AgentMessage =
  | { type: "feedback"; advice_id: string; verdict: Verdict }
  | { type: "feedback.undo"; advice_id: string }
  | { type: "snooze"; call_id: string; rule: string }
  | { type: "snooze.undo"; call_id: string; rule: string }
  | { type: "used"; advice_id: string; phrase: string }
  | { type: "dismiss"; advice_id: string }
  | { type: "whisper.read"; call_id: string; id: string };

/** What somebody says over a line and what is kept until the service has noted it. */
export type SaidMessage = AgentMessage | WhisperMessage;

export const SUBPROTOCOL = "coach.v1";
export const NOT_AUTHENTICATED = 4401;
export const NOT_ALLOWED = 4403;

/** Read one frame; anything that is not an object with a `type` gives null. */
export function parseFrame(frame: unknown): ServerMessage | null {
  if (typeof frame !== "string") return null;
  try {
    const message: unknown = JSON.parse(frame);
    if (typeof message === "object" && message !== null && typeof (message as { type?: unknown }).type === "string") {
      return message as ServerMessage;
    }
  } catch {
    // Not JSON: treated like any other frame we do not understand.
  }
  return null;
}
