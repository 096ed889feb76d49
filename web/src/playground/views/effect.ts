// What the edited rule would change over recorded calls.

import { html, nothing, type TemplateResult } from "lit";
import type { Change, Changes, Effect } from "../api";
import type { Words } from "../words";

const CHOICES = [20, 50, 100, 200];

export interface EffectOptions {
  words: Words;
  effect: Effect | null;
  trouble: string;
  calls: number;
  working: boolean;
  ready: boolean;
  onCalls: (calls: number) => void;
  onShow: () => void;
}

export function effectView(options: EffectOptions): TemplateResult {
  const { words, effect } = options;
  return html`
    <section class="effect" aria-labelledby="effect">
      <h2 id="effect">${words.effect}</h2>
      <p class="quiet">${words.effectHint}</p>
      <div class="row">
        <label>
          ${words.lastCalls}
          <select @change=${(event: Event) => options.onCalls(Number((event.target as HTMLSelectElement).value))}>
            ${CHOICES.map((one) => html`<option value=${one} ?selected=${one === options.calls}>${one}</option>`)}
          </select>
        </label>
        <button type="button" class="primary" ?disabled=${!options.ready || options.working} @click=${options.onShow}>
          ${options.working ? words.working : words.show}
        </button>
      </div>
      <p class="trouble" role="alert">${options.trouble}</p>
      <div aria-live="polite">${effect ? result(effect, words) : nothing}</div>
    </section>
  `;
}

function result(effect: Effect, words: Words): TemplateResult {
  const unchanged = effect.appeared.count + effect.vanished.count === 0;
  return html`
    <p class="source">${words.source[effect.source](effect.calls, effect.turns)}</p>
    <p><strong>${words.totals(effect.old_hits, effect.new_hits)}</strong></p>
    ${unchanged ? html`<p class="quiet">${words.none}</p>` : nothing}
    ${list("appeared", "＋", words.appeared(effect.appeared.count), effect.appeared, words)}
    ${list("vanished", "－", words.vanished(effect.vanished.count), effect.vanished, words)}
  `;
}

function list(kind: string, sign: string, title: string, changes: Changes, words: Words): TemplateResult | typeof nothing {
  if (!changes.count) return nothing;
  const left = changes.count - changes.rows.length;
  return html`
    <h3 class=${kind}>${sign} ${title}</h3>
    <ul class="changes ${kind}">
      ${changes.rows.map((row) => changeView(row, words))}
    </ul>
    ${left ? html`<p class="quiet">${words.more(left)}</p>` : nothing}
  `;
}

function changeView(row: Change, words: Words): TemplateResult {
  const [before, after] = row.around;
  return html`
    <li>
      ${row.before
        ? html`<p class="quiet">${words.speakers[row.before.speaker] ?? ""}：${row.before.text}</p>`
        : nothing}
      <p>${words.speakers[row.speaker]}：${before}<mark>${row.text}</mark>${after}</p>
      <p class="quiet">${row.call_id} · ${words.turn(row.turn + 1)}</p>
    </li>
  `;
}
