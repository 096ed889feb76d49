// Keeps the newest words in view until a hand scrolls away; growing text and a resized window scroll too, and do not count.

import type { ReactiveController, ReactiveControllerHost } from "lit";

// Closer to the end than this counts as reading along.
const FOLLOW_PX = 32;
// A wheel, a finger or a dragged scroll bar goes on scrolling for a while.
const HAND_MS = 1_500;

export class Following implements ReactiveController {
  on = true;
  #handAt = 0;
  #observed: Element | null = null;
  readonly #host: ReactiveControllerHost;
  readonly #find: () => Element | null;
  readonly #resized = new ResizeObserver(() => {
    if (this.on) this.#toLatest();
  });

  constructor(host: ReactiveControllerHost, find: () => Element | null) {
    this.#host = host;
    this.#find = find;
    host.addController(this);
  }

  hostUpdated(): void {
    const talk = this.#find();
    if (talk !== this.#observed) {
      this.#resized.disconnect();
      if (talk) this.#resized.observe(talk);
      this.#observed = talk;
    }
    if (this.on) this.#toLatest();
  }

  /** Follow again, from the newest words on. */
  resume(): void {
    this.on = true;
    this.#host.requestUpdate();
    this.#toLatest();
  }

  readonly onHand = (): void => {
    this.#handAt = Date.now();
  };

  readonly onScroll = (): void => {
    const talk = this.#find();
    if (!talk) return;
    const before = this.on;
    if (talk.scrollHeight - talk.scrollTop - talk.clientHeight < FOLLOW_PX) this.on = true;
    else if (Date.now() - this.#handAt < HAND_MS) this.on = false;
    if (this.on !== before) this.#host.requestUpdate();
  };

  #toLatest(): void {
    const talk = this.#find();
    if (talk) talk.scrollTop = talk.scrollHeight;
  }
}
