// The messages of a team's stream (docs/protocol.md, section 8). Each carries the whole state of what it is about.

import type { BlindReason, CallMessage, Mood, Outcome, Severity, Stage } from "./wire";

export interface RiskReason {
  code: string;
  points: number;
  count: number;
  words: string;
}

export interface TeamCallMessage {
  type: "team.call";
  offset?: string;
  call_id: string;
  agent_id: string;
  agent_name: string;
  started_at: string;
  stage: Stage | null;
  next: Stage | null;
  mood: Mood;
  risk: { score: number; reasons: RiskReason[] };
  counts: Record<Severity, number>;
  unheeded: number;
  last_card: {
    id: string;
    rule: string;
    severity: Severity;
    title: string;
    quote: string;
    at_ms: number;
    outcome: Outcome | null;
  } | null;
  blind: BlindReason[];
  escalated: boolean;
}

export interface AlertMessage {
  type: "alert";
  offset?: string;
  id: string;
  call_id: string;
  agent_id: string;
  agent_name: string;
  severity: Exclude<Severity, "notice">;
  rule: string;
  title: string;
  quote: string;
  at: string;
  at_ms: number;
  escalated: boolean;
}

export interface RatesMessage {
  type: "rates";
  offset?: undefined;
  team: string;
  since: string;
  calls: number;
  agent_utterances: number;
  alerts: number;
  alerts_per_100: number | null;
  cards: number;
  adopted: number;
  adoption: number | null;
  false_alarms: number;
}

export type TeamMessage =
  | { type: "team.calls"; offset?: string; team: string; calls: TeamCallMessage[]; alerts: AlertMessage[] }
  | TeamCallMessage
  | { type: "team.call_gone"; offset?: string; call_id: string; reason: "ended" | "timeout" }
  | AlertMessage
  | { type: "alert.withdrawn"; offset?: string; call_id: string; id: string }
  | { type: "whisper.read"; offset?: string; call_id: string; id: string; at: string }
  | RatesMessage
  | { type: "watched"; offset?: undefined; call_id: string; event: CallMessage };

/** What a supervisor tells the service and what is kept until it was noted. */
export interface WhisperMessage {
  type: "whisper";
  call_id: string;
  id: string;
  text: string;
}

/** What is asked anew after each reconnection, and so never kept. */
export type WatchMessage = { type: "watch"; call_id: string } | { type: "unwatch"; call_id: string };

export const MAX_WHISPER = 60;
