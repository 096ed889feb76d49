// <coach-wallboard>: a team's calls by risk, its alerts, and one call opened to listen to and whisper into.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { noCall, reduce, type Call } from "../core/call";
import { initial, type Connection, type Delivered } from "../core/connection";
import { Line, teamPath } from "../core/socket";
import { stringsFor, type Language, type Strings } from "../core/strings";
import { forgetSilent, holds, noOrder, noTeam, passes, reduceTeam, reorder, type Filter, type Order, type Team } from "../core/team";
import { MAX_WHISPER, type TeamMessage } from "../core/team-wire";
import { styles as common } from "../playground/styles";
import { Following } from "../sidebar/following";
import { transcriptStyles } from "../sidebar/styles/transcript";
import { Chime } from "./chime";
import { styles } from "./styles";
import { teamsOf } from "./teams";
import { alertsView } from "./views/alerts";
import { callsView } from "./views/calls";
import { lostView, panelView, type Sent } from "./views/panel";
import { ratesView } from "./views/rates";
import { wordsFor, type Words } from "./words";

const THEMES = ["", "light", "dark"] as const;
// What came meanwhile is shown together: a hundred talking agents make one drawing, not hundreds.
const DRAW_EVERY_MS = 100;
const MOST_SENT = 20;

export class Wallboard extends LitElement {
  static override styles = [common, transcriptStyles, styles];
  static override properties = {
    language: { type: String, attribute: "lang" },
    theme: { type: String, reflect: true },
    team: { type: String },
    teams: { attribute: false },
    credential: { attribute: false },
    renew: { attribute: false },
    _team: { state: true },
    _order: { state: true },
    _filter: { state: true },
    _connection: { state: true },
    _opened: { state: true },
    _call: { state: true },
    _sent: { state: true },
    _text: { state: true },
    _refused: { state: true },
    _sound: { state: true },
    _announced: { state: true },
    _now: { state: true },
  };

  declare language: Language;
  /** "light", "dark" or empty for the system's choice. */
  declare theme: string;
  declare team: string;
  /** To choose from; none when the credential does not say. */
  declare teams: readonly string[];
  declare credential: string;
  /** Gives another credential when this one has ended; rejects to try again later. */
  declare renew: (() => Promise<string>) | null;
  declare private _team: Team;
  declare private _order: Order;
  declare private _filter: Filter;
  declare private _connection: Connection;
  /** Id of the call in the panel, "" for none. */
  declare private _opened: string;
  declare private _call: Call;
  declare private _sent: readonly Sent[];
  declare private _text: string;
  /** Why the opened call is not shown, in the service's words. */
  declare private _refused: string;
  declare private _sound: boolean;
  /** The last alert that asked for the supervisor, for screen readers. */
  declare private _announced: string;
  declare private _now: number;

  #line: Line | null = null;
  /** What the line itself asked for: it goes on with that. */
  #taken = "";
  #inbox: TeamMessage[] = [];
  #focusedRow = "";
  /** When a hand was last on the rows, epoch ms. */
  #touchedAt = Number.NEGATIVE_INFINITY;
  #drawing: ReturnType<typeof setTimeout> | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  readonly #chime = new Chime();
  readonly #following = new Following(this, () => this.renderRoot?.querySelector(".talk") ?? null);

  constructor() {
    super();
    this.language = "zh-CN";
    this.theme = "";
    this.team = "";
    this.teams = [];
    this.credential = "";
    this.renew = null;
    this._team = noTeam;
    this._order = noOrder;
    this._filter = { severity: "", escalated: false };
    this._connection = initial;
    this._opened = "";
    this._call = noCall;
    this._sent = [];
    this._text = "";
    this._refused = "";
    this._sound = false;
    this._announced = "";
    this._now = Date.now();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticking = setInterval(() => this.#settle(), 1_000);
    if (this.hasUpdated) this.#connect();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticking);
    this.#line?.stop();
    this.#line = null;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has("_order")) return;
    const focused = this.shadowRoot?.activeElement;
    this.#focusedRow = focused?.matches("tbody .open") ? (focused.closest("tr")?.dataset["call"] ?? "") : "";
  }

  protected override updated(changed: PropertyValues): void {
    // A row that is moved loses the focus, and the keyboard its place.
    if (changed.has("_order") && this.#focusedRow && !this.shadowRoot?.activeElement) this.#focusRow(this.#focusedRow);
    if (changed.has("team") || (changed.has("credential") && this.credential !== this.#taken)) this.#connect();
    if (changed.has("_opened") && this._opened) this.renderRoot.querySelector<HTMLElement>(".panel h2")?.focus();
  }

  #connect(): void {
    this.#line?.stop();
    this.#line = null;
    this.#inbox = [];
    this._team = noTeam;
    this._order = noOrder;
    this._opened = "";
    this._call = noCall;
    this._connection = initial;
    // The line before takes what it had not said yet with it.
    this._sent = this._sent.map((one) => (one.state === "sending" ? { ...one, state: "failed", why: this.#words.whisper.lost } : one));
    if (!this.team || !this.credential) return;
    let used = "";
    this.#line = new Line({
      server: "",
      path: teamPath(this.team),
      // A line that was refused goes on where it was, with another credential.
      getToken: async ({ renew }) => {
        if (renew && this.renew && used === this.credential) this.#take(await this.renew());
        used = this.credential;
        return used;
      },
      // A team's stream has no messages of an agent's but inside `watched`.
      onMessage: (message) => this.#hear(message as TeamMessage),
      onChange: (connection) => this.#onConnection(connection),
      onError: (code, text, about) => this.#onError(code === "lost" ? this.#words.whisper.lost : text, about),
      onNoted: (id) => this.#mark(id, "sent"),
    });
    this.#line.start();
  }

  #take(credential: string): void {
    this.#taken = credential;
    this.credential = credential;
    this.teams = teamsOf(credential);
  }

  /** Come back as somebody who may see the team. */
  async #signIn(): Promise<void> {
    const given = await this.renew?.();
    if (!given) return;
    this.#take(given);
    this.#line?.start();
  }

  #onConnection(connection: Connection): void {
    const before = this._connection.phase;
    this._connection = connection;
    if (connection.phase === "live" && before !== "live" && this._opened) this.#watch(this._opened);
  }

  #onError(text: string, about?: string): void {
    if (about !== undefined) this.#mark(about, "failed", text);
    else if (this._opened && this._call.id === null) this._refused = text;
  }

  #hear(message: Delivered): void {
    this.#inbox.push(message as TeamMessage);
    this.#drawing ??= setTimeout(() => this.#draw(), DRAW_EVERY_MS);
  }

  #draw(): void {
    this.#drawing = undefined;
    const now = Date.now();
    const inbox = this.#inbox;
    this.#inbox = [];
    let [team, call] = [this._team, this._call];
    for (const message of inbox) {
      team = reduceTeam(team, message, now);
      if (message.type === "watched" && message.call_id === this._opened) call = reduce(call, message.event, now);
      if (message.type === "whisper.read") this.#mark(message.id, "read");
      if (message.type === "alert" && message.escalated && !this._team.alerts.get(message.id)?.escalated) {
        this._announced = this.#words.announce(message.agent_name || message.agent_id, message.title);
        if (this._sound) this.#chime.ring();
      }
    }
    this._call = call;
    this.#arrange(team, now);
  }

  /** How far a whisper came; what was read stays read. */
  #mark(id: string, state: Sent["state"], why = ""): void {
    if (!this._sent.some((one) => one.id === id && one.state !== "read")) return;
    this._sent = this._sent.map((one) => (one.id === id ? { ...one, state, why } : one));
  }

  #settle(): void {
    this._now = Date.now();
    this.#arrange(forgetSilent(this._team, this._now), this._now);
  }

  #arrange(team: Team, now: number): void {
    const held = holds(this.#touchedAt, now) && (this.renderRoot?.querySelector("tbody")?.matches(":hover, :focus-within") ?? false);
    const next = reorder(this._order, team, now, held);
    this._order = next.order;
    this._team = next.team;
  }

  #open(callId: string): void {
    if (callId === this._opened) return;
    this.#close();
    this._opened = callId;
    this.#following.resume();
    this.#watch(callId);
  }

  #watch(callId: string): void {
    this._refused = "";
    this.#line?.tell({ type: "watch", call_id: callId });
  }

  #close(): void {
    const before = this._opened;
    if (!before) return;
    this.#line?.tell({ type: "unwatch", call_id: before });
    this._opened = "";
    this._call = noCall;
    this._text = "";
    // Back to where it was opened from, which stays put for a moment.
    this.#touchedAt = Date.now();
    this.#focusRow(before);
  }

  #focusRow(callId: string): void {
    this.renderRoot.querySelector<HTMLElement>(`tr[data-call="${CSS.escape(callId)}"] .open`)?.focus({ preventScroll: true });
  }

  #whisper(text: string): void {
    const said = text.trim();
    if (!said || said.length > MAX_WHISPER || !this._opened) return;
    const id = crypto.randomUUID?.() ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    const sent: Sent = { id, callId: this._opened, text: said, state: "sending", why: "" };
    this._sent = [...this._sent, sent].slice(-MOST_SENT);
    this._text = "";
    this.#line?.say({ type: "whisper", call_id: this._opened, id, text: said });
  }

  #forgetLost(): void {
    this._sent = this._sent.filter(({ state, callId }) => state !== "failed" || callId === this._opened);
  }

  #toggleSound(): void {
    this._sound = !this._sound;
    // A browser plays nothing before a click: this is the click, and the proof.
    if (this._sound) this.#chime.ring();
  }

  #speak(language: Language): void {
    this.language = language;
    document.documentElement.lang = language;
    document.title = this.#words.title;
  }

  get #words(): Words {
    return wordsFor(this.language);
  }

  get #strings(): Strings {
    const strings = stringsFor(this.language);
    return { ...strings, speaker: { ...strings.speaker, agent: this.#words.columns.agent } };
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this._opened) {
      event.preventDefault();
      this.#close();
    }
  };

  /** Up and down go from row to row. */
  readonly #onRowKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...this.renderRoot.querySelectorAll<HTMLElement>("tbody .open")];
    const at = rows.indexOf(this.shadowRoot?.activeElement as HTMLElement);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  protected override render(): TemplateResult {
    const words = this.#words;
    const team = this._team;
    const ordered = this._order.ids.flatMap((id) => team.calls.get(id) ?? []);
    const shown = ordered.filter((call) => passes(call, this._filter));
    const running = ordered.filter((call) => call.endedAt === null).length;
    const { phase, trouble, wasLive } = this._connection;
    // While the form asks for another credential it says why.
    const asking = phase === "token" && trouble === "unauthorized";
    return html`<div class="board" @keydown=${this.#onKey}>
      ${this.#bar(words)}
      ${this.team ? nothing : this.#askTeam(words)}
      ${this.team && !asking && phase !== "live" && trouble !== "none" && (wasLive || trouble !== "network")
        ? html`<p class="notice" role="status">
            ${words.trouble[trouble]}
            ${trouble === "forbidden" && this.renew
              ? html`<button type="button" class="link" @click=${() => void this.#signIn()}>${words.signIn}</button>`
              : nothing}
          </p>`
        : nothing}
      ${phase === "live" && this._connection.degraded ? html`<p class="notice" role="status">${this.#strings.degraded}</p>` : nothing}
      ${lostView(words, this._sent.filter(({ state, callId }) => state === "failed" && callId !== this._opened), () => this.#forgetLost())}
      <div class="sr" role="status" aria-live="assertive">${this._announced}</div>
      <div class="areas ${this._opened ? "opened" : ""} ${phase === "live" || !wasLive ? "" : "dim"}" ?hidden=${!this.team}>
        ${callsView({
          words,
          calls: shown,
          running,
          filter: this._filter,
          opened: this._opened,
          now: this._now,
          waiting: phase !== "live" && !wasLive,
          onFilter: (filter) => (this._filter = filter),
          onOpen: (id) => this.#open(id),
          onKey: this.#onRowKey,
          onTouch: () => (this.#touchedAt = Date.now()),
        })}
        ${this._opened
          ? panelView({
              words,
              strings: this.#strings,
              told: team.calls.get(this._opened) ?? null,
              call: this._call,
              now: this._now,
              refused: this._refused,
              sent: this._sent.filter((one) => one.callId === this._opened),
              text: this._text,
              following: this.#following,
              onText: (text) => (this._text = text),
              onWhisper: (text) => this.#whisper(text),
              onClose: () => this.#close(),
            })
          : nothing}
        ${alertsView({ words, alerts: team.alerts, language: this.language, opened: this._opened, onOpen: (id) => this.#open(id), has: (id) => team.calls.has(id) })}
      </div>
    </div>`;
  }

  #bar(words: Words): TemplateResult {
    const other = this.language === "en" ? "zh-CN" : "en";
    const { phase, trouble, wasLive } = this._connection;
    const ended = phase === "refused" || phase === "idle" || trouble === "unauthorized";
    const teams = this.teams.includes(this.team) ? this.teams : [this.team, ...this.teams];
    const state = phase === "live" ? "live" : ended ? "offline" : wasLive ? "retrying" : "connecting";
    return html`<header class="bar">
      <h1>${words.title}</h1>
      ${teams.length > 1
        ? html`<label class="small">${words.team}
            <select @change=${(event: Event) => (this.team = (event.target as HTMLSelectElement).value)}>
              ${teams.map((team) => html`<option value=${team} ?selected=${team === this.team}>${team}</option>`)}
            </select></label>`
        : html`<span class="quiet name">${this.team}</span>`}
      <span class="link-state ${state}" role="status"><i></i>${words.state[state]}</span>
      ${ratesView(words, this._team.rates)}
      <span class="room"></span>
      <button type="button" class="sound" aria-pressed=${this._sound} @click=${() => this.#toggleSound()}>${words.sound}</button>
      <label class="small theme">
        <span class="sr">${words.theme.label}</span>
        <select @change=${(event: Event) => (this.theme = (event.target as HTMLSelectElement).value)}>
          ${THEMES.map((theme) => html`<option value=${theme} ?selected=${theme === this.theme}>${words.theme[theme || "system"]}</option>`)}
        </select>
      </label>
      <button type="button" class="link" lang=${other} @click=${() => this.#speak(other)}>${words.language}</button>
    </header>`;
  }

  #askTeam(words: Words): TemplateResult {
    return html`<form class="ask-team" @submit=${(event: Event) => {
      event.preventDefault();
      this.team = (new FormData(event.target as HTMLFormElement).get("team") as string).trim();
    }}>
      <label>${words.teamHint}<input name="team" required maxlength="128" autocomplete="off" /></label>
      <button class="primary">${words.openTeam}</button>
    </form>`;
  }
}

customElements.define("coach-wallboard", Wallboard);

declare global {
  interface HTMLElementTagNameMap {
    "coach-wallboard": Wallboard;
  }
}
