// A clock that can be paused and sped up, and the sample call that plays by it.

import type { Result } from "./script";

export class Player {
  speed = 1;
  paused = false;
  #positionMs = 0;
  #next = 0;
  readonly #results: readonly Result[];
  readonly #play: (result: Result) => void;

  /** Without results it is a free call: time passes, nothing is played. */
  constructor(results: readonly Result[], play: (result: Result) => void) {
    this.#results = results;
    this.#play = play;
  }

  get positionMs(): number {
    return Math.round(this.#positionMs);
  }

  get finished(): boolean {
    return this.#results.length > 0 && this.#next >= this.#results.length;
  }

  /** Let `ms` of real time pass and play what is due. */
  advance(ms: number): void {
    if (this.paused) return;
    this.#positionMs += ms * this.speed;
    for (;;) {
      const due = this.#results[this.#next];
      if (!due || due.at_ms > this.#positionMs) return;
      this.#next += 1;
      this.#play(due);
    }
  }
}
