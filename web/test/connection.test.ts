import { describe, expect, it } from "vitest";
import { backoff, initial, step, type Connection, type Effect, type Event } from "../src/core/connection";
import type { AgentMessage, ServerMessage } from "../src/core/wire";
import { started } from "./samples";

const READY: ServerMessage = { type: "ready", role: "agent" };
const DISMISS: AgentMessage = { type: "dismiss", advice_id: "a1" };

/** Feed events one after another; the effects of the last one come back. */
function run(from: Connection, ...events: Event[]): [Connection, readonly Effect[]] {
  let connection = from;
  let effects: readonly Effect[] = [];
  for (const event of events) [connection, effects] = step(connection, event);
  return [connection, effects];
}

const received = (message: ServerMessage): Event => ({ type: "received", message });
const closed = (code: number): Event => ({ type: "closed", code, random: 0.5 });
const retry: Event = { type: "timer", name: "retry", random: 0.5 };
const dialled: Event[] = [{ type: "start" }, { type: "token", token: "t" }];
const [live] = run(initial, ...dialled, { type: "opened" }, received(READY));

describe("a connection", () => {
  it("fetches a token, opens, greets and is live on ready", () => {
    expect(run(initial, { type: "start" })[1]).toContainEqual({ type: "fetch-token", renew: false });
    expect(run(initial, ...dialled)[1]).toContainEqual({ type: "open", token: "t" });
    expect(run(initial, ...dialled, { type: "opened" })[1]).toEqual([{ type: "greet", after: null }]);
    expect(live.phase).toBe("live");
  });

  it("delivers nothing before ready", () => {
    expect(run(initial, ...dialled, { type: "opened" }, received(started()))[1]).toEqual([]);
  });

  it("is degraded from the notice on, until another one or a new connection", () => {
    const notice = (active: boolean): Event => received({ type: "degraded", active, reason: "bus" });
    const [degraded, effects] = run(live, notice(true));
    expect(degraded.degraded).toBe(true);
    expect(effects).not.toContainEqual(expect.objectContaining({ type: "deliver" }));
    expect(run(degraded, notice(false))[0].degraded).toBe(false);
    const back: Event[] = [closed(1012), retry, { type: "token", token: "t" }, { type: "opened" }, received(READY)];
    expect(run(degraded, ...back)[0].degraded).toBe(false);
  });

  it("resumes after the last offset it saw", () => {
    const [, effects] = run(
      live, received(started()), closed(1006), retry, { type: "token", token: "t" }, { type: "opened" },
    );
    expect(effects).toEqual([{ type: "greet", after: "e-0" }]);
  });

  it("waits longer after each failure, up to a limit", () => {
    const delays = [0, 1, 2, 10, 50].map((attempts) => backoff(attempts, 1));
    expect(delays).toEqual([400, 800, 1600, 15_000, 15_000]);
  });

  it("spreads reconnects over half the delay", () => {
    expect([backoff(3, 0), backoff(3, 0.999999)]).toEqual([1600, 3200]);
  });

  it("renews an expired token at once, and only once", () => {
    const [renewing, effects] = run(live, closed(4401));
    expect(effects).toContainEqual({ type: "fetch-token", renew: true });
    const [second] = run(renewing, { type: "token", token: "t2" }, { type: "opened" }, closed(4401));
    expect([second.phase, second.trouble]).toEqual(["waiting", "unauthorized"]);
  });

  it("gives up when it is not allowed", () => {
    expect(run(live, closed(4403))[0].phase).toBe("refused");
  });

  it("blames the origin only after the service twice answered plain HTTP", () => {
    const refusal: Event[] = [closed(1006), { type: "probed", reachable: true }];
    const [once] = run(initial, ...dialled, ...refusal);
    const [twice] = run(once, retry, { type: "token", token: "t" }, ...refusal);
    expect([once.trouble, twice.trouble]).toEqual(["network", "origin"]);
  });

  it("keeps what was not noted and says it again after a reconnect", () => {
    const [next, effects] = run(
      live,
      { type: "say", message: DISMISS },
      closed(1006),
      retry,
      { type: "token", token: "t" },
      { type: "opened" },
      received(READY),
    );
    expect(effects).toContainEqual({ type: "send", message: DISMISS });
    expect(next.outbox).toHaveLength(1);
  });

  it("forgets what the service has noted", () => {
    const [next] = run(live, { type: "say", message: DISMISS }, received({ type: "noted", advice_id: "a1" }));
    expect(next.outbox).toEqual([]);
  });

  it("keeps what is said while the line is down", () => {
    const [next, effects] = run(live, closed(1006), { type: "say", message: DISMISS });
    expect([next.outbox.length, effects]).toEqual([1, []]);
  });

  it("hangs up a line that answers nothing", () => {
    const [, pinged] = run(live, { type: "timer", name: "ping", random: 0 });
    expect(pinged).toContainEqual({ type: "send", message: { type: "ping" } });
    const [next, effects] = run(live, { type: "timer", name: "silence", random: 0 });
    expect([next.phase, effects[0]]).toEqual(["waiting", { type: "close" }]);
  });

  it("takes any frame as a sign of life", () => {
    expect(run(live, received(started()))[1]).toContainEqual({ type: "cancel", name: "silence" });
  });

  it("tries at once when the browser is online again", () => {
    expect(run(live, closed(1006), { type: "online" })[0].phase).toBe("token");
  });

  it("stays idle after stop", () => {
    expect(run(live, { type: "stop" }, closed(1006), retry)[0].phase).toBe("idle");
  });
});

describe("a whisper", () => {
  const whisper = (id: string) => ({ type: "whisper", call_id: "c1", id, text: "先致歉" }) as const;
  const [said] = run(live, { type: "say", message: whisper("w1") }, { type: "say", message: whisper("w2") });

  it("is kept until the service has noted it", () => {
    expect(run(said, received({ type: "noted", call_id: "c1", id: "w1" }))[0].outbox.map(({ message }) => message)).toEqual([whisper("w2")]);
  });

  it("that was refused is not said again, and who said it is told which", () => {
    const [after, effects] = run(said, received({ type: "error", code: "busy", message: "稍后", call_id: "c1", id: "w2" }));
    expect(after.outbox.map(({ message }) => message)).toEqual([whisper("w1")]);
    expect(effects).toContainEqual({ type: "report", code: "busy", text: "稍后", about: "w2" });
  });

  it("is told of as sent when the service has noted it, and only then", () => {
    expect(run(said, received({ type: "noted", call_id: "c1", id: "w2" }))[1]).toContainEqual({ type: "noted", about: "w2" });
  });

  it("that nobody noted in three tries is given up, and who said it is told which", () => {
    const again: Event[] = [closed(1006), retry, { type: "token", token: "t" }, { type: "opened" }, received(READY)];
    const [thrice, sent] = run(said, ...again, ...again);
    expect(sent).toContainEqual({ type: "send", message: whisper("w1") });
    const [after, effects] = run(thrice, ...again);
    expect(after.outbox).toEqual([]);
    expect(effects.filter(({ type }) => type === "report")).toEqual([
      expect.objectContaining({ code: "lost", about: "w1" }),
      expect.objectContaining({ code: "lost", about: "w2" }),
    ]);
  });

  it("that finds no more room to wait pushes the oldest out, and that is told", () => {
    const [down] = run(live, closed(1006));
    const many: Event[] = Array.from({ length: 200 }, (_, at) => ({ type: "say", message: whisper(`n${at}`) }));
    const [after, effects] = run(down, ...many, { type: "say", message: whisper("last") });
    expect(after.outbox).toHaveLength(200);
    expect(effects).toEqual([expect.objectContaining({ type: "report", code: "lost", about: "n0" })]);
  });

  it("still waiting when the team is refused is given up", () => {
    const [after, effects] = run(said, closed(4403));
    expect(after.outbox).toEqual([]);
    expect(effects).toContainEqual(expect.objectContaining({ type: "report", code: "lost", about: "w2" }));
  });
});
