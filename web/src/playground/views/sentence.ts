// The left side: what was said, what the search made of it, and the card an agent would see.

import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import type { Explained, Found, Speaker, Turn } from "../api";
import type { Words } from "../words";

export interface SentenceOptions {
  words: Words;
  text: string;
  customer: string;
  speaker: Speaker;
  phase: string;
  explained: Explained | null;
  trouble: string;
  onText: (text: string) => void;
  onCustomer: (text: string) => void;
  onSpeaker: (speaker: Speaker) => void;
  onPhase: (phase: string) => void;
  onEdit: ((rule: string) => void) | null;
}

const valueOf = (event: Event) => (event.target as HTMLInputElement).value;

export function sentenceView(options: SentenceOptions): TemplateResult {
  const { words } = options;
  return html`
    <div class="ask">
      <label>
        ${words.text}
        <textarea
          class="text"
          rows="3"
          maxlength="20000"
          placeholder=${words.textHint}
          .value=${live(options.text)}
          @input=${(event: Event) => options.onText(valueOf(event))}
        ></textarea>
      </label>
      <div class="row">
        <label class="grow">
          ${words.customer}
          <input
            class="customer"
            maxlength="2000"
            placeholder=${words.customerHint}
            .value=${live(options.customer)}
            @input=${(event: Event) => options.onCustomer(valueOf(event))}
          />
        </label>
        <label>
          ${words.speaker}
          <select @change=${(event: Event) => options.onSpeaker(valueOf(event) as Speaker)}>
            ${(["agent", "customer"] as const).map(
              (one) => html`<option value=${one} ?selected=${one === options.speaker}>${words.speakers[one]}</option>`,
            )}
          </select>
        </label>
        <label>
          ${words.phase}
          <select @change=${(event: Event) => options.onPhase(valueOf(event))}>
            ${Object.entries(words.phases).map(
              ([name, title]) => html`<option value=${name} ?selected=${name === options.phase}>${title}</option>`,
            )}
          </select>
        </label>
      </div>
    </div>
    <p class="trouble" role="alert">${options.trouble}</p>
    <div class="answer" aria-live="polite">${answer(options)}</div>
  `;
}

function answer(options: SentenceOptions): TemplateResult {
  const { words, explained } = options;
  if (!explained) {
    return html`<p class="quiet">${options.text.trim() ? words.starting : words.typeSomething}</p>`;
  }
  return html`
    ${explained.draft
      ? html`<p class="basis ${explained.draft.usable ? "good" : "bad"}">
          ${explained.draft.usable ? words.withDraft : words.withoutDraft}
        </p>`
      : nothing}
    ${explained.moments.length
      ? html`<p class="moments">
          <strong>${words.moments}</strong>
          ${explained.moments.map((one) => html`<span class="chip">${words.moment[one.kind] ?? one.kind}</span>`)}
        </p>`
      : nothing}
    ${explained.turns.map((turn) => turnView(turn, explained, options))}
  `;
}

function turnView(turn: Turn, explained: Explained, options: SentenceOptions): TemplateResult {
  const { words } = options;
  const shown = turn.found.filter((one) => one.shown || one.stopped_by || one.status !== "stable");
  // In a call most turns say nothing that needs explaining: their words stay on one line.
  const brief = explained.call && shown.length === 0;
  return html`
    <article class="turn ${turn.speaker}">
      <p class="said">
        ${explained.call ? html`<span class="who">${words.speakers[turn.speaker]}</span>` : nothing}
        ${turn.segments.map((piece) =>
          piece.severity ? html`<mark class=${piece.severity}>${piece.text}</mark>` : piece.text,
        )}
      </p>
      ${brief
        ? nothing
        : html`
            <dl>
              <dt>${words.normalized}</dt>
              <dd class="normalized">${turn.normalized}</dd>
              <dt>${words.tokens}</dt>
              <dd>
                <ol class="tokens">
                  ${turn.tokens.map((token) => html`<li class="chip">${token}</li>`)}
                </ol>
              </dd>
            </dl>
            ${shown.length
              ? shown.map((found) => foundView(found, turn.speaker, options))
              : html`<p class="quiet">${words.nothing}</p>`}
          `}
    </article>
  `;
}

function foundView(found: Found, speaker: Speaker, { words, onEdit }: SentenceOptions): TemplateResult {
  const state = found.shown ? (found.severity ?? "notice") : "stopped";
  // What customers say is no fault: it is a signal that the agent is helped to answer.
  const card = speaker === "customer" ? words.answerCard : words.card;
  const [before, after] = found.around;
  const patterns = found.patterns.filter(Boolean);
  return html`
    <div class="found ${state}">
      <p class="head">
        <strong class="state">
          ${found.shown
            ? `● ${speaker === "customer" ? words.signal : words.severity[found.severity ?? "notice"]}`
            : found.stopped_by
              ? `○ ${words.letThrough(words.stoppers[found.stopped_by], found.stopped)}`
              : `○ ${words.notStable(found.status)}`}
        </strong>
        <span class="title">${found.title}</span>
        <code>${found.rule}</code>
        ${found.draft
          ? html`<span class="chip own">${words.fromDraft}</span>`
          : onEdit
            ? html`<button class="link" type="button" @click=${() => onEdit(found.rule)}>${words.edit}</button>`
            : nothing}
      </p>
      ${found.shown ? nothing : html`<p class="where">${before}<mark class="stopped">${found.text}</mark>${after}</p>`}
      <dl>
        ${patterns.length
          ? html`<dt>${words.patterns}</dt>
              <dd>${patterns.map((pattern) => html`<code class="pattern">${pattern}</code>`)}</dd>`
          : html`<dd class="quiet">${words.secondOpinion}</dd>`}
        ${found.exceptions.length
          ? html`<dt>${words.stoppers.exception}</dt>
              <dd>${found.exceptions.map((one) => html`<code class="pattern">${one.pattern}</code>`)}</dd>`
          : nothing}
      </dl>
      ${found.by_sound ? html`<p class="quiet">${words.bySound}</p>` : nothing}
      ${found.shown && found.modifiers.length
        ? html`<p class="quiet">${words.softened(found.modifiers.join("、"))}</p>`
        : nothing}
      ${found.shown
        ? html`<div class="card" role="group" aria-label=${card}>
            <p class="label">${card}</p>
            <p class="title">${found.title}</p>
            <p class="label">${words.instead}</p>
            <ul>
              ${found.suggestions.map((say) => html`<li class="say">${say}</li>`)}
            </ul>
            <p class="quiet">${found.why}</p>
          </div>`
        : nothing}
    </div>
  `;
}
