// <coach-sidebar server="" agent-id="" lang="" theme="">: the panel an agent looks at.
// It holds the state, asks the core what it means and the views what it looks like.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { elapsed, noCall, reduce, takenUp, whisperOf, type Act, type Call, type Card, type Whisper } from "../core/call";
import { initial, type Connection } from "../core/connection";
import { choose, look, noFocus, refocus, type Focus, type FocusView } from "../core/focus";
import { guideStringsFor } from "../core/hints";
import { agentPath, baseUrl, Line } from "../core/socket";
import { languageOf, stringsFor, type Language, type Strings } from "../core/strings";
import type { AgentMessage, CallMessage, Suggestion, Verdict } from "../core/wire";
import { copyText } from "./clipboard";
import { canFloat, float, popUp } from "./floating";
import { Following } from "./following";
import { bell, flag } from "./icons";
import { isForeign, shortcutFor } from "./shortcuts";
import { styles } from "./styles";
import { bar } from "./views/bar";
import type { CardActions } from "./views/card";
import { guide, ledger, type Undo } from "./views/guide";
import { announce, blind, place, type Note } from "./views/place";
import { transcript } from "./views/transcript";
import { whisper } from "./views/whisper";

export type GetToken = (options: { renew: boolean }) => string | Promise<string>;

const NOTE_MS = 2_500;
const UNDO_MS = 10_000;
// Longer than a hand needs to stop, shorter than an eye needs to read.
const GUARD_MS = 350;

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
    _note: { state: true },
    _undo: { state: true },
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
  declare private _note: Note | null;
  declare private _undo: Undo | null;
  /** A card has just replaced another: a click or key meant for that one must not hit this one. */
  declare private _guarded: boolean;
  declare private _now: number;

  #line: Line | null = null;
  #guard: ReturnType<typeof setTimeout> | undefined;
  #focusInPlace = false;
  readonly #following = new Following(this, () => this.renderRoot?.querySelector(".talk") ?? null);
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
    this._note = null;
    this._undo = null;
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
  }

  #connect(): void {
    if (!this.agentId || (!this.token && !this.getToken)) return;
    this.#line ??= new Line({
      server: this.server,
      path: agentPath(this.agentId),
      getToken: (options) => this.#fetchToken(options),
      // An agent's stream has no messages of a team's.
      onMessage: (message) => this.#hear(message as CallMessage),
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
    // What it pushes down must not be hit by a click meant for something else.
    if (whisperOf(this._call, this._now)?.note.id !== whisperOf(before, this._now)?.note.id) this.#guardPlace();
    if (this._call.id !== before.id) {
      this.#following.resume();
      this._undo = null;
    }
    this.#tellNews(before, this._call);
  }

  /** Told from the state and not from the message, so that a snapshot's news is told too, and each thing once. */
  #tellNews(before: Call, after: Call): void {
    const known = new Map(before.cards.map((one) => [one.advice.id, one] as const));
    for (const { advice, outcome } of after.cards) {
      const earlier = known.get(advice.id);
      if (!earlier) {
        // One that crossed the agent's muting on its way is shown nowhere.
        if (!after.snoozed.includes(advice.rule)) this.#tell("coach-advice", advice);
      } else if (outcome !== earlier.outcome && (outcome === "adopted" || outcome === "repaired")) {
        this.#tell("coach-adopted", { adviceId: advice.id, outcome });
      }
    }
    const happened = new Set(before.happenings.map((one) => one.moment.id));
    const whispered = new Set(before.whispers.map((one) => one.note.id));
    for (const { note } of after.whispers) if (!whispered.has(note.id)) this.#tell("coach-whisper", note);
    for (const { moment } of after.happenings) if (!happened.has(moment.id)) this.#tell("coach-moment", moment);
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
    if (this._undo && this._undo.until <= now) this._undo = null;
    this.#moveFocus(refocus(this._call, this._focus, now, this.#held), now);
  }

  #moveFocus(next: Focus, now: number): void {
    if (next.id === this._focus.id) {
      this._focus = next;
      return;
    }
    if (this._focus.id !== null && next.id !== null && look(this._call, this._focus, now).card) {
      this.#guardPlace();
    }
    this._focus = next;
    if (next.id !== null) {
      this._note = null;
      this._call = reduce(this._call, { type: "act.seen", id: next.id }, now);
    }
  }

  #guardPlace(): void {
    this._guarded = true;
    clearTimeout(this.#guard);
    this.#guard = setTimeout(() => (this._guarded = false), GUARD_MS);
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

  get #language(): Language {
    return languageOf(this.language, navigator.language);
  }

  get #strings(): Strings {
    return stringsFor(this.#language);
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
    if (verdict === "false-alarm") {
      this.#leaveNote(flag, this.#strings.falseAlarmHint);
      this.#offerUndo("feedback", of);
    }
    this.#apply({ type: "act.feedback", id, verdict });
    this.#say({ type: "feedback", advice_id: id, verdict });
    this.#tell("coach-feedback", { adviceId: id, verdict });
  }

  #snooze(of: Card): void {
    const { call_id, rule } = of.advice;
    this.#leaveNote(bell, this.#strings.snoozedHint);
    this.#offerUndo("snooze", of);
    this.#apply({ type: "act.snooze", rule });
    this.#say({ type: "snooze", call_id, rule });
  }

  #heed({ note }: Whisper): void {
    this.#apply({ type: "act.heed", id: note.id });
    this.#say({ type: "whisper.read", call_id: note.call_id, id: note.id });
  }

  #offerUndo(kind: Undo["kind"], { advice: { id, rule, title } }: Card): void {
    this._undo = { kind, adviceId: id, rule, title, until: Date.now() + UNDO_MS };
  }

  /** Take back the last false alarm or mute: the service is told, and the card comes back. */
  #takeBack(): void {
    const undo = this._undo;
    if (!undo || this._call.id === null) return;
    this._undo = null;
    this._note = null;
    const { adviceId: id, rule } = undo;
    if (undo.kind === "feedback") {
      this.#apply({ type: "act.feedback.undo", id });
      this.#say({ type: "feedback.undo", advice_id: id });
    } else {
      this.#apply({ type: "act.snooze.undo", id, rule });
      this.#say({ type: "snooze.undo", call_id: this._call.id, rule });
    }
    // Back to where it was taken from, unless something graver stands there by now.
    if (this.#view.card?.advice.severity !== "violation") this.#moveFocus(choose(id, this._focus, Date.now()), Date.now());
    this.#tell("coach-undo", { adviceId: id, rule, kind: undo.kind });
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
    if (isForeign(event) || this._connection.phase !== "live") return;
    const act = this.#actFor(event);
    if (!act) return;
    event.preventDefault();
    // Once only, also when both the panel and its window listen.
    event.stopPropagation();
    act();
  };

  #actFor(event: KeyboardEvent): (() => void) | null {
    if (event.key.toLowerCase() === "z") return this._undo ? () => this.#takeBack() : null;
    const { card: shown, ticked } = this.#view;
    return shown && !ticked && !this._guarded ? shortcutFor(event, shown, this.#actions) : null;
  }

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
      language: this.#language,
      getToken: (options) => this.#fetchToken(options),
    });
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
      ${guide({
        strings: guideStringsFor(this.#language),
        call,
        now: this._now,
        undo: this._undo,
        onUndo: () => this.#takeBack(),
      })}
      ${whisper({ strings, whisper: whisperOf(call, this._now), onHeed: (one) => this.#heed(one) })}
      <div class="place" role="group" aria-label=${strings.advice}>
        ${place({ view, strings, call, connection: this._connection, note: this._note, guarded: this._guarded, actions: this.#actions })}
      </div>
      ${live ? blind(call, this._connection, strings) : nothing} ${announce(live ? view : null, strings)}
      ${ledger(call, guideStringsFor(this.#language), this.#language)}
      ${transcript({
        strings,
        utterances: call.utterances,
        following: this.#following.on,
        dim: !live,
        onScroll: this.#following.onScroll,
        onHand: this.#following.onHand,
        onLatest: () => this.#following.resume(),
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
