// The pure parts of the playground: places in a text, and asking while somebody types.

import { Text } from "@codemirror/state";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { position } from "../src/playground/editor";
import { Pacer } from "../src/playground/pacer";

describe("position", () => {
  const doc = Text.of(["version: 1", "a: 𠮷x", ""]);

  it("counts columns in code points, as the service does", () => {
    expect(doc.sliceString(position(doc, 2, 5))).toBe("x\n");
  });

  it("stays inside the text, whatever is asked", () => {
    expect([position(doc, 0, 0), position(doc, 99, 99), position(doc, 1, 99)]).toEqual([0, doc.length, 10]);
  });
});

describe("Pacer", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("asks once when the typing rests", async () => {
    const work = vi.fn(async () => {});
    const pacer = new Pacer(work, 100);
    pacer.soon();
    await vi.advanceTimersByTimeAsync(60);
    pacer.soon();
    await vi.advanceTimersByTimeAsync(99);
    expect(work).toHaveBeenCalledTimes(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it("asks one question at a time, and once more when something changed meanwhile", async () => {
    const answers: (() => void)[] = [];
    const work = vi.fn(() => new Promise<void>((resolve) => answers.push(resolve)));
    const pacer = new Pacer(work, 100);
    const done = pacer.now();
    void pacer.now();
    void pacer.now();
    expect(work).toHaveBeenCalledTimes(1);
    answers[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(work).toHaveBeenCalledTimes(2);
    answers[1]?.();
    await done;
    expect(work).toHaveBeenCalledTimes(2);
  });
});
