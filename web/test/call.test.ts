import { describe, expect, it } from "vitest";
import { elapsed, isOpen, noCall, reduce, textOf, whisperOf, type Act, type Call } from "../src/core/call";
import type { CallMessage } from "../src/core/wire";
import { advice, snapshot, started, transcript } from "./samples";

const NOW = 1_000_000;

function play(...messages: (CallMessage | Act)[]): Call {
  return messages.reduce((call, message) => reduce(call, message, NOW), noCall);
}

describe("a call", () => {
  it("is the same after any message comes twice", () => {
    const messages: CallMessage[] = [
      started(),
      transcript(),
      advice(),
      { type: "blind", offset: "e-3", call_id: "c1", reason: "no-transcript", active: true, since_ms: 1 },
      { type: "advice.resolved", offset: "e-4", call_id: "c1", id: "a1", outcome: "adopted" },
    ];
    const once = play(...messages);
    const twice = play(...messages.flatMap((message) => [message, message]));
    expect(twice).toEqual(once);
  });

  it("replaces an utterance by its later revision and keeps its place", () => {
    const call = play(
      started(),
      transcript(),
      transcript({ utterance_id: "u2", speaker: "customer", segments: [{ text: "喂" }] }),
      transcript({ revision: 2, segments: [{ text: "我不知道您方便吗" }] }),
    );
    expect(call.utterances.map(textOf)).toEqual(["我不知道您方便吗", "喂"]);
  });

  it("does not go back to an earlier revision", () => {
    const call = play(started(), transcript({ revision: 3, segments: [{ text: "新" }] }), transcript({ revision: 2 }));
    expect(call.utterances.map(textOf)).toEqual(["新"]);
  });

  it("drops a withdrawn card and takes it again when the words come back", () => {
    const gone = play(started(), advice(), { type: "advice.withdrawn", offset: "e-3", call_id: "c1", id: "a1" });
    expect(gone.cards).toEqual([]);
    expect(reduce(gone, advice(), NOW).cards).toHaveLength(1);
  });

  it("ignores messages of another call", () => {
    expect(play(started("c2"), advice(), transcript())).toEqual(play(started("c2")));
  });

  it("starts clean with the next call", () => {
    const call = play(started(), advice(), { type: "act.snooze", rule: "ignorance/bare" }, started("c2"));
    expect([call.cards, call.snoozed]).toEqual([[], []]);
  });

  it("keeps a card dismissed through a snapshot", () => {
    const call = play(started(), advice(), { type: "act.dismiss", id: "a1" }, snapshot({ advice: [advice()] }));
    expect(call.cards.map((card) => card.dismissed)).toEqual([true]);
  });

  it("takes outcomes and snoozed rules from a snapshot", () => {
    const call = play(
      snapshot({
        advice: [advice(), advice({ id: "a2", rule: "hedging/maybe" })],
        resolved: [{ id: "a1", outcome: "repaired" }],
        snoozed: ["hedging/maybe"],
      }),
    );
    expect(call.cards.map((card) => isOpen(call, card))).toEqual([false, false]);
  });

  it("lets a card of a snapshot be as old as the talk that followed it", () => {
    const call = play(
      snapshot({ transcript: [transcript({ end_ms: 61_000 })], advice: [advice({ at_ms: 1_000 })] }),
    );
    expect(NOW - (call.cards[0]?.receivedAt ?? 0)).toBe(60_000);
  });

  it("is over when a snapshot no longer has it", () => {
    expect(play(started(), advice(), snapshot(null))).toEqual(noCall);
  });

  it("keeps an ended call on the screen when the snapshot has none", () => {
    const call = play(started(), { type: "call.ended", offset: "e-9", call_id: "c1", at_ms: 60_000 }, snapshot(null));
    expect(elapsed(call, NOW + 999_999)).toBe(60_000);
  });

  it("never starts in the future, whatever the service's clock says", () => {
    expect(play(snapshot({ started_at: "2999-01-01T00:00:00Z" })).startedAt).toBe(NOW);
  });

  it("closes a card that was called a false alarm", () => {
    const call = play(started(), advice(), { type: "act.feedback", id: "a1", verdict: "false-alarm" });
    expect(call.cards.map((card) => [card.verdict, card.dismissed])).toEqual([["false-alarm", true]]);
  });

  it("ends a blind spot by the message that says so", () => {
    const blind = (active: boolean): CallMessage => ({
      type: "blind", offset: "e-3", call_id: "c1", reason: "unknown-speaker", active, since_ms: 1,
    });
    expect(play(started(), blind(true)).blind).toHaveLength(1);
    expect(play(started(), blind(true), blind(false)).blind).toEqual([]);
  });

  it("is unchanged by a message of a newer service", () => {
    const call = play(started());
    expect(reduce(call, { type: "call.weather" } as unknown as CallMessage, NOW)).toBe(call);
  });
});

describe("whispers", () => {
  const whisper = (id: string, at = "2026-01-01T08:00:00Z") => ({ type: "whisper", call_id: "c1", id, text: "先致歉", sender: "b-3", at }) as const;
  const begun = () => reduce(noCall, { type: "call.started", offset: "e-1", call_id: "c1", started_at: "2026-01-01T08:00:00Z" }, 0);

  it("show the newest, for a minute", () => {
    const call = reduce(reduce(begun(), whisper("w1"), 0), whisper("w2"), 30_000);
    expect(whisperOf(call, 31_000)?.note.id).toBe("w2");
    expect(whisperOf(call, 89_999)?.note.id).toBe("w2");
    expect(whisperOf(call, 90_000)).toBeNull();
  });

  it("stay away once acknowledged, also when they come again", () => {
    const heeded = reduce(reduce(begun(), whisper("w1"), 0), { type: "act.heed", id: "w1" }, 1);
    expect(whisperOf(reduce(heeded, whisper("w1"), 2), 2)).toBeNull();
  });

  it("come with a snapshot and are shown half a minute at least", () => {
    const now = Date.parse("2026-01-01T09:00:00Z");
    const snapshot = { call_id: "c1", started_at: "2026-01-01T08:00:00Z", transcript: [], advice: [], resolved: [], snoozed: [], blind: [], whispers: [whisper("w1")] };
    const call = reduce(noCall, { type: "snapshot", offset: "e-1", agent_id: "a", call: snapshot }, now);
    expect(whisperOf(call, now + 29_999)?.note.text).toBe("先致歉");
    expect(whisperOf(call, now + 30_000)).toBeNull();
  });

  it("go with the call", () => {
    const call = reduce(reduce(begun(), whisper("w1"), 0), { type: "call.ended", offset: "e-9", call_id: "c1", at_ms: 5, reason: "timeout" }, 1);
    expect(whisperOf(call, 1)).toBeNull();
    expect(call.endedBy).toBe("timeout");
  });
});
