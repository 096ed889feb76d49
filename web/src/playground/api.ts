// What the playground asks the service, and the shapes of the answers (docs/protocol.md, section 6).

import { Http } from "../core/http";
import type { Severity } from "../core/wire";

export type Speaker = "agent" | "customer";

/** What can stop a find from being shown; the same names as `Stopper` in coach/rulebook/trace.py. */
export type Stopper = "exception" | "sentence" | "modifier" | "context" | "opinion" | "phase";

export interface Found {
  rule: string;
  title: string;
  why: string;
  status: string;
  severity: Severity | null;
  patterns: string[];
  text: string;
  around: [string, string];
  by_sound: boolean;
  exceptions: { pattern: string; because: string }[];
  modifiers: string[];
  stopped_by: "" | Stopper;
  stopped: string;
  shown: boolean;
  suggestions: string[];
  draft: boolean;
}

export interface Turn {
  speaker: Speaker;
  text: string;
  normalized: string;
  tokens: string[];
  segments: { text: string; severity?: Severity; advice_id?: string }[];
  found: Found[];
}

export interface Explained {
  digest: string;
  draft: { rules: string[]; usable: boolean } | null;
  call: boolean;
  turns: Turn[];
  moments: { kind: string; turn: number }[];
}

export interface Problem {
  line: number;
  column: number;
  where: string;
  message: string;
}

export interface Example {
  rule: string;
  text: string;
  line: number;
  column: number;
  wanted: boolean;
  passed: boolean;
  problem: string;
}

export interface Judged {
  problems: Problem[];
  rules: { id: string; title: string; known: boolean }[];
  examples: Example[];
  findings: { level: "error" | "warning"; where: string; message: string }[];
}

export interface Change {
  call_id: string;
  turn: number;
  speaker: Speaker;
  rule: string;
  around: [string, string];
  text: string;
  before: { speaker: Speaker; text: string } | null;
}

export interface Changes {
  count: number;
  rows: Change[];
}

export interface Effect {
  source: "stored" | "sample";
  usable: boolean;
  calls: number;
  turns: number;
  old_hits: number;
  new_hits: number;
  appeared: Changes;
  vanished: Changes;
}

export interface ListedRule {
  id: string;
  title: string;
  category: string;
  status: string;
}

export interface Listing {
  digest: string;
  template: string;
  rules: ListedRule[];
}

export interface Question {
  text: string;
  customer: string;
  speaker: Speaker;
  phase: string | null;
  yaml: string | null;
}

export class Api {
  readonly #http: Http;

  /** `renew` gives another credential when this one has ended. */
  constructor(credential: string, renew: (() => Promise<string>) | null = null) {
    this.#http = new Http(credential, renew);
  }

  rules(): Promise<Listing> {
    return this.#http.ask("GET", "playground/rules");
  }

  rule(id: string): Promise<{ id: string; file: string; yaml: string }> {
    return this.#http.ask("GET", `playground/rules/${id}`);
  }

  explain(question: Question): Promise<Explained> {
    return this.#http.ask("POST", "playground/explain", question);
  }

  judge(yaml: string): Promise<Judged> {
    return this.#http.ask("POST", "playground/draft", { yaml });
  }

  effect(yaml: string, calls: number): Promise<Effect> {
    return this.#http.ask("POST", "playground/effect", { yaml, calls });
  }

  file(yaml: string): Promise<{ file: string; yaml: string }> {
    return this.#http.ask("POST", "playground/file", { yaml });
  }
}
