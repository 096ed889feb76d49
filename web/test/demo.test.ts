import { describe, expect, it } from "vitest";
import { clock } from "../src/core/clock";
import { stringsFor, languageOf } from "../src/core/strings";
import { Composer } from "../src/demo/composer";
import { Player } from "../src/demo/player";
import { prefixes, results, type Result, type Turn } from "../src/demo/script";

const turn = (some: Partial<Turn> = {}): Turn => ({
  speaker: "agent",
  start_ms: 1_000,
  end_ms: 3_000,
  text: "您好请问有什么可以帮您",
  ...some,
});

describe("a sample call", () => {
  it("grows by two or three characters and ends in the final text", () => {
    const texts = results({ turns: [turn()] }).map((one) => one.text);
    const steps = texts.map((text, at) => text.length - (texts[at - 1]?.length ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(3);
    expect(texts.at(-1)).toBe(turn().text);
  });

  it("marks only the last result final, with rising revisions", () => {
    const played = results({ turns: [turn()] });
    expect(played.map((one) => one.final)).toEqual([...played.slice(1).map(() => false), true]);
    expect(played.map((one) => one.revision)).toEqual(played.map((_, at) => at + 1));
  });

  it("takes back words where the recogniser does", () => {
    const played = results({ turns: [turn({ partials: ["我不知道", "我布置到"], text: "我布置到" })] });
    expect(played.map((one) => one.text)).toEqual(["我不知道", "我布置到", "我布置到"]);
  });

  it("interleaves two people who talk at once", () => {
    const played = results({ turns: [turn(), turn({ speaker: "customer", start_ms: 1_500, end_ms: 2_500 })] });
    const times = played.map((one) => one.at_ms);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(played.slice(2, -2).map((one) => one.speaker)).size).toBe(2);
  });

  it("never cuts a character outside the basic plane", () => {
    const cut = prefixes("𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷", 3_000);
    expect(cut.every((text) => !/[\ud800-\udbff]$/.test(text))).toBe(true);
  });
});

describe("the player", () => {
  it("plays each result once, when it is due", () => {
    const played: Result[] = [];
    const player = new Player(results({ turns: [turn()] }), (one) => played.push(one));
    player.advance(999);
    expect(played).toEqual([]);
    player.advance(2_001);
    player.advance(10_000);
    expect(played.map((one) => one.revision)).toEqual(played.map((_, at) => at + 1));
    expect(player.finished).toBe(true);
  });

  it("stands still while paused and runs faster when told", () => {
    const player = new Player([], () => undefined);
    player.speed = 4;
    player.advance(100);
    player.paused = true;
    player.advance(100);
    expect(player.positionMs).toBe(400);
  });
});

describe("typing", () => {
  it("is one utterance that grows and shrinks until Enter", () => {
    const sent: Result[] = [];
    const composer = new Composer(() => 500, (one) => sent.push(one));
    composer.type("agent", "我不");
    composer.type("agent", "我");
    composer.finish("agent", "我来");
    composer.type("agent", "下一句");
    expect(sent.map((one) => [one.utterance_id, one.revision, one.text, one.final])).toEqual([
      ["typed-1", 1, "我不", false],
      ["typed-1", 2, "我", false],
      ["typed-1", 3, "我来", true],
      ["typed-2", 1, "下一句", false],
    ]);
  });

  it("sends nothing when nothing was typed", () => {
    const sent: Result[] = [];
    new Composer(() => 0, (one) => sent.push(one)).finish("agent", "");
    expect(sent).toEqual([]);
  });
});

describe("words", () => {
  it.each([
    ["zh-CN", "en-US", "zh-CN"],
    ["en", "zh-CN", "en"],
    [null, "en-GB", "en"],
    [null, "zh-TW", "zh-CN"],
    [null, "fr", "zh-CN"],
  ])("lang=%s in a %s browser is %s", (attribute, browser, expected) => {
    expect(languageOf(attribute, browser)).toBe(expected);
  });

  it("has no Chinese left in English", () => {
    const plain = JSON.stringify(stringsFor("en")) + stringsFor("en").next(2) + stringsFor("en").endedHint(1, 2);
    expect(plain).not.toMatch(/[\u4e00-\u9fff]/);
  });

  it("writes the time as agents read it", () => {
    expect([clock(125_000), clock(3_725_000)]).toEqual(["02:05", "1:02:05"]);
  });
});
