// The producer side of the wire, as a softphone platform would write it: numbered events, kept until they are acked.

import { backoff } from "../core/connection";
import { socketUrl } from "../core/socket";
import { SUBPROTOCOL } from "../core/wire";
import type { Result } from "./script";

interface Numbered {
  call_id: string;
  seq: number;
  [field: string]: unknown;
}

interface Answer {
  type: string;
  call_id?: string | null;
  seq?: number | null;
  expected?: number;
  code?: string;
  message?: string;
  /** Of `pressure`: wait, or go on. */
  active?: boolean;
}

export interface ProducerOptions {
  agentId: string;
  /** Whose supervisor sees the calls, and how he knows the agent. */
  team: string;
  agentName: string;
  getToken: (options: { renew: boolean }) => Promise<string>;
  onTrouble: (text: string) => void;
}

const CALM_DOWN_MS = 500;

export class Producer {
  readonly #options: ProducerOptions;
  #agentId: string;
  #socket: WebSocket | null = null;
  #ready = false;
  /** The service asked to wait: its disk is behind. */
  #pressed = false;
  #attempts = 0;
  #renew = false;
  /** Sent or to be sent, not yet acked, in order. */
  #unacked: Numbered[] = [];
  #callId = "";
  #seq = 0;
  /** All of the call that was started last, as it was said. */
  #told: Record<string, unknown>[] = [];

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#agentId = options.agentId;
    void this.#connect();
  }

  start(slots: Record<string, string>): string {
    this.#begin();
    this.#told = [];
    this.#push({ type: "call.started", agent_id: this.#agentId, agent_name: this.#options.agentName, team: this.#options.team, slots });
    return this.#callId;
  }

  /**
   * Go on as another agent, with a token of his. Nobody may go on with another's call, so one that still runs, or
   * whose end has not arrived, is told again as his.
   */
  become(agentId: string): void {
    this.#agentId = agentId;
    const [told, arrived] = [this.#told, !this.#unacked.some(({ call_id }) => call_id === this.#callId)];
    this.#unacked = [];
    this.#ready = false;
    if (told.at(-1)?.["type"] === "call.ended" && arrived) this.#told = [];
    else if (told.length) {
      this.#begin();
      this.#told = [];
      // Of an utterance only what it has come to.
      const latest = new Map(told.map((event) => [event["utterance_id"] ?? event, event]));
      for (const event of latest.values()) this.#push(event["type"] === "call.started" ? { ...event, agent_id: agentId } : event);
    }
    // It was opened with a token of the agent before.
    this.#socket?.close();
  }

  hear({ at_ms: _, ...result }: Result): void {
    this.#push({ type: "utterance", ...result });
  }

  end(atMs: number): void {
    this.#push({ type: "call.ended", at_ms: atMs });
  }

  #begin(): void {
    this.#callId = `demo-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
    this.#seq = 0;
  }

  #push(event: Record<string, unknown>): void {
    this.#told.push(event);
    this.#seq += 1;
    const numbered: Numbered = { ...event, call_id: this.#callId, seq: this.#seq };
    this.#unacked.push(numbered);
    // What waits goes out, in order, when the service says that it has caught up.
    if (!this.#pressed) this.#send(numbered);
  }

  #send(event: object): void {
    if (this.#ready && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  async #connect(): Promise<void> {
    let token: string;
    try {
      token = await this.#options.getToken({ renew: this.#renew });
    } catch (error) {
      this.#options.onTrouble(String(error));
      this.#later();
      return;
    }
    const socket = new WebSocket(socketUrl("", "/v1/ingest"), SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token }));
    socket.onmessage = ({ data }) => this.#answer(JSON.parse(String(data)) as Answer);
    socket.onclose = ({ code }) => {
      this.#ready = false;
      this.#renew = code === 4401;
      this.#later();
    };
  }

  #later(): void {
    setTimeout(() => void this.#connect(), backoff(this.#attempts++, Math.random()));
  }

  #answer(answer: Answer): void {
    switch (answer.type) {
      case "ready":
        this.#ready = true;
        // A new connection is told at once if it is to wait.
        this.#pressed = false;
        this.#attempts = 0;
        this.#resend(() => true);
        break;
      case "ack":
        this.#unacked = this.#unacked.filter(
          (event) => event.call_id !== answer.call_id || event.seq > (answer.seq ?? 0),
        );
        break;
      case "pressure":
        this.#pressed = answer.active ?? false;
        if (!this.#pressed) this.#resend(() => true);
        break;
      case "error":
        this.#handle(answer);
        break;
    }
  }

  #handle(answer: Answer): void {
    const { call_id: callId, expected } = answer;
    if (answer.code === "gap" && expected !== undefined) {
      this.#resend((event) => event.call_id === callId && event.seq >= expected);
      return;
    }
    if (answer.code === "busy") {
      setTimeout(() => {
        if (!this.#pressed) this.#resend(() => true);
      }, CALM_DOWN_MS);
      return;
    }
    this.#options.onTrouble(answer.message ?? answer.code ?? "error");
  }

  #resend(which: (event: Numbered) => boolean): void {
    for (const event of this.#unacked.filter(which)) this.#send(event);
  }
}
