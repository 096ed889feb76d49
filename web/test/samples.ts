// Messages for the tests, complete but for what a test is about.

import type {
  AdviceMessage,
  CallMessage,
  CallSnapshot,
  MomentMessage,
  MustSayMessage,
  MustSayPart,
  StageMessage,
  TranscriptMessage,
} from "../src/core/wire";

export const advice = (some: Partial<AdviceMessage> = {}): AdviceMessage => ({
  type: "advice",
  offset: "e-1",
  id: "a1",
  call_id: "c1",
  utterance_id: "u1",
  rule: "ignorance/bare",
  category: "ignorance",
  severity: "warning",
  title: "换个说法",
  quote: "我不知道",
  suggestions: [{ phrase: "ignorance/check", text: "我先帮您核实一下" }],
  why: "客户听到的是不想帮",
  by_sound: false,
  at_ms: 1000,
  ...some,
});

export const transcript = (some: Partial<TranscriptMessage> = {}): TranscriptMessage => ({
  type: "transcript",
  offset: "e-2",
  call_id: "c1",
  utterance_id: "u1",
  revision: 1,
  speaker: "agent",
  final: false,
  start_ms: 0,
  end_ms: 1000,
  segments: [{ text: "我不知道" }],
  ...some,
});

export const started = (callId = "c1"): CallMessage => ({
  type: "call.started",
  offset: "e-0",
  call_id: callId,
  started_at: "2026-01-01T08:00:00Z",
});

export const snapshot = (call: Partial<CallSnapshot> | null): CallMessage => ({
  type: "snapshot",
  offset: "f-1",
  agent_id: "a-17",
  call: call && {
    call_id: "c1",
    started_at: "2026-01-01T08:00:00Z",
    transcript: [],
    advice: [],
    resolved: [],
    snoozed: [],
    blind: [],
    ...call,
  },
});

export const moment = (some: Partial<MomentMessage> = {}): MomentMessage => ({
  type: "moment",
  offset: "e-5",
  call_id: "c1",
  id: "m1",
  kind: "long-silence",
  at_ms: 1000,
  turn: 0,
  utterance_id: "u1",
  details: {},
  ...some,
});

export const stage = (some: Partial<StageMessage> = {}): StageMessage => ({
  type: "stage",
  offset: "e-6",
  call_id: "c1",
  active: false,
  seen: [],
  stage: null,
  next: null,
  customer: { mood: "calm", signals: [], motive: null, intent: null },
  ...some,
});

export const mustSay = (parts: MustSayPart[]): MustSayMessage => ({ type: "must_say", offset: "e-7", call_id: "c1", parts });
