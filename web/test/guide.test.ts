import { describe, expect, it } from "vitest";
import { noCall, reduce, type Act, type Call } from "../src/core/call";
import { greetingOf, hintOf, openMustSays, promisesOf } from "../src/core/guide";
import { guideStringsFor } from "../src/core/hints";
import type { CallMessage, MustSayPart } from "../src/core/wire";
import { advice, moment, mustSay, snapshot, stage, started } from "./samples";

const NOW = 1_000_000;

function play(...messages: (CallMessage | Act)[]): Call {
  return messages.reduce((call, message) => reduce(call, message, NOW), noCall);
}

const greeting = (said: string[], some: Partial<MustSayPart> = {}) =>
  mustSay(
    ["问候", "单位", "工号"].map((part) => ({
      id: `greeting/${part}`,
      part,
      phase: "greeting",
      due_ms: 8_000,
      said: said.includes(part),
      missed: false,
      phrase: "",
      ...some,
    })),
  );

describe("the greeting's countdown", () => {
  it("waits while the agent has not begun", () => {
    const view = greetingOf(play(started(), greeting([], { due_ms: null })), NOW + 60_000);
    expect([view?.leftMs, view?.share]).toEqual([null, 1]);
  });

  it("runs down to nothing and no further", () => {
    const call = play(started(), greeting(["问候"]));
    expect(greetingOf(call, NOW + 2_000)?.share).toBe(0.75);
    expect(greetingOf(call, NOW + 60_000)?.leftMs).toBe(0);
  });

  it("leaves a moment after the last part was said", () => {
    const call = play(started(), greeting(["问候", "单位", "工号"]));
    expect(greetingOf(call, NOW + 1_000)?.parts).toHaveLength(3);
    expect(greetingOf(call, NOW + 3_000)).toBeNull();
  });

  it("leaves at once when a part was missed", () => {
    expect(greetingOf(play(started(), greeting([], { missed: true })), NOW)).toBeNull();
  });
});

describe("a hint", () => {
  it("passes after some seconds", () => {
    const call = play(started(), moment({ kind: "long-silence" }));
    expect(hintOf(call, NOW + 7_000)?.moment.kind).toBe("long-silence");
    expect(hintOf(call, NOW + 9_000)).toBeNull();
  });

  it("gives way to a newer one but never hides a danger to life", () => {
    const danger = moment({ id: "m0", kind: "customer-complaint", details: { safety: true } });
    const older = moment({ id: "m1", kind: "fast-speech" });
    let call = reduce(play(started(), older), moment({ id: "m2", kind: "interruption" }), NOW + 1_000);
    expect(hintOf(call, NOW + 1_000)?.moment.id).toBe("m2");
    call = reduce(call, danger, NOW + 2_000);
    call = reduce(call, moment({ id: "m3", kind: "interruption" }), NOW + 3_000);
    expect(hintOf(call, NOW + 20_000)?.moment.id).toBe("m0");
  });

  it("is not made of what the strip or the ledger shows", () => {
    const call = play(
      started(),
      moment({ id: "m1", kind: "customer-complaint" }),
      moment({ id: "m2", kind: "adoption" }),
      moment({ id: "m3", kind: "commitment", details: { vague: false } }),
    );
    expect(hintOf(call, NOW)).toBeNull();
  });

  it("has words in both languages for every kind that is hinted at", () => {
    const kinds = [
      "missing-greeting", "missing-closing", "missing-must-say", "interruption", "long-silence", "hold-without-notice",
      "fast-speech", "no-empathy-after-complaint", "repeated-question", "dispute-loop", "churn-risk", "escalation-risk",
      "commitment",
    ];
    for (const language of ["zh-CN", "en"] as const) {
      const titles = kinds.map((kind) => guideStringsFor(language).hint(moment({ kind }))?.title ?? "");
      expect(titles.filter((title) => title === "")).toEqual([]);
    }
  });

  it("is none for a kind of a newer service", () => {
    expect(guideStringsFor("zh-CN").hint(moment({ kind: "weather" }))).toBeNull();
  });
});

describe("the ledger", () => {
  const promised = (id: string, details: Record<string, unknown>) =>
    moment({ id, kind: "commitment", details: { what: id, when: "", due_ms: null, vague: false, ...details } });

  it("puts the vague and the due first, then what is due soonest", () => {
    const call = play(
      started(),
      promised("later", { due_ms: 900_000 }),
      promised("some day", {}),
      promised("soon", { due_ms: 600_000 }),
      promised("vague", { vague: true }),
    );
    expect(promisesOf(call).map(({ id }) => id)).toEqual(["vague", "soon", "later", "some day"]);
  });

  it("tells a promise again when it falls due, and only then", () => {
    const soft = promised("p", { due_ms: 5_000 });
    const call = play(started(), soft);
    const due = reduce(call, { ...soft, due: true }, NOW + 20_000);
    expect(hintOf(due, NOW + 20_000)?.moment.due).toBe(true);
    expect(reduce(due, { ...soft, due: true }, NOW + 99_000).happenings[0]?.receivedAt).toBe(NOW + 20_000);
  });

  it("lists what a pack wants to be said until it is said", () => {
    const part = { id: "p/a", part: "犹豫期", phase: "call" as const, due_ms: null, missed: false, phrase: "" };
    const open = (said: boolean) => openMustSays(play(started(), mustSay([{ ...part, said }])));
    expect([open(false).length, open(true).length]).toEqual([1, 0]);
  });
});

describe("a call that is restored", () => {
  it("has the moments, stage and must-says of the snapshot", () => {
    const call = play(snapshot({ moments: [moment()], stage: stage({ active: true }), must_say: greeting([]) }));
    expect([call.happenings.length, call.stage?.active, call.mustSay.length]).toEqual([1, true, 3]);
  });

  it("does not hint again at what was told before", () => {
    const call = play(started(), moment());
    expect(hintOf(reduce(call, snapshot({ moments: [moment()] }), NOW + 20_000), NOW + 20_000)).toBeNull();
  });
});

describe("an undo", () => {
  it("brings a false alarm's card back without a verdict", () => {
    const call = play(started(), advice(), { type: "act.feedback", id: "a1", verdict: "false-alarm" }, { type: "act.feedback.undo", id: "a1" });
    expect(call.cards.map(({ verdict, dismissed }) => [verdict, dismissed])).toEqual([[null, false]]);
  });

  it("lets a muted rule speak again", () => {
    const rule = advice().rule;
    const call = play(started(), advice(), { type: "act.snooze", rule }, { type: "act.snooze.undo", id: "a1", rule });
    expect(call.snoozed).toEqual([]);
  });
});
