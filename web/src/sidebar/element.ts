// <coach-sidebar server="" agent-id="" lang="" theme="">: the panel an agent looks at.
// It holds the state, asks the core what it means and the views what it looks like.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { elapsed, noCall, reduce, takenUp, type Act, type Call, type Card } from "../core/call";
import { initial, type Connection } from "../core/connection";
import { choose, look, noFocus, refocus, type Focus, type FocusView } from "../core/focus";
import { baseUrl, Line } from "../core/socket";
import { languageOf, stringsFor, type Strings } from "../core/strings";
import type { AgentMessage, CallMessage, Suggestion, Verdict } from "../core/wire";
import { copyText } from "./clipboard";
import { canFloat, float, popUp } from "./floating";
import { bell, flag } from "./icons";
import { shortcutFor } from "./shortcuts";
import { styles } from "./styles";
import { bar } from "./views/bar";
import type { CardActions } from "./views/card";
import { announce, blind, place, type Note } from "./views/place";
import { transcript } from "./views/transcript";

export type GetToken = (options: { renew: boolean }) => string | Promise<string>;

const NOTE_MS = 2_500;
// Longer than a hand needs to stop, shorter than an eye needs to read.
const GUARD_MS = 350;
// Closer to the end than this counts as reading along.
const FOLLOW_PX = 32;
// A wheel, a finger or a dragged scroll bar goes on scrolling for a while.
const HAND_MS = 1_500;

export class CoachSidebar extends LitElement {
  static override styles = styles;
  static override properties = {
    server: { type: String },
    agentId: { type: String, attribute: "agent-id" },
    language: { type: String, attribute: "lang" },
    theme: { type: String, reflect: true },
    shortcuts: { type: String },
    token: { attribute: false },
    getToken: { attribute: false },
    _call: { state: true },
    _focus: { state: true },
    _connection: { state: true },
    _following: { state: true },
    _note: { state: true },
    _guarded: { state: true },
    _now: { state: true },
  };

  /** Address of the service; empty means this page's origin. */
  declare server: string;
  declare agentId: string;
  /** "zh-CN" or "en"; without it the browser decides. */
  declare language: string | null;
  /** "light", "dark" or empty for the system's choice. */
  declare theme: string;
  /** "window" listens for the keys in the whole page; otherwise only inside the panel. */
  declare shortcuts: string;
  /** A signed sidebar token. Never an attribute: attributes end up in page dumps. */
  declare token: string;
  /** Called for a token whenever one is needed; `renew` says that the last one was not accepted. */
  declare getToken: GetToken | null;

  declare private _call: Call;
  declare private _focus: Focus;
  declare private _connection: Connection;
  declare private _following: boolean;
  declare private _note: Note | null;
  /** A card has just replaced another: a click or key meant for that one must not hit this one. */
  declare private _guarded: boolean;
  declare private _now: number;

  #line: Line | null = null;
  #guard: ReturnType<typeof setTimeout> | undefined;
  #focusInPlace = false;
  #handAt = 0;
  readonly #resized = new ResizeObserver(() => {
    if (this._following) this.#toLatest();
  });
  #stopping: ReturnType<typeof setTimeout> | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #keysOn: Document | null = null;

  constructor() {
    super();
    this.server = "";
    this.agentId = "";
    this.language = null;
    this.theme = "";
    this.shortcuts = "";
    this.token = "";
    this.getToken = null;
    this._call = noCall;
    this._focus = noFocus;
    this._connection = initial;
    this._following = true;
    this._note = null;
    this._guarded = false;
    this._now = Date.now();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    clearTimeout(this.#stopping);
    this.#ticking ??= setInterval(() => this.#settle(), 1_000);
    // A window of our own (picture-in-picture) has no other use for the keys.
    if (this.shortcuts === "window" || this.ownerDocument !== document) {
      this.#keysOn = this.ownerDocument;
      this.#keysOn.addEventListener("keydown", this.#onKey);
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#keysOn?.removeEventListener("keydown", this.#onKey);
    this.#keysOn = null;
    // Moving to another window disconnects and connects in one go; only a real removal hangs up.
    this.#stopping = setTimeout(() => {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
      this.#line?.stop();
      this.#line = null;
    }, 0);
  }

  /** Constructed sheets do not survive a move to another document: make the sheet again over there. */
  adoptedCallback(): void {
    const view = this.ownerDocument.defaultView as (Window & typeof globalThis) | null;
    if (!view || !this.shadowRoot) return;
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(styles.map((one) => one.cssText).join("\n"));
    this.shadowRoot.adoptedStyleSheets = [sheet];
  }

  override willUpdate(): void {
    this.#focusInPlace = this.renderRoot?.querySelector(".place")?.matches(":focus-within") ?? false;
  }

  override firstUpdated(): void {
    const talk = this.renderRoot.querySelector(".talk");
    if (talk) this.#resized.observe(talk);
  }

  override updated(changed: PropertyValues): void {
    // A card that leaves takes its buttons along; the keyboard stays in the panel.
    if (this.#focusInPlace && this.shadowRoot?.activeElement === null) {
      this.renderRoot.querySelector<HTMLElement>(".w")?.focus({ preventScroll: true });
    }
    if (changed.has("server") || changed.has("agentId")) {
      this.#line?.stop();
      this.#line = null;
      // Another agent's call must not stay on the screen.
      this._call = noCall;
      this._focus = noFocus;
    }
    if (["server", "agentId", "token", "getToken"].some((name) => changed.has(name))) this.#connect();
    if (this._following) this.#toLatest();
  }

  #connect(): void {
    if (!this.agentId || (!this.token && !this.getToken)) return;
    this.#line ??= new Line({
      server: this.server,
      agentId: this.agentId,
      getToken: (options) => this.#fetchToken(options),
      onMessage: (message) => this.#hear(message),
      onChange: (connection) => this.#onConnection(connection),
      onError: (code, message) => this.#tell("coach-error", { code, message }),
    });
    this.#line.start();
  }

  async #fetchToken(options: { renew: boolean }): Promise<string> {
    return this.getToken ? this.getToken(options) : this.token;
  }

  #onConnection(connection: Connection): void {
    const before = this._connection.phase;
    this._connection = connection;
    if (connection.phase === "live" && before !== "live") this.#tell("coach-ready", { agentId: this.agentId });
    if (connection.phase === "refused") {
      this.#tell("coach-error", { code: connection.trouble, message: this.#strings.trouble.forbidden });
    }
  }

  #hear(message: CallMessage): void {
    const before = this._call;
    this.#apply(message);
    if (this._call.id !== before.id) this._following = true;
    this.#tellNews(before, this._call);
  }

  /** Told from the state and not from the message, so that a snapshot's news is told too, and each thing once. */
  #tellNews(before: Call, after: Call): void {
    const known = new Map(before.cards.map((one) => [one.advice.id, one] as const));
    for (const { advice, outcome } of after.cards) {
      const earlier = known.get(advice.id);
      if (!earlier) this.#tell("coach-advice", advice);
      else if (outcome !== earlier.outcome && (outcome === "adopted" || outcome === "repaired")) {
        this.#tell("coach-adopted", { adviceId: advice.id, outcome });
      }
    }
  }

  #apply(message: CallMessage | Act): void {
    this._call = reduce(this._call, message, Date.now());
    this.#settle();
  }

  /** Let time and news decide which card has the place. */
  #settle(): void {
    const now = Date.now();
    this._now = now;
    if (this._note && this._note.until <= now) this._note = null;
    this.#moveFocus(refocus(this._call, this._focus, now, this.#held), now);
  }

  #moveFocus(next: Focus, now: number): void {
    if (next.id === this._focus.id) {
      this._focus = next;
      return;
    }
    if (this._focus.id !== null && next.id !== null && look(this._call, this._focus, now).card) {
      this._guarded = true;
      clearTimeout(this.#guard);
      this.#guard = setTimeout(() => (this._guarded = false), GUARD_MS);
    }
    this._focus = next;
    if (next.id !== null) {
      this._note = null;
      this._call = reduce(this._call, { type: "act.seen", id: next.id }, now);
    }
  }

  /** The pointer or the keyboard is on the card. */
  get #held(): boolean {
    return this.renderRoot?.querySelector(".place")?.matches(":hover, :focus-within") ?? false;
  }

  #say(message: AgentMessage): void {
    this.#line?.say(message);
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  get #strings(): Strings {
    return stringsFor(languageOf(this.language, navigator.language));
  }

  get #view(): FocusView {
    return look(this._call, this._focus, this._now);
  }

  readonly #actions: CardActions = {
    copy: (of, suggestion) => void this.#copy(of, suggestion),
    judge: (of, verdict) => this.#judge(of, verdict),
    snooze: (of) => this.#snooze(of),
    dismiss: (of) => this.#dismiss(of),
    next: () => this.#next(),
  };

  async #copy(of: Card, suggestion: Suggestion): Promise<void> {
    const copied = await copyText(suggestion.text, this.shadowRoot as ShadowRoot);
    if (!copied) {
      this.#tell("coach-error", { code: "copy", message: this.#strings.copyFailed });
      return;
    }
    const { id } = of.advice;
    this.#apply({ type: "act.copied", id, phrase: suggestion.phrase });
    this.#say({ type: "used", advice_id: id, phrase: suggestion.phrase });
  }

  #judge(of: Card, verdict: Verdict): void {
    const { id } = of.advice;
    if (verdict === "false-alarm") this.#leaveNote(flag, this.#strings.falseAlarmHint);
    this.#apply({ type: "act.feedback", id, verdict });
    this.#say({ type: "feedback", advice_id: id, verdict });
    this.#tell("coach-feedback", { adviceId: id, verdict });
  }

  #snooze(of: Card): void {
    const { call_id, rule } = of.advice;
    this.#leaveNote(bell, this.#strings.snoozedHint);
    this.#apply({ type: "act.snooze", rule });
    this.#say({ type: "snooze", call_id, rule });
  }

  #dismiss(of: Card): void {
    const { id } = of.advice;
    this.#apply({ type: "act.dismiss", id });
    this.#say({ type: "dismiss", advice_id: id });
    this.#tell("coach-dismiss", { adviceId: id });
  }

  #next(): void {
    const now = Date.now();
    this.#moveFocus(choose(this.#view.queue[0]?.advice.id, this._focus, now), now);
    this._guarded = false;
  }

  /** A mark in the transcript brings its card back. */
  #reopen(id: string): void {
    const now = Date.now();
    if (!this._call.cards.some((one) => one.advice.id === id && one.outcome === null)) return;
    this._call = reduce(this._call, { type: "act.reopen", id }, now);
    this.#moveFocus(choose(id, this._focus, now), now);
  }

  #leaveNote(icon: unknown, text: string): void {
    this._note = { icon, text, until: Date.now() + NOTE_MS };
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const { card: shown, ticked } = this.#view;
    if (!shown || ticked || this._guarded || this._connection.phase !== "live") return;
    const act = shortcutFor(event, shown, this.#actions);
    if (!act) return;
    event.preventDefault();
    // Once only, also when both the panel and its window listen.
    event.stopPropagation();
    act();
  };

  async #float(): Promise<void> {
    if (canFloat()) {
      await float(this, this.#strings.region).catch((error: unknown) =>
        this.#tell("coach-error", { code: "floating", message: String(error) }),
      );
      return;
    }
    const page = new URL("/sidebar", baseUrl(this.server));
    popUp(page, {
      agentId: this.agentId,
      language: languageOf(this.language, navigator.language),
      getToken: (options) => this.#fetchToken(options),
    });
  }

  /** Only a hand stops the following; growing text and a resized window scroll too. */
  #onScroll(): void {
    const talk = this.renderRoot.querySelector(".talk");
    if (!talk) return;
    const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < FOLLOW_PX;
    if (atEnd) this._following = true;
    else if (Date.now() - this.#handAt < HAND_MS) this._following = false;
  }

  #toLatest(): void {
    const talk = this.renderRoot.querySelector(".talk");
    if (talk) talk.scrollTop = talk.scrollHeight;
  }

  override render(): TemplateResult {
    const strings = this.#strings;
    const call = this._call;
    const live = this._connection.phase === "live";
    const view = this.#view;
    return html`<section class="w" role="region" aria-label=${strings.region} tabindex="-1" @keydown=${this.#onKey}>
      ${bar({
        strings,
        connection: this._connection,
        elapsedMs: call.id === null ? null : elapsed(call, this._now),
        ended: call.endedAtMs !== null,
        taken: takenUp(call),
        onFloat: this.ownerDocument === document && this.shortcuts !== "window" ? () => void this.#float() : null,
      })}
      <div class="place" role="group" aria-label=${strings.advice}>
        ${place({ view, strings, call, connection: this._connection, note: this._note, guarded: this._guarded, actions: this.#actions })}
      </div>
      ${live ? blind(call, strings) : nothing} ${announce(live ? view : null, strings)}
      ${transcript({
        strings,
        utterances: call.utterances,
        following: this._following,
        dim: !live,
        onScroll: () => this.#onScroll(),
        onHand: () => (this.#handAt = Date.now()),
        onLatest: () => {
          this._following = true;
          this.#toLatest();
        },
        onMark: (id) => this.#reopen(id),
      })}
    </section>`;
  }
}

// A page may load the script twice, directly and through an adapter.
if (!customElements.get("coach-sidebar")) customElements.define("coach-sidebar", CoachSidebar);

declare global {
  interface HTMLElementTagNameMap {
    "coach-sidebar": CoachSidebar;
  }
}
