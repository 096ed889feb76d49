// What the page asks the service about reviews, and the shapes of the answers (docs/protocol.md, sections 6 and 7).

import { Http, Refused } from "../core/http";
import { socketUrl } from "../core/socket";
import { SUBPROTOCOL, type Severity } from "../core/wire";

export type State = "received" | "queued" | "running" | "finished" | "failed" | "cancelled";
export type Verdict = "right" | "wrong";

export interface Label {
  label: string;
  asks: "agent" | "customer";
  says: string[];
}

export interface Look {
  file: string;
  format: string;
  layout: string;
  encoding: string;
  calls: number;
  turns: number;
  speakers: Record<"agent" | "customer" | "unknown", number>;
  rejects: number;
  problems: string[];
  partly: boolean;
  labels: Label[];
}

export interface Options {
  agent_is: string[];
  customer_is: string[];
  since: string;
  anonymous: boolean;
  lang: "zh" | "en";
}

export interface Summary {
  calls: number;
  rejects: number;
  skipped: number;
  passed: number;
  fatal: number;
  agent_turns: number;
  mean_points: number | null;
  severities: Partial<Record<Severity, number>>;
}

export interface Review {
  id: string;
  state: State;
  title: string;
  folder: string | null;
  files: string[];
  file_count: number;
  size: number;
  created_at: string;
  options: Options;
  problem: string | null;
  look: Look[] | null;
  progress: {
    calls: number;
    rejects: number;
    done: number;
    calls_per_second: number | null;
    seconds_left: number | null;
  } | null;
  summary: Summary | null;
  downloads: string[];
}

export interface Limits {
  upload_bytes: number;
  upload_files: number;
  kept: number;
  keep_days: number;
  folder: boolean;
}

export interface Decision {
  id: string;
  verdict: Verdict;
  state: "decided" | "appealed" | "settled";
  history: { kind: string; verdict: Verdict | null; reason: string; who: string; at: string }[];
}

export interface Hit {
  n: number;
  call_id: string;
  agent: string;
  turn: number;
  rule: string;
  category: string;
  title: string;
  severity: Severity;
  start: number;
  end: number;
  at_ms: number;
  text: string;
  said: string;
  before: string;
  suggestion: string;
  decision: Decision | null;
}

export interface Hits {
  hits: Hit[];
  next: number | null;
  rules?: { rule: string; title: string; count: number }[];
}

const MEND_MS = 2_000;

export class Api {
  readonly #http: Http;

  /** `renew` gives another credential when this one has ended. */
  constructor(credential: string, renew: (() => Promise<string>) | null = null) {
    this.#http = new Http(credential, renew);
  }

  list(): Promise<{ reviews: Review[]; limits: Limits }> {
    return this.#http.ask("GET", "reviews");
  }

  start(id: string, options: Options | null): Promise<Review> {
    return this.#http.ask("POST", `reviews/${id}/start`, options ?? undefined);
  }

  fromFolder(folder: string): Promise<Review> {
    return this.#http.ask("POST", "reviews", { folder, start: false });
  }

  /** Cancel, or delete what has ended: then nothing is left to tell. */
  remove(id: string): Promise<Review | null> {
    return this.#http.ask("DELETE", `reviews/${id}`);
  }

  async link(id: string, file: string): Promise<string> {
    return (await this.#http.ask<{ url: string }>("POST", `reviews/${id}/links`, { file })).url;
  }

  hits(id: string, rule: string, after: number): Promise<Hits> {
    return this.#http.ask("GET", `reviews/${id}/hits?${new URLSearchParams({ rule, after: `${after}` })}`);
  }

  decide(review: string, hit: Hit, verdict: Verdict, reason: string, reviewer: string): Promise<Decision> {
    const { call_id: call, turn, rule, start, end } = hit;
    return this.#http.ask("POST", "decisions", { review, call, turn, rule, start, end, verdict, reason, reviewer });
  }

  settle(decision: Decision, verdict: Verdict, reason: string, reviewer: string): Promise<Decision> {
    return this.#http.ask("POST", `decisions/${decision.id}/settle`, { verdict, reason, reviewer });
  }

  /** Send files; only XMLHttpRequest tells how much has gone. `onSent` gets 0 to 1. */
  upload(files: File[], onSent: (share: number) => void): { done: Promise<Review>; abort: () => void } {
    const form = new FormData();
    form.append("start", "false");
    for (const file of files) form.append("files", file, file.name);
    let request: XMLHttpRequest;
    const send = () =>
      new Promise<Review>((resolve, reject) => {
        request = new XMLHttpRequest();
        request.open("POST", this.#http.url("reviews"));
        request.setRequestHeader("Authorization", `Bearer ${this.#http.credential}`);
        request.responseType = "json";
        request.upload.onprogress = ({ loaded, total }) => onSent(total ? loaded / total : 0);
        request.onload = () => {
          const value = request.response as Review | null;
          if (request.status === 201 && value) resolve(value);
          else reject(Refused.from(request.status, value));
        };
        request.onerror = request.onabort = () => reject(new Refused(0, "network", ""));
        request.send(form);
      });
    return { done: this.#http.signedIn(send), abort: () => request.abort() };
  }

  /**
   * Hear of a review until it has ended; a broken line is mended, with another credential when this one has ended.
   * `onLine` is told whether there is a line. Returns how to stop.
   */
  watch(id: string, onReview: (review: Review) => void, onLine: (live: boolean) => void): () => void {
    let stopped = false;
    let socket: WebSocket | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      if (!stopped) timer = setTimeout(open, MEND_MS);
    };
    const open = () => {
      const used = this.#http.credential;
      let heard = false;
      socket = new WebSocket(socketUrl("", `/v1/reviews/${id}/progress`), SUBPROTOCOL);
      socket.onopen = () => socket?.send(JSON.stringify({ type: "hello", token: used }));
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data as string) as Review & { type: string };
        if (message.type !== "review" || stopped) return;
        if (!heard) onLine(true);
        heard = true;
        onReview(message);
      };
      socket.onclose = ({ code }) => {
        // 1000: it has ended or is deleted.
        if (stopped || code === 1000) return;
        onLine(false);
        if (code < 4000) later();
        // One that was let in goes on at once; after that no faster than a broken line.
        else this.#http.renew(used).then(() => (heard && !stopped ? open() : later()), later);
      };
    };
    open();
    return () => {
      stopped = true;
      clearTimeout(timer);
      socket?.close();
    };
  }
}
