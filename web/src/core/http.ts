// Asking the service over HTTP with a credential, and what its refusals look like here.

import { baseUrl } from "./socket";

/** The service refused, or could not be reached (status 0). The message is for the person at the screen. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  /** Make one of the body of an answer, whatever it holds. */
  static from(status: number, body: unknown): Refused {
    const error = (body as { error?: { code?: string; message?: string } } | null)?.error;
    return new Refused(status, error?.code ?? "", error?.message ?? "");
  }
}

/** Asks below `/v1/` of the service that served the page; when the credential has ended, with what `renew` gives. */
export class Http {
  #credential: string;
  readonly #renew: (() => Promise<string>) | null;

  constructor(credential: string, renew: (() => Promise<string>) | null = null) {
    this.#credential = credential;
    this.#renew = renew;
  }

  get credential(): string {
    return this.#credential;
  }

  /** Take another credential in place of one that was refused, unless that has happened already. */
  async renew(refused: string): Promise<void> {
    if (this.#renew && this.#credential === refused) this.#credential = await this.#renew();
  }

  /** Do something with the credential, and once more with another when it is refused as ended. */
  async signedIn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const used = this.#credential;
    try {
      return await work();
    } catch (error) {
      if (!this.#renew || !(error instanceof Refused) || error.status !== 401) throw error;
      await this.renew(used);
      return work();
    }
  }

  url(path: string): URL {
    return new URL(`/v1/${path}`, baseUrl(""));
  }

  /** Return the answer, null when it has no body; throws `Refused`. */
  ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.signedIn(() => this.#ask<Answer>(method, path, body));
  }

  async #ask<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
    let answer: Response;
    try {
      answer = await fetch(this.url(path), {
        method,
        headers: { Authorization: `Bearer ${this.credential}`, "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new Refused(0, "network", "");
    }
    // A proxy in between may answer with a page of its own.
    const value: unknown = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (!answer.ok) throw Refused.from(answer.status, value);
    return value as Answer;
  }
}
