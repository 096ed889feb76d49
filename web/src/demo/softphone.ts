// A softphone as an agent would have it: calls, a phone, a text box. It knows nothing of the sidebar beside it.

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { clock } from "../core/clock";
import type { Language } from "../core/strings";
import { Composer } from "./composer";
import { hangUpIcon, microphoneIcon, mutedIcon, pauseIcon, penIcon, playIcon } from "./icons";
import { Player } from "./player";
import type { Producer } from "./producer";
import { results, type CallListing, type SampleCall } from "./script";
import { canListen, listen, type Listening } from "./speech";
import { softphoneStyles } from "./softphone-styles";
import { wordsFor, type Words } from "./words";

const FREE = "free";
const TICK_MS = 50;
const KEY_MS = 110;
const SPEEDS = [1, 2, 4];
// The first is forbidden until the rest of it makes it polite; the others show one category each.
const TRY = ["我不知道您现在方便吗", "这个我不知道", "这不归我管，你找别人吧", "你冷静一点", "我肯定今天给您办好"];

type Phase = "idle" | "loading" | "talking" | "ended";
type Side = "agent" | "customer";

export class DemoSoftphone extends LitElement {
  static override styles = softphoneStyles;
  static override properties = {
    language: { type: String },
    producer: { attribute: false },
    calls: { attribute: false },
    trouble: { attribute: false },
    _chosen: { state: true },
    _sample: { state: true },
    _phase: { state: true },
    _speed: { state: true },
    _paused: { state: true },
    _muted: { state: true },
    _side: { state: true },
    _text: { state: true },
    _listening: { state: true },
    _now: { state: true },
  };

  declare language: Language;
  declare producer: Producer | null;
  declare calls: CallListing[];
  declare trouble: string;
  declare private _chosen: string;
  declare private _sample: SampleCall | null;
  declare private _phase: Phase;
  declare private _speed: number;
  declare private _paused: boolean;
  declare private _muted: boolean;
  declare private _side: Side;
  declare private _text: string;
  declare private _listening: Listening | null;
  declare private _now: number;

  #player: Player | null = null;
  #composer: Composer | null = null;
  #composing = false;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #typing: ReturnType<typeof setInterval> | undefined;
  #lastTick = 0;

  constructor() {
    super();
    this.language = "zh-CN";
    this.producer = null;
    this.calls = [];
    this.trouble = "";
    this._chosen = "";
    this._sample = null;
    this._phase = "idle";
    this._speed = 1;
    this._paused = false;
    this._muted = false;
    this._side = "agent";
    this._text = "";
    this._listening = null;
    this._now = 0;
  }

  get #words(): Words {
    return wordsFor(this.language);
  }

  get #listing(): CallListing | undefined {
    return this.calls.find((call) => call.id === this._chosen) ?? this.calls[0];
  }

  async #begin(id: string): Promise<void> {
    this.#hangUp();
    this._chosen = id;
    this._sample = null;
    if (id === FREE) {
      this.#start({}, []);
      return;
    }
    this._phase = "loading";
    const answer = await fetch(`${import.meta.env.BASE_URL}calls/${encodeURIComponent(id)}.json`);
    if (!answer.ok) {
      this._phase = "idle";
      this.trouble = `calls/${id}.json: HTTP ${answer.status}`;
      return;
    }
    // Another call may have been started while this one was loading.
    if (this._chosen !== id) return;
    this._sample = (await answer.json()) as SampleCall;
    this.#start(this._sample.slots ?? {}, results(this._sample));
  }

  #start(slots: Record<string, string>, script: ReturnType<typeof results>): void {
    const { producer } = this;
    if (!producer) return;
    this.trouble = "";
    producer.start(slots);
    const player = new Player(script, (result) => producer.hear(result));
    player.speed = this._speed;
    this.#player = player;
    this.#composer = new Composer(
      () => player.positionMs,
      (result) => producer.hear(result),
    );
    this._phase = "talking";
    this._paused = false;
    this._now = 0;
    this.#lastTick = performance.now();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const now = performance.now();
    const player = this.#player;
    player?.advance(now - this.#lastTick);
    this.#lastTick = now;
    this._now = player?.positionMs ?? 0;
    // Left alone at its end, a sample hangs up by itself; while someone types it goes on.
    if (player?.finished && !this.#composer?.open && !this._listening) this.#hangUp();
  }

  #hangUp(): void {
    clearInterval(this.#ticking);
    clearInterval(this.#typing);
    this._listening?.stop();
    this._listening = null;
    if (this.#player) {
      this.#composer?.finish(this._side, this._text);
      this.producer?.end(this.#player.positionMs);
      this._phase = "ended";
    }
    this._text = "";
    this.#player = null;
    this.#composer = null;
  }

  #togglePlay(): void {
    if (!this.#player) {
      void this.#begin(this._chosen || this.calls[0]?.id || FREE);
      return;
    }
    this._paused = !this._paused;
    this.#player.paused = this._paused;
  }

  #setSpeed(speed: number): void {
    this._speed = speed;
    if (this.#player) this.#player.speed = speed;
  }

  /** Typing without a call starts a free one: the visitor wants to see what happens. */
  #ensureCall(): void {
    if (this.#player) return;
    this._chosen = FREE;
    this._sample = null;
    this.#start({}, []);
  }

  #typed(text: string): void {
    this._text = text;
    // An input method shows its own letters first; they are not what is being said.
    if (this.#composing) return;
    this.#ensureCall();
    this.#composer?.type(this._side, text);
  }

  #finish(): void {
    if (!this._text.trim() && !this.#composer?.open) return;
    this.#ensureCall();
    this.#composer?.finish(this._side, this._text);
    this._text = "";
  }

  #switchSide(side: Side): void {
    if (side === this._side) return;
    this.#composer?.finish(this._side, this._text);
    this._text = "";
    this._side = side;
  }

  /** Type a sentence key by key, as a person or a recogniser would. */
  #type(sentence: string): void {
    clearInterval(this.#typing);
    this.#finish();
    this._side = "agent";
    const characters = [...sentence];
    let typed = 0;
    this.#typing = setInterval(() => {
      typed += 1;
      if (typed <= characters.length) {
        this.#typed(characters.slice(0, typed).join(""));
        return;
      }
      clearInterval(this.#typing);
      this.#finish();
    }, KEY_MS);
  }

  #toggleMicrophone(): void {
    const words = this.#words;
    if (this._listening) {
      this._listening.stop();
      return;
    }
    this.#ensureCall();
    this._listening = listen(
      (text, final) => {
        if (this._muted) return;
        if (final) this.#composer?.finish(this._side, text);
        else this.#composer?.type(this._side, text);
      },
      (error) => {
        this._listening = null;
        if (error) this.trouble = words.microphoneFailed(error);
      },
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#hangUp();
  }

  override render(): TemplateResult {
    const words = this.#words;
    return html`<div class="frame">
      <nav class="list" aria-label=${words.calls}>
        <header>
          <h1>${words.title}</h1>
          <p>${words.subtitle}</p>
        </header>
        <ul>
          ${this.calls.map((call) => this.#row(call.id, call.title, call.summary, words.industry[call.industry] ?? call.industry, call.duration_ms))}
          ${this.#row(FREE, words.freeCall, words.freeSummary, null, undefined)}
        </ul>
      </nav>
      <div class="desk">
        ${this.#phone(words)} ${this.#composerBox(words)}
      </div>
    </div>`;
  }

  #row(id: string, title: string, summary: string, chip: string | null, durationMs: number | undefined): TemplateResult {
    const chosen = this._chosen === id;
    return html`<li>
      <button class="row ${chosen ? "chosen" : ""}" type="button" aria-current=${chosen ? "true" : "false"} data-call=${id}
        @click=${() => void this.#begin(id)}>
        <span class="disc ${chip ? "" : "free"}">${chip ? chip.slice(0, 1) : penIcon}</span>
        <span class="about">
          <strong>${title}</strong>
          <span>${summary}</span>
        </span>
        <span class="meta">${chip ?? nothing}<br />${durationMs ? clock(durationMs) : nothing}</span>
      </button>
    </li>`;
  }

  #phone(words: Words): TemplateResult {
    const talking = this._phase === "talking";
    const free = this._chosen === FREE;
    const listing = this.#listing;
    const title = free ? words.freeCall : (listing?.title ?? "");
    const state = talking ? (this._paused ? words.paused : words.talking) : this._phase === "ended" ? words.ended : words.ringing;
    const total = free ? 0 : (listing?.duration_ms ?? this._sample?.turns.at(-1)?.end_ms ?? 0);
    return html`<section class="phone" aria-label=${title}>
      <span class="state ${talking && !this._paused ? "on" : ""}">${state}</span>
      <strong class="name">${title}</strong>
      <p class="slots">${Object.entries(this._sample?.slots ?? {}).map(([name, value]) => html`<span>${words.slots[name] ?? name} ${value}</span>`)}</p>
      <span class="time" role="timer">${clock(this._now)}</span>
      ${this.#progress(total)}
      <div class="keys">
        <button class="key ${this._muted ? "pressed" : ""}" type="button" aria-pressed=${this._muted}
          title=${this._muted ? words.unmute : words.mute} aria-label=${words.mute}
          @click=${() => (this._muted = !this._muted)}>${mutedIcon}</button>
        <button class="key main" type="button" data-key="play"
          title=${talking ? (this._paused ? words.resume : words.pause) : words.play}
          aria-label=${talking ? (this._paused ? words.resume : words.pause) : words.play}
          ?disabled=${this._phase === "loading" || !this.producer}
          @click=${() => this.#togglePlay()}>${talking && !this._paused ? pauseIcon : playIcon}</button>
        <button class="key stop" type="button" title=${words.hangUp} aria-label=${words.hangUp} ?disabled=${!talking}
          @click=${() => this.#hangUp()}>${hangUpIcon}</button>
      </div>
      <div class="speeds" role="group" aria-label=${words.speed}>
        ${SPEEDS.map(
          (speed) => html`<button type="button" aria-pressed=${this._speed === speed} @click=${() => this.#setSpeed(speed)}>${speed}×</button>`,
        )}
      </div>
    </section>`;
  }

  #progress(total: number): TemplateResult | typeof nothing {
    if (total <= 0) return nothing;
    return html`<progress max=${total} .value=${Math.min(this._now, total)} aria-hidden="true"></progress>`;
  }

  #composerBox(words: Words): TemplateResult {
    const side = (value: Side, label: string) => html`<button type="button" aria-pressed=${this._side === value}
      @click=${() => this.#switchSide(value)}>${label}</button>`;
    return html`<section class="composer" aria-label=${words.say}>
      <div class="line">
        <h2>${words.say}</h2>
        <div class="sides" role="group" aria-label=${words.speakAs}>
          ${side("agent", words.agent)}${side("customer", words.customer)}
        </div>
      </div>
      <form class="line" @submit=${(event: Event) => {
        event.preventDefault();
        this.#finish();
      }}>
        <input type="text" maxlength="300" autocomplete="off" lang="zh-CN" aria-label=${words.say}
          placeholder=${words.placeholder[this._side]}
          .value=${this._text}
          ?disabled=${this._muted && this._side === "agent"}
          @compositionstart=${() => (this.#composing = true)}
          @compositionend=${(event: CompositionEvent) => {
            this.#composing = false;
            this.#typed((event.target as HTMLInputElement).value);
          }}
          @input=${(event: Event) => this.#typed((event.target as HTMLInputElement).value)} />
        ${canListen()
          ? html`<button class="mic ${this._listening ? "on" : ""}" type="button" aria-pressed=${this._listening !== null}
              title=${words.microphone} aria-label=${words.microphone} ?disabled=${this._muted}
              @click=${() => this.#toggleMicrophone()}>${microphoneIcon}</button>`
          : nothing}
        <button class="send" type="submit">${words.send}</button>
      </form>
      <div class="tries">
        <span>${words.tryThese}</span>
        ${TRY.map((sentence) => html`<button type="button" lang="zh-CN" @click=${() => this.#type(sentence)}>${sentence}</button>`)}
      </div>
      <p class="trouble" role="status">${this.trouble}</p>
    </section>`;
  }
}

customElements.define("demo-softphone", DemoSoftphone);

declare global {
  interface HTMLElementTagNameMap {
    "demo-softphone": DemoSoftphone;
  }
}
