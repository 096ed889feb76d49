// Asks while somebody types: after a short rest, one question at a time, and only the last one counts.

export class Pacer {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;
  #again = false;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly restMs: number,
  ) {}

  /** Ask once the typing rests. */
  soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.now(), this.restMs);
  }

  /** Ask at once, or as soon as the question under way is answered. */
  async now(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      do {
        this.#again = false;
        await this.work();
      } while (this.#again);
    } finally {
      this.#busy = false;
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#again = false;
  }
}
