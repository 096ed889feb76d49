import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Producer } from "../src/demo/producer";

/** The browser's side of a socket: what was sent, and a way to answer as the service does. */
class Line {
  static readonly OPEN = 1;
  static last: Line;
  readonly readyState = Line.OPEN;
  readonly sent: { type: string; seq?: number }[] = [];
  onopen: () => void = () => {};
  onmessage: (event: { data: string }) => void = () => {};
  onclose: (event: { code: number }) => void = () => {};

  closed = false;

  constructor() {
    Line.last = this;
  }

  close(): void {
    this.closed = true;
  }

  send(frame: string): void {
    this.sent.push(JSON.parse(frame) as { type: string });
  }

  say(message: object): void {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** Seqs of the events that went out. */
  get seqs(): (number | undefined)[] {
    return this.sent.filter(({ type }) => type !== "hello").map(({ seq }) => seq);
  }
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", Line);
  vi.stubGlobal("location", { href: "http://127.0.0.1/" });
});
afterEach(() => vi.unstubAllGlobals());

async function producer(): Promise<Producer> {
  const made = new Producer({ agentId: "a1", team: "demo", agentName: "小林", getToken: async () => "t", onTrouble: () => {} });
  await Promise.resolve();
  await Promise.resolve();
  Line.last.onopen();
  Line.last.say({ type: "ready", role: "producer" });
  return made;
}

it("a call says whose supervisor sees it", async () => {
  (await producer()).start({});
  expect(Line.last.sent.at(-1)).toMatchObject({ type: "call.started", agent_id: "a1", agent_name: "小林", team: "demo" });
});

it("under pressure nothing is sent, and all of it in order when it is over", async () => {
  const made = await producer();
  const callId = made.start({});
  Line.last.say({ type: "pressure", active: true, waiting: 9 });
  made.end(1);
  expect(Line.last.seqs).toEqual([1]);
  Line.last.say({ type: "ack", call_id: callId, seq: 1 });
  Line.last.say({ type: "pressure", active: false, waiting: 1 });
  expect(Line.last.seqs).toEqual([1, 2]);
});

it("a running call is told again as that of the agent it goes on as, each utterance as far as it has come", async () => {
  const made = await producer();
  const first = made.start({ org: "晨光银行" });
  const said = { utterance_id: "u1", speaker: "agent", start_ms: 0, end_ms: 1, at_ms: 1 } as const;
  made.hear({ ...said, revision: 1, text: "您", final: false });
  made.hear({ ...said, revision: 2, text: "您好", final: true });
  Line.last.say({ type: "ack", call_id: first, seq: 3 });
  made.become("a2");
  Line.last.sent.length = 0;
  Line.last.say({ type: "ready", role: "producer" });
  expect(Line.last.sent).toMatchObject([
    { type: "call.started", seq: 1, agent_id: "a2", slots: { org: "晨光银行" } },
    { type: "utterance", seq: 2, text: "您好", final: true },
  ]);
  expect(Line.last.sent[0]).not.toHaveProperty("call_id", first);
  expect(Line.last.closed).toBe(true);
});

it("a call whose end has arrived is not told again", async () => {
  const made = await producer();
  const callId = made.start({});
  made.end(1);
  Line.last.say({ type: "ack", call_id: callId, seq: 2 });
  made.become("a2");
  Line.last.sent.length = 0;
  Line.last.say({ type: "ready", role: "producer" });
  expect(Line.last.sent).toEqual([]);
});
