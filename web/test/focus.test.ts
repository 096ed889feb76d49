import { describe, expect, it } from "vitest";
import { noCall, reduce, type Act, type Call } from "../src/core/call";
import { choose, look, noFocus, refocus, type Focus } from "../src/core/focus";
import type { CallMessage, Severity } from "../src/core/wire";
import { advice, started } from "./samples";

/** A panel driven by hand: messages at times, then what has the place. */
class Panel {
  call: Call = reduce(noCall, started(), 0);
  focus: Focus = noFocus;
  now = 0;

  at(now: number, ...messages: (CallMessage | Act)[]): this {
    for (const message of messages) this.call = reduce(this.call, message, now);
    return this.settle(now);
  }

  settle(now: number, held = false): this {
    this.now = now;
    this.focus = refocus(this.call, this.focus, now, held);
    if (this.focus.id) this.call = reduce(this.call, { type: "act.seen", id: this.focus.id }, now);
    return this;
  }

  get shown(): string | null {
    return look(this.call, this.focus, this.now).card?.advice.id ?? null;
  }

  get waiting(): string[] {
    return look(this.call, this.focus, this.now).queue.map((card) => card.advice.id);
  }
}

const card = (id: Severity | string, severity: Severity): CallMessage => advice({ id, severity, rule: `rule/${id}` });

describe("the card in focus", () => {
  it.each<[Severity, Severity, string]>([
    ["notice", "warning", "second"],
    ["warning", "violation", "second"],
    ["violation", "warning", "first"],
    ["warning", "notice", "first"],
    ["warning", "warning", "first"],
  ])("%s then %s shows the %s", (first, second, expected) => {
    const panel = new Panel().at(0, card("first", first)).at(1_000, card("second", second));
    expect(panel.shown).toBe(expected);
  });

  it("leaves the others waiting, gravest and newest first", () => {
    const panel = new Panel()
      .at(0, card("v1", "violation"))
      .at(1, card("n", "notice"))
      .at(2, card("w1", "warning"))
      .at(3, card("w2", "warning"));
    expect([panel.shown, panel.waiting]).toEqual(["v1", ["w2", "w1", "n"]]);
  });

  it("makes way for its equal once it was read", () => {
    const panel = new Panel().at(0, card("old", "warning")).at(1_000, card("new", "warning"));
    expect([panel.settle(5_900).shown, panel.settle(6_000).shown]).toEqual(["old", "new"]);
  });

  it("makes way for a lighter unseen card once the call has gone on past it", () => {
    const panel = new Panel().at(0, card("old", "warning")).at(1_000, card("new", "notice")).settle(14_000);
    expect([panel.shown, panel.settle(16_000).shown]).toEqual(["old", "new"]);
  });

  it("stays while the pointer is on it", () => {
    const panel = new Panel().at(0, card("old", "warning")).at(1_000, card("new", "warning")).settle(16_000, true);
    expect(panel.shown).toBe("old");
  });

  it("dims when it has had its time", () => {
    const panel = new Panel().at(0, card("only", "warning")).settle(16_000);
    expect(look(panel.call, panel.focus, 16_000)).toMatchObject({ aged: true, card: { seen: true } });
  });

  it("leaves by itself when its moment is long past", () => {
    expect(new Panel().at(0, card("only", "notice")).settle(31_000).shown).toBeNull();
  });

  it("shows the tick for a moment after adoption and then makes way", () => {
    const adopted: CallMessage = { type: "advice.resolved", offset: "e", call_id: "c1", id: "one", outcome: "adopted" };
    const panel = new Panel().at(0, card("one", "warning"), card("two", "warning"));
    const first = panel.shown;
    panel.at(1_000, { ...adopted, id: first ?? "" });
    expect(look(panel.call, panel.focus, 1_000).ticked).toBe(true);
    panel.settle(6_000);
    expect([panel.shown, look(panel.call, panel.focus, 6_000).ticked]).toEqual([first === "one" ? "two" : "one", false]);
  });

  it("does not grab the place back from the card the agent asked for", () => {
    const panel = new Panel().at(0, card("grave", "violation")).at(1, card("light", "notice"));
    panel.focus = choose(panel.waiting[0], panel.focus, 2);
    expect(panel.settle(500).shown).toBe("light");
  });

  it("skips cards of a snoozed rule", () => {
    const panel = new Panel().at(0, card("one", "warning")).at(1, { type: "act.snooze", rule: "rule/one" });
    expect(panel.shown).toBeNull();
  });

  it("leaves with the call and comes back only when asked for", () => {
    const ended: CallMessage = { type: "call.ended", offset: "e", call_id: "c1", at_ms: 5 };
    const panel = new Panel().at(0, card("one", "warning"), card("two", "notice")).at(5, ended);
    expect([panel.shown, panel.waiting]).toEqual([null, []]);
    panel.focus = choose("two", panel.focus, 6);
    expect(panel.settle(7).shown).toBe("two");
  });

  it("is empty after a withdrawal", () => {
    const panel = new Panel()
      .at(0, card("one", "warning"))
      .at(1, { type: "advice.withdrawn", offset: "e", call_id: "c1", id: "one" });
    expect(panel.shown).toBeNull();
  });
});
