// One call: why it is risky, what is said, what coach suggested, and a word to its agent.

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Call, Card } from "../../core/call";
import { clock } from "../../core/clock";
import type { Strings } from "../../core/strings";
import { level, type TeamCall } from "../../core/team";
import { MAX_WHISPER } from "../../core/team-wire";
import type { Following } from "../../sidebar/following";
import { cross, severityIcon } from "../../sidebar/icons";
import { transcript } from "../../sidebar/views/transcript";
import type { Words } from "../words";

/** A whisper of this page. */
export interface Sent {
  readonly id: string;
  readonly callId: string;
  readonly text: string;
  readonly state: "sending" | "sent" | "read" | "failed";
  /** Why it failed, in the service's words. */
  readonly why: string;
}

export interface PanelProps {
  words: Words;
  strings: Strings;
  /** As the team's stream tells it; null when it is gone. */
  told: TeamCall | null;
  call: Call;
  now: number;
  refused: string;
  sent: readonly Sent[];
  text: string;
  following: Following;
  onText: (text: string) => void;
  onWhisper: (text: string) => void;
  onClose: () => void;
}

export function panelView(props: PanelProps): TemplateResult {
  const { words, strings, told, call, now, refused, following } = props;
  const message = told?.message ?? null;
  const over = call.endedAtMs !== null || told === null || told.endedAt !== null;
  const agent = message ? message.agent_name || message.agent_id : "";
  return html`<section class="panel" aria-labelledby="opened" data-call=${message?.call_id ?? ""}>
    <header>
      <h2 id="opened" tabindex="-1">${agent}</h2>
      ${message?.agent_name ? html`<span class="quiet">${message.agent_id}</span>` : nothing}
      <span class="quiet">${over || !message ? words.over : clock(Math.max(0, now - Date.parse(message.started_at)))}</span>
      <span class="room"></span>
      <button type="button" class="close" title="${words.close} (Esc)" aria-label=${words.close} @click=${props.onClose}>${cross}</button>
    </header>
    ${message && !over ? why(message, words) : nothing}
    ${refused ? html`<p class="trouble" role="alert">${refused}</p>` : nothing}
    ${call.id === null && !refused
      ? html`<p class="quiet waiting">${over ? words.over : words.waiting}</p>`
      : transcript({
          strings,
          utterances: call.utterances,
          following: following.on,
          dim: false,
          onScroll: following.onScroll,
          onHand: following.onHand,
          onLatest: () => following.resume(),
          onMark: (id) => show(id),
        })}
    ${cards(call, props)} ${whisper(props, over)}
  </section>`;
}

function why(message: TeamCall["message"], words: Words): TemplateResult {
  return html`<div class="why">
    <span class="score ${level(message.risk.score)}">${message.risk.score}</span>
    <span class="mood ${message.mood}">${words.mood[message.mood]}</span>
    <ul aria-label=${words.reasons}>
      ${message.risk.reasons.map(({ code, count, points, words: told }) => html`<li>${words.reason(code, count, told)}<b>+${points}</b></li>`)}
    </ul>
  </div>`;
}

function cards(call: Call, { words, strings }: PanelProps): TemplateResult {
  const latest = call.cards.slice().reverse();
  return html`<div class="cards" role="region" aria-label=${words.cards} tabindex="0">
    ${latest.length === 0 ? html`<p class="quiet">${words.noCards}</p>` : nothing}
    <ul>${repeat(latest, ({ advice }) => advice.id, (card) => item(card, words, strings))}</ul>
  </div>`;
}

function item({ advice, outcome }: Card, words: Words, strings: Strings): TemplateResult {
  const say = advice.suggestions[0]?.text;
  return html`<li class="card ${advice.severity}" id="card-${advice.id}" data-advice=${advice.id}>
    <span class="tone">${severityIcon[advice.severity]}<span class="sr">${strings.severity[advice.severity]}</span></span>
    <span>
      <b lang="zh-CN">${advice.title}</b>${outcome ? html`<em class=${outcome}>${words.outcome[outcome]}</em>` : nothing}
      ${say ? html`<span class="aloud" lang="zh-CN">${words.say}：${say}</span>` : nothing}
    </span>
  </li>`;
}

function whisper({ words, sent, text, onText, onWhisper }: PanelProps, over: boolean): TemplateResult {
  const left = MAX_WHISPER - [...text].length;
  const last = sent.at(-1);
  return html`<form class="whispering" @submit=${(event: Event) => {
    event.preventDefault();
    onWhisper(text);
  }}>
    <h3><label for="whisper">${words.whisper.heading}</label><span class="quiet">${words.whisper.hint}</span></h3>
    <div class="notes" lang="zh-CN">
      ${words.notes.map((note) => html`<button type="button" ?disabled=${over} @click=${() => onText(note)}>${note}</button>`)}
    </div>
    <div class="line">
      <input id="whisper" type="text" lang="zh-CN" autocomplete="off" maxlength=${MAX_WHISPER} placeholder=${words.whisper.placeholder}
        .value=${text} ?disabled=${over} @input=${(event: Event) => onText((event.target as HTMLInputElement).value)} />
      <button class="primary" ?disabled=${over || text.trim() === ""}>${words.whisper.send}</button>
    </div>
    <p class="sent" role="status">
      ${last
        ? html`<span class="what" lang="zh-CN">${last.text}</span><b class=${last.state}>${words.whisperState[last.state]}</b>${last.why
              ? html`<span class="bad">${last.why}</span>`
              : nothing}`
        : left < MAX_WHISPER / 3
          ? words.whisper.left(left)
          : nothing}
    </p>
  </form>`;
}

/** Whispers of calls that are not open any more and did not arrive. */
export function lostView({ whisper, whisperState }: Words, lost: readonly Sent[], onSeen: () => void): TemplateResult | typeof nothing {
  if (lost.length === 0) return nothing;
  return html`<div class="notice lost" role="alert">
    <ul>${lost.map(({ text, why }) => html`<li>${whisper.heading}：<span lang="zh-CN">“${text}”</span> <b>${whisperState.failed}</b> ${why}</li>`)}</ul>
    <button type="button" @click=${onSeen}>${whisper.seen}</button>
  </div>`;
}

/** Bring the card of a mark into view. */
function show(adviceId: string): void {
  const board = document.querySelector("coach-wallboard");
  board?.shadowRoot?.getElementById(`card-${adviceId}`)?.scrollIntoView({ block: "nearest" });
}
