// Turns typing into recogniser results: each keystroke a longer partial, Enter the final.

import type { Speaker } from "../core/wire";
import type { Result } from "./script";

export class Composer {
  #count = 0;
  #revision = 0;
  #startMs = 0;
  #said = "";
  readonly #now: () => number;
  readonly #send: (result: Result) => void;

  /** `now` is the call's clock in ms. */
  constructor(now: () => number, send: (result: Result) => void) {
    this.#now = now;
    this.#send = send;
  }

  /** Whether a sentence has been begun and not ended. */
  get open(): boolean {
    return this.#revision > 0;
  }

  /** The text so far; shorter than before when the typist takes words back. */
  type(speaker: Speaker, text: string): void {
    if (text === this.#said) return;
    this.#emit(speaker, text, false);
  }

  /** End the sentence. One that was begun and emptied is ended too, so nothing is left in the air. */
  finish(speaker: Speaker, text: string): void {
    if (text || this.open) this.#emit(speaker, text, true);
    this.#revision = 0;
    this.#said = "";
  }

  #emit(speaker: Speaker, text: string, final: boolean): void {
    const now = this.#now();
    if (!this.open) {
      this.#count += 1;
      this.#startMs = now;
    }
    this.#revision += 1;
    this.#said = text;
    this.#send({
      at_ms: now,
      utterance_id: `typed-${this.#count}`,
      revision: this.#revision,
      speaker,
      text,
      final,
      start_ms: this.#startMs,
      end_ms: Math.max(now, this.#startMs),
    });
  }
}
