// Carries out what the connection machine asks for, with a real WebSocket and real timers.

import { initial, step, type Connection, type Delivered, type Effect, type Event, type TimerName } from "./connection";
import { parseFrame, SUBPROTOCOL, type SaidMessage } from "./wire";

export interface LineOptions {
  /** Address of the service, "" for the page's own origin. */
  server: string;
  /** Where the stream is, see `agentPath` and `teamPath`. */
  path: string;
  /** Gives a signed token; `renew` is true when the last one was not accepted. */
  getToken: (options: { renew: boolean }) => Promise<string>;
  onMessage: (message: Delivered) => void;
  onChange: (connection: Connection) => void;
  /** `about` is the id of the message that was refused or lost (code `lost`), if it has one. */
  onError: (code: string, text: string, about?: string) => void;
  /** The service has what was said under the id. */
  onNoted?: (id: string) => void;
}

export class Line {
  #connection: Connection = initial;
  #socket: WebSocket | null = null;
  #token = "";
  #timers = new Map<TimerName, ReturnType<typeof setTimeout>>();
  readonly #options: LineOptions;
  readonly #online = () => this.#feed({ type: "online" });

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get connection(): Connection {
    return this.#connection;
  }

  start(): void {
    globalThis.addEventListener("online", this.#online);
    this.#feed({ type: "start" });
  }

  stop(): void {
    globalThis.removeEventListener("online", this.#online);
    this.#feed({ type: "stop" });
  }

  say(message: SaidMessage): void {
    this.#feed({ type: "say", message });
  }

  /** Say something that is not kept: while the line is down it is lost. */
  tell(message: object): void {
    if (this.#connection.phase === "live") this.#send(message);
  }

  #feed(event: Event): void {
    const before = this.#connection;
    const [next, effects] = step(before, event);
    this.#connection = next;
    for (const effect of effects) this.#perform(effect);
    if (next !== before) this.#options.onChange(this.#connection);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "fetch-token":
        void this.#fetchToken(effect.renew);
        break;
      case "open":
        this.#token = effect.token;
        this.#open();
        break;
      case "greet":
        this.#send({ type: "hello", token: this.#token, ...(effect.after === null ? {} : { after: effect.after }) });
        break;
      case "send":
        this.#send(effect.message);
        break;
      case "close":
        this.#drop();
        break;
      case "probe":
        void this.#probe();
        break;
      case "schedule":
        this.#cancel(effect.name);
        this.#timers.set(
          effect.name,
          setTimeout(() => this.#feed({ type: "timer", name: effect.name, random: Math.random() }), effect.ms),
        );
        break;
      case "cancel":
        this.#cancel(effect.name);
        break;
      case "deliver":
        this.#options.onMessage(effect.message);
        break;
      case "noted":
        this.#options.onNoted?.(effect.about);
        break;
      case "report":
        this.#options.onError(effect.code, effect.text, effect.about);
        break;
    }
  }

  async #fetchToken(renew: boolean): Promise<void> {
    try {
      const token = await this.#options.getToken({ renew });
      if (!token) throw new Error("getToken gave no token");
      this.#feed({ type: "token", token });
    } catch (error) {
      this.#options.onError("token", error instanceof Error ? error.message : String(error));
      this.#feed({ type: "token-failed", random: Math.random() });
    }
  }

  #open(): void {
    this.#drop();
    const socket = new WebSocket(socketUrl(this.#options.server, this.#options.path), SUBPROTOCOL);
    this.#socket = socket;
    // A socket that was replaced may still speak; only the current one is heard.
    const current = (event: Event) => {
      if (this.#socket === socket) this.#feed(event);
    };
    socket.onopen = () => current({ type: "opened" });
    socket.onmessage = ({ data }) => {
      const message = parseFrame(data);
      if (message) current({ type: "received", message });
    };
    socket.onclose = ({ code }) => current({ type: "closed", code, random: Math.random() });
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  async #probe(): Promise<void> {
    const url = new URL("/healthz", baseUrl(this.#options.server));
    // An opaque answer is enough: it proves that someone is listening.
    const reachable = await fetch(url, { mode: "no-cors", cache: "no-store" }).then(
      () => true,
      () => false,
    );
    this.#feed({ type: "probed", reachable });
  }

  #cancel(name: TimerName): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

/** Where the service is; relative and empty addresses mean the page's own origin. */
export function baseUrl(server: string): URL {
  return new URL(server || "/", globalThis.location.href);
}

/** WebSocket address of a path on the service. */
export function socketUrl(server: string, path: string): string {
  const url = new URL(path, baseUrl(server));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** What an agent's sidebars are told. */
export function agentPath(agentId: string): string {
  return `/v1/agents/${encodeURIComponent(agentId)}/stream`;
}

/** What a team's supervisors are told. */
export function teamPath(team: string): string {
  return `/v1/teams/${encodeURIComponent(team)}/stream`;
}
