// One card in focus, in the place reserved for it: what to say first, the reason after.

import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import type { Card } from "../../core/call";
import type { FocusView } from "../../core/focus";
import type { Strings } from "../../core/strings";
import type { Suggestion, Verdict } from "../../core/wire";
import { bell, copy, cross, flag, severityIcon, thumb, tick } from "../icons";

/** More than two wordings cannot be read while talking. */
export const MOST_PHRASES = 2;

export interface CardActions {
  copy: (card: Card, suggestion: Suggestion) => void;
  judge: (card: Card, verdict: Verdict) => void;
  snooze: (card: Card) => void;
  dismiss: (card: Card) => void;
  next: () => void;
}

export function card(
  view: FocusView & { card: Card; guarded: boolean },
  strings: Strings,
  actions: CardActions,
): TemplateResult {
  const { advice, verdict } = view.card;
  const waiting = view.queue.length;
  return html`${keyed(
    advice.id,
    html`<article class="card ${advice.severity} ${view.aged ? "aged" : ""} ${view.guarded ? "guarded" : ""}" data-advice=${advice.id}>
      <div class="head">
        <span class="badge">${severityIcon[advice.severity]}${strings.severity[advice.severity]}</span>
        <span class="quote" lang="zh-CN" title=${strings.said}><span class="sr">${strings.said}</span>「${advice.quote}」</span>
        ${waiting > 0
          ? html`<button class="next" type="button" aria-label=${strings.next(waiting)} @click=${actions.next}>
              ${strings.nextShort(waiting)} ›
            </button>`
          : nothing}
        <button class="close" type="button" title="${strings.close} (Esc)" aria-label=${strings.close}
          @click=${() => actions.dismiss(view.card)}>${cross}</button>
      </div>
      <div class="body" lang="zh-CN">
        <h2 class="title">${advice.title}</h2>
        <ol class="phrases">
          ${advice.suggestions.slice(0, MOST_PHRASES).map((one, at) => phrase(view.card, one, at, strings, actions))}
        </ol>
        <p class="why">${advice.why}${advice.by_sound ? html` · ${strings.bySound}` : nothing}</p>
      </div>
      <div class="acts">
        <button class="act" type="button" title="${strings.useful} (U)" aria-pressed=${verdict === "useful"}
          @click=${() => actions.judge(view.card, "useful")}>${verdict === "useful" ? tick : thumb}${strings.useful}</button>
        <button class="act" type="button" title="${strings.falseAlarm} (W)"
          @click=${() => actions.judge(view.card, "false-alarm")}>${flag}${strings.falseAlarm}</button>
        <button class="act" type="button" title="${strings.snooze} (S)"
          @click=${() => actions.snooze(view.card)}>${bell}${strings.snooze}</button>
      </div>
    </article>`,
  )}`;
}

function phrase(
  of: Card,
  suggestion: Suggestion,
  at: number,
  strings: Strings,
  actions: CardActions,
): TemplateResult {
  const done = of.copied.includes(suggestion.phrase);
  return html`<li>
    <button class="phrase ${at > 0 ? "second" : ""}" type="button" title="${strings.copy} (${at + 1})"
      @click=${() => actions.copy(of, suggestion)}>
      <span class="say">${suggestion.text}</span>
      <span class="copy ${done ? "done" : ""}" lang=${strings.copy === "复制" ? "zh-CN" : "en"}
        >${done ? tick : copy}${done ? strings.copied : strings.copy}</span
      >
    </button>
  </li>`;
}

/** The reserved place without a card. */
export function calm(kind: "" | "good" | "lost", icon: unknown, title: string, hint: string): TemplateResult {
  return html`<div class="calm ${kind}">
    <span class="orb">${icon}</span><strong>${title}</strong><span>${hint}</span>
  </div>`;
}
