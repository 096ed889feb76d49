// <coach-reviews>: files go in on the left, one review is seen, opened and judged on the right.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { Refused } from "../core/http";
import type { Language } from "../core/strings";
import { styles as common } from "../playground/styles";
import type { Api, Hit, Hits, Limits, Options, Review, Verdict } from "./api";
import { styles } from "./styles";
import { intakeView } from "./views/intake";
import { judgeView } from "./views/judge";
import { reviewView } from "./views/review";
import { wordsFor } from "./words";

const THEMES = ["", "light", "dark"] as const;
const REVIEWER = "coach-reviewer";
const ENDED = new Set<Review["state"]>(["finished", "failed", "cancelled"]);

export class Reviews extends LitElement {
  static override styles = [common, styles];
  static override properties = {
    language: { type: String },
    theme: { type: String, reflect: true },
    api: { attribute: false },
    listing: { attribute: false },
    _reviews: { state: true },
    _chosen: { state: true },
    _over: { state: true },
    _sent: { state: true },
    _trouble: { state: true },
    _reviewTrouble: { state: true },
    _sure: { state: true },
    _hits: { state: true },
    _rules: { state: true },
    _rule: { state: true },
    _next: { state: true },
    _current: { state: true },
    _reviewer: { state: true },
    _judgeTrouble: { state: true },
    _cut: { state: true },
  };

  declare language: Language;
  /** "light", "dark" or empty for the system's choice. */
  declare theme: string;
  declare api: Api;
  declare listing: { reviews: Review[]; limits: Limits };
  declare private _reviews: Review[];
  /** Id of the review that is shown, "" for none. */
  declare private _chosen: string;
  declare private _over: boolean;
  declare private _sent: number | null;
  declare private _trouble: string;
  declare private _reviewTrouble: string;
  declare private _sure: boolean;
  declare private _hits: Hit[];
  declare private _rules: NonNullable<Hits["rules"]>;
  declare private _rule: string;
  declare private _next: number | null;
  declare private _current: number;
  declare private _reviewer: string;
  declare private _judgeTrouble: string;
  /** Ids of the reviews whose progress does not come through. */
  declare private _cut: ReadonlySet<string>;

  #abort: (() => void) | null = null;
  #watched = new Map<string, () => void>();

  constructor() {
    super();
    this.language = "zh-CN";
    this.theme = "";
    this._reviews = [];
    this._chosen = "";
    this._over = false;
    this._sent = null;
    this._trouble = "";
    this._reviewTrouble = "";
    this._sure = false;
    this._hits = [];
    this._rules = [];
    this._rule = "";
    this._next = null;
    this._current = 0;
    this._reviewer = remembered();
    this._judgeTrouble = "";
    this._cut = new Set();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#watched.values()) stop();
    this.#watched.clear();
    this.#abort?.();
  }

  protected override firstUpdated(_changed: PropertyValues): void {
    this._reviews = this.listing.reviews;
    for (const review of this._reviews) this.#watch(review);
  }

  protected override render(): TemplateResult {
    const words = wordsFor(this.language);
    const other = this.language === "en" ? "zh-CN" : "en";
    const review = this.#review();
    return html`
      <header class="bar">
        <h1>${words.title}</h1>
        <a href=${this.language === "en" ? "/playground?lang=en" : "/playground"}>${words.playground}</a>
        <span class="room"></span>
        <label class="small">
          ${words.theme.label}
          <select @change=${(event: Event) => (this.theme = (event.target as HTMLSelectElement).value)}>
            ${THEMES.map((theme) => html`<option value=${theme}>${words.theme[theme || "system"]}</option>`)}
          </select>
        </label>
        <button type="button" class="link" lang=${other} @click=${() => this.#speak(other)}>${words.language}</button>
      </header>
      <div class="columns reviews">
        <section aria-labelledby="add">
          <h2 id="add">${words.add}</h2>
          ${intakeView({
            words,
            limits: this.listing.limits,
            over: this._over,
            sent: this._sent,
            trouble: this._trouble,
            onOver: (over) => (this._over = over),
            onFiles: (files) => void this.#upload(files),
            onStop: () => this.#abort?.(),
            onFolder: (folder) => void this.#take(this.api.fromFolder(folder.trim())),
          })}
          <h2>${words.earlier}</h2>
          ${this._reviews.length
            ? html`<ul class="list">
                ${this._reviews.map((each) => this.#item(each))}
              </ul>`
            : html`<p class="quiet">${words.none}</p>`}
        </section>
        <section aria-labelledby=${review ? "review" : "pick"}>
          ${review && this._cut.has(review.id) ? html`<p class="quiet" role="status">${words.cut}</p>` : nothing}
          ${review
            ? reviewView({
                words,
                language: this.language,
                review,
                sure: this._sure,
                trouble: this._reviewTrouble,
                onStart: (options) => void this.#start(review, options),
                onRemove: () => void this.#remove(review),
                onOpen: () => void this.#open(review),
                onDownload: (file) => void this.#download(review, file),
              })
            : html`<p id="pick" class="quiet">${words.pick}</p>`}
          ${review?.state === "finished"
            ? judgeView({
                words,
                hits: this._hits,
                rules: this._rules,
                rule: this._rule,
                more: this._next !== null,
                current: this._current,
                reviewer: this._reviewer,
                trouble: this._judgeTrouble,
                onReviewer: (name) => this.#name(name),
                onRule: (rule) => void this.#list(rule),
                onMore: () => void this.#more(),
                onCurrent: (index) => (this._current = index),
                onVerdict: (index, verdict) => void this.#judge(index, verdict),
                onKey: (event) => this.#key(event),
              })
            : nothing}
        </section>
      </div>
    `;
  }

  #item(review: Review): TemplateResult {
    const words = wordsFor(this.language);
    const done = review.state === "running" && review.progress ? ` ${Math.floor(review.progress.done * 100)} %` : "";
    return html`<li>
      <button type="button" aria-current=${review.id === this._chosen ? "true" : "false"} @click=${() => this.#choose(review.id)}>
        <span class="name">${review.title}</span>
        <span class="quiet">${new Date(review.created_at).toLocaleString(this.language)} · ${words.state[review.state]}${done}</span>
      </button>
    </li>`;
  }

  #speak(language: Language): void {
    this.language = language;
    document.documentElement.lang = language;
    document.title = wordsFor(language).title;
  }

  #review(): Review | undefined {
    return this._reviews.find((review) => review.id === this._chosen);
  }

  #choose(id: string): void {
    this._chosen = id;
    this._sure = false;
    this._reviewTrouble = "";
    this._hits = [];
    this._rules = [];
    if (this.#review()?.state === "finished") void this.#list("");
  }

  #put(review: Review): void {
    const before = this._reviews.find((each) => each.id === review.id);
    this._reviews = before
      ? this._reviews.map((each) => (each.id === review.id ? review : each))
      : [review, ...this._reviews];
    if (review.id === this._chosen && review.state === "finished" && before?.state !== "finished") void this.#list("");
  }

  #watch(review: Review): void {
    if (ENDED.has(review.state) || (review.state === "received" && review.look)) return;
    this.#unwatch(review.id);
    const stop = this.api.watch(
      review.id,
      (now) => {
        this.#put(now);
        // What waits to be started changes only by what is done here.
        if (ENDED.has(now.state) || (now.state === "received" && now.look)) this.#unwatch(review.id);
      },
      (live) => {
        const cut = new Set(this._cut);
        if (live) cut.delete(review.id);
        else cut.add(review.id);
        this._cut = cut;
      },
    );
    this.#watched.set(review.id, stop);
  }

  #unwatch(id: string): void {
    this.#watched.get(id)?.();
    this.#watched.delete(id);
    this._cut = new Set([...this._cut].filter((each) => each !== id));
  }

  async #upload(files: File[]): Promise<void> {
    if (!files.length || this._sent !== null) return;
    const words = wordsFor(this.language);
    const { upload_bytes, upload_files } = this.listing.limits;
    // The service would refuse it anyway, but only after a long way up.
    if (files.length > upload_files) this._trouble = words.tooMany(upload_files);
    else if (files.reduce((sum, file) => sum + file.size, 0) > upload_bytes)
      this._trouble = words.tooLarge(Math.floor(upload_bytes / 2 ** 20));
    else {
      this._sent = 0;
      const { done, abort } = this.api.upload(files, (share) => (this._sent = share));
      this.#abort = abort;
      await this.#take(done);
      this.#abort = null;
      this._sent = null;
    }
  }

  async #take(coming: Promise<Review>): Promise<void> {
    this._trouble = "";
    try {
      const review = await coming;
      this.#put(review);
      this.#watch(review);
      this.#choose(review.id);
    } catch (error) {
      this._trouble = this.#told(error);
    }
  }

  async #start(review: Review, options: Options | null): Promise<void> {
    await this.#act(async () => {
      const started = await this.api.start(review.id, options);
      this.#put(started);
      this.#watch(started);
    });
  }

  async #remove(review: Review): Promise<void> {
    const unfinished = review.state === "queued" || review.state === "running";
    if (!unfinished && !this._sure) {
      this._sure = true;
      return;
    }
    await this.#act(async () => {
      const left = await this.api.remove(review.id);
      this._sure = false;
      if (left) {
        this.#put(left);
        return;
      }
      this.#unwatch(review.id);
      this._reviews = this._reviews.filter((each) => each.id !== review.id);
      this._chosen = "";
    });
  }

  async #open(review: Review): Promise<void> {
    // Opened at once: a browser blocks windows that come later than the click.
    const page = window.open("about:blank", "_blank");
    await this.#act(async () => {
      const url = await this.api.link(review.id, "report.html");
      if (page) {
        page.opener = null;
        page.location.replace(new URL(url, location.href).href);
      } else location.assign(url);
    });
    if (this._reviewTrouble) page?.close();
  }

  async #download(review: Review, file: string): Promise<void> {
    await this.#act(async () => {
      const link = document.createElement("a");
      link.href = await this.api.link(review.id, file);
      link.download = "";
      link.click();
    });
  }

  async #list(rule: string): Promise<void> {
    const id = this._chosen;
    this._judgeTrouble = "";
    try {
      const page = await this.api.hits(id, rule, 0);
      if (id !== this._chosen) return;
      this._hits = page.hits;
      this._next = page.next;
      this._rule = rule;
      this._rules = page.rules ?? this._rules;
      this._current = 0;
    } catch (error) {
      this._judgeTrouble = this.#told(error);
    }
  }

  async #more(): Promise<void> {
    if (this._next === null) return;
    const [id, rule] = [this._chosen, this._rule];
    try {
      const page = await this.api.hits(id, rule, this._next);
      if (id !== this._chosen || rule !== this._rule) return;
      this._hits = [...this._hits, ...page.hits];
      this._next = page.next;
    } catch (error) {
      this._judgeTrouble = this.#told(error);
    }
  }

  #name(name: string): void {
    this._reviewer = name;
    this._judgeTrouble = "";
    try {
      localStorage.setItem(REVIEWER, name);
    } catch {
      // A browser that keeps nothing: the name is asked for again next time.
    }
  }

  #key(event: KeyboardEvent): void {
    const inReason = event.target instanceof HTMLInputElement;
    if (inReason) {
      const verdict = this._hits[this._current]?.decision?.verdict;
      if (event.key === "Enter" && verdict && !event.isComposing) {
        event.preventDefault();
        void this.#judge(this._current, verdict);
      } else if (event.key === "Escape" || event.key === "Enter") void this.#move(0);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "j" || key === "arrowdown") void this.#move(1);
    else if (key === "k" || key === "arrowup") void this.#move(-1);
    else if (key === "y" || key === "n") void this.#judge(this._current, key === "y" ? "right" : "wrong", true);
    else if (key === "r") this.#reason(this._current)?.focus();
    else return;
    event.preventDefault();
  }

  async #move(by: number): Promise<void> {
    if (by > 0 && this._current === this._hits.length - 1) await this.#more();
    this._current = Math.max(0, Math.min(this._hits.length - 1, this._current + by));
    await this.updateComplete;
    const hit = this.renderRoot.querySelectorAll<HTMLElement>(".hit")[this._current];
    hit?.focus({ preventScroll: true });
    hit?.scrollIntoView({ block: "nearest" });
  }

  #reason(index: number): HTMLInputElement | null {
    return this.renderRoot.querySelectorAll<HTMLElement>(".hit")[index]?.querySelector(".reason") ?? null;
  }

  async #judge(index: number, verdict: Verdict, onwards = false): Promise<void> {
    const [hit, id, words] = [this._hits[index], this._chosen, wordsFor(this.language)];
    if (!hit || hit.decision?.state === "settled") return;
    if (!this._reviewer) {
      this._judgeTrouble = words.needReviewer;
      this.renderRoot.querySelector<HTMLElement>(".reviewer")?.focus();
      return;
    }
    const input = this.#reason(index);
    const reason = input?.value.trim() ?? "";
    if (hit.decision?.state === "appealed" && !reason) {
      this._judgeTrouble = words.settleHint;
      input?.focus();
      return;
    }
    try {
      const decision =
        hit.decision?.state === "appealed"
          ? await this.api.settle(hit.decision, verdict, reason, this._reviewer)
          : await this.api.decide(id, hit, verdict, reason, this._reviewer);
      this._judgeTrouble = "";
      this._hits = this._hits.map((each) => (each === hit ? { ...each, decision } : each));
      if (input) input.value = "";
      // The next one, unless somebody has gone elsewhere meanwhile.
      if (this._current === index) await this.#move(onwards ? 1 : 0);
    } catch (error) {
      this._judgeTrouble = this.#told(error);
    }
  }

  async #act(work: () => Promise<void>): Promise<void> {
    this._reviewTrouble = "";
    try {
      await work();
    } catch (error) {
      this._reviewTrouble = this.#told(error);
    }
  }

  #told(error: unknown): string {
    const words = wordsFor(this.language);
    return error instanceof Refused && error.status > 0 ? error.message : words.offline;
  }
}

function remembered(): string {
  try {
    return localStorage.getItem(REVIEWER) ?? "";
  } catch {
    return "";
  }
}

if (!customElements.get("coach-reviews")) customElements.define("coach-reviews", Reviews);
