// <coach-playground>: a sentence on the left, a rule on the right, both judged by the service while somebody types.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { Refused } from "../core/http";
import type { Language } from "../core/strings";
import type { Api, Effect, Explained, Judged, Listing, Speaker } from "./api";
import { YamlEditor } from "./editor";
import { Pacer } from "./pacer";
import { styles } from "./styles";
import { effectView } from "./views/effect";
import { ruleView } from "./views/rule";
import { sentenceView } from "./views/sentence";
import { wordsFor } from "./words";

// Short enough to feel at once, long enough to leave out most of the letters on the way.
const SENTENCE_REST_MS = 120;
const RULE_REST_MS = 250;
// Calls take longer than a sentence, so they wait until the typing has really stopped.
const EFFECT_REST_MS = 800;
const THEMES = ["", "light", "dark"] as const;

export class Playground extends LitElement {
  static override styles = styles;
  static override properties = {
    language: { type: String },
    theme: { type: String, reflect: true },
    api: { attribute: false },
    listing: { attribute: false },
    asked: { attribute: false },
    _text: { state: true },
    _customer: { state: true },
    _speaker: { state: true },
    _phase: { state: true },
    _explained: { state: true },
    _rule: { state: true },
    _judged: { state: true },
    _effect: { state: true },
    _effectTrouble: { state: true },
    _calls: { state: true },
    _working: { state: true },
    _trouble: { state: true },
    _ruleTrouble: { state: true },
  };

  declare language: Language;
  /** "light", "dark" or empty for the system's choice. */
  declare theme: string;
  declare api: Api;
  declare listing: Listing;
  /** What the address asked for. */
  declare asked: { text: string; customer: string; rule: string };
  declare private _text: string;
  declare private _customer: string;
  declare private _speaker: Speaker;
  declare private _phase: string;
  declare private _explained: Explained | null;
  /** Id of the rule in the editor; "new" for a template. */
  declare private _rule: string;
  declare private _judged: Judged | null;
  declare private _effect: Effect | null;
  declare private _effectTrouble: string;
  declare private _calls: number;
  declare private _working: boolean;
  declare private _trouble: string;
  declare private _ruleTrouble: string;

  #editor: YamlEditor | null = null;
  #sentence = new Pacer(() => this.#explain(), SENTENCE_REST_MS);
  #draft = new Pacer(() => this.#judge(), RULE_REST_MS);
  #impact = new Pacer(() => this.#showEffect(), EFFECT_REST_MS);
  // What each rule was when it was opened, and what was made of it: changing between rules loses nothing.
  #opened = new Map<string, string>();
  #edited = new Map<string, string>();

  constructor() {
    super();
    this.language = "zh-CN";
    this.theme = "";
    this.asked = { text: "", customer: "", rule: "" };
    this._text = "";
    this._customer = "";
    this._speaker = "agent";
    this._phase = "";
    this._explained = null;
    this._rule = "";
    this._judged = null;
    this._effect = null;
    this._effectTrouble = "";
    this._calls = 50;
    this._working = false;
    this._trouble = "";
    this._ruleTrouble = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("beforeunload", this.#warn);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("beforeunload", this.#warn);
    this.#sentence.stop();
    this.#draft.stop();
    this.#impact.stop();
    this.#editor?.destroy();
    this.#editor = null;
  }

  protected override firstUpdated(_changed: PropertyValues): void {
    const root = this.renderRoot as ShadowRoot;
    this.#editor = new YamlEditor({
      parent: root.querySelector(".editor") as HTMLElement,
      root,
      label: wordsFor(this.language).yaml,
      onChange: (text) => {
        this.#edited.set(this._rule, text);
        this.#draft.soon();
      },
    });
    this._text = this.asked.text;
    this._customer = this.asked.customer;
    if (this._text) void this.#sentence.now();
    if (this.listing.rules.some((rule) => rule.id === this.asked.rule)) void this.#open(this.asked.rule);
  }

  protected override render(): TemplateResult {
    const words = wordsFor(this.language);
    const other = this.language === "en" ? "zh-CN" : "en";
    return html`
      <header class="bar">
        <h1>${words.title}</h1>
        <span class="digest">${words.rules} <code>${this.listing.digest}</code></span>
        <span class="room"></span>
        <a href=${this.language === "en" ? "/reviews?lang=en" : "/reviews"}>${words.reviews}</a>
        <label class="small">
          ${words.theme.label}
          <select @change=${(event: Event) => (this.theme = (event.target as HTMLSelectElement).value)}>
            ${THEMES.map((theme) => html`<option value=${theme}>${words.theme[theme || "system"]}</option>`)}
          </select>
        </label>
        <button type="button" class="link" lang=${other} @click=${() => this.#speak(other)}>${words.language}</button>
      </header>
      <div class="columns">
        <section aria-labelledby="sentence">
          <h2 id="sentence">${words.sentence}</h2>
          ${sentenceView({
            words,
            text: this._text,
            customer: this._customer,
            speaker: this._speaker,
            phase: this._phase,
            explained: this._explained,
            trouble: this._trouble,
            onText: (text) => this.#ask({ _text: text }),
            onCustomer: (text) => this.#ask({ _customer: text }),
            onSpeaker: (speaker) => this.#ask({ _speaker: speaker }),
            onPhase: (phase) => this.#ask({ _phase: phase }),
            onEdit: this.#known() ? (rule) => void this.#open(rule) : null,
          })}
        </section>
        <section aria-labelledby="rule">
          <h2 id="rule">${words.editor}</h2>
          ${ruleView({
            words,
            listing: this.listing,
            rule: this._rule,
            judged: this._judged,
            trouble: this._ruleTrouble,
            onChoose: (rule) => void this.#open(rule),
            onTemplate: () => this.#begin(),
            onGoTo: (line, column) => this.#editor?.goTo(line, column),
            onDownloadRule: () => this.#downloadRule(),
            onDownloadFile: () => void this.#downloadFile(),
          })}
          ${this._rule
            ? effectView({
                words,
                effect: this._effect,
                trouble: this._effectTrouble,
                calls: this._calls,
                working: this._working,
                ready: this._judged !== null && this._judged.problems.length === 0,
                onCalls: (calls) => (this._calls = calls),
                onShow: () => void this.#impact.now(),
              })
            : nothing}
        </section>
      </div>
    `;
  }

  /** Another language at once: a page that loads again would lose the edited rule. */
  #speak(language: Language): void {
    this.language = language;
    document.documentElement.lang = language;
    document.title = wordsFor(language).title;
  }

  #warn = (event: BeforeUnloadEvent): void => {
    if ([...this.#edited].some(([rule, text]) => text !== this.#opened.get(rule))) event.preventDefault();
  };

  #known(): boolean {
    return this.listing.rules.length > 0;
  }

  #ask(changed: Record<string, string>): void {
    Object.assign(this, changed);
    this.#sentence.soon();
  }

  async #explain(): Promise<void> {
    if (!this._text.trim()) {
      this._explained = null;
      this._trouble = "";
      return;
    }
    const text = this._text;
    try {
      const explained = await this.api.explain({
        text,
        customer: this._customer,
        speaker: this._speaker,
        phase: this._phase || null,
        yaml: this._rule ? (this.#editor?.text ?? null) : null,
      });
      this._explained = explained;
      this._trouble = "";
    } catch (error) {
      this._trouble = this.#told(error);
    }
  }

  async #judge(): Promise<void> {
    if (!this._rule || !this.#editor) return;
    const yaml = this.#editor.text;
    try {
      const judged = await this.api.judge(yaml);
      this._judged = judged;
      this._ruleTrouble = "";
      this.#editor?.mark(this.#editor.text === yaml ? judged.problems : []);
      // An effect on the page is that of the rule on the page.
      if (this._effect && judged.problems.length === 0) this.#impact.soon();
    } catch (error) {
      this._ruleTrouble = this.#told(error);
    }
    void this.#sentence.now();
  }

  async #open(rule: string): Promise<void> {
    if (!rule) return;
    try {
      const kept = this.#edited.has(rule) ? this.#opened.get(rule) : undefined;
      this.#fill(rule, kept ?? (await this.api.rule(rule)).yaml);
    } catch (error) {
      this._ruleTrouble = this.#told(error);
    }
  }

  /** Begin a new rule; one that was not downloaded yet comes back instead. */
  #begin(): void {
    if (this.#edited.get("new") === this.#opened.get("new")) this.#edited.delete("new");
    this.#fill("new", this.listing.template);
  }

  #fill(rule: string, yaml: string): void {
    this._rule = rule;
    this._judged = null;
    this._effect = null;
    this._effectTrouble = "";
    this.#opened.set(rule, yaml);
    this.#editor?.open(this.#edited.get(rule) ?? yaml, wordsFor(this.language).yaml);
    void this.#draft.now();
  }

  async #showEffect(): Promise<void> {
    if (!this.#editor) return;
    this._working = true;
    try {
      this._effect = await this.api.effect(this.#editor.text, this._calls);
      this._effectTrouble = "";
    } catch (error) {
      this._effectTrouble = this.#told(error);
    } finally {
      this._working = false;
    }
  }

  #downloadRule(): void {
    this.#keep();
    const id = this._judged?.rules[0]?.id ?? "draft";
    save(`${id.replace("/", ".")}.yml`, this.#editor?.text ?? "");
  }

  async #downloadFile(): Promise<void> {
    try {
      const whole = await this.api.file(this.#editor?.text ?? "");
      this.#keep();
      save(whole.file.slice(whole.file.lastIndexOf("/") + 1), whole.yaml);
    } catch (error) {
      this._ruleTrouble = this.#told(error);
    }
  }

  /** What was downloaded is not lost when the page is left. */
  #keep(): void {
    if (this.#editor) this.#opened.set(this._rule, this.#editor.text);
  }

  #told(error: unknown): string {
    const words = wordsFor(this.language);
    if (!(error instanceof Refused)) throw error;
    if (error.status === 0) return words.offline;
    return error.status === 401 ? words.login.refused : error.message;
  }
}

function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the blob after the click returns.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

if (!customElements.get("coach-playground")) customElements.define("coach-playground", Playground);
