// The hits of a review, judged one after the other with the keyboard.

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Hit, Hits, Verdict } from "../api";
import type { Words } from "../words";

export interface JudgeView {
  words: Words;
  hits: Hit[];
  rules: NonNullable<Hits["rules"]>;
  rule: string;
  /** There are more than are listed. */
  more: boolean;
  current: number;
  reviewer: string;
  trouble: string;
  onReviewer: (name: string) => void;
  onRule: (rule: string) => void;
  onMore: () => void;
  onCurrent: (index: number) => void;
  onVerdict: (index: number, verdict: Verdict) => void;
  onKey: (event: KeyboardEvent) => void;
}

export function judgeView(view: JudgeView): TemplateResult {
  const { words, hits } = view;
  return html`
    <h3>${words.judge}</h3>
    <p class="quiet">${words.judgeHint}</p>
    <div class="row">
      <label
        >${words.reviewer}<input
          class="reviewer"
          maxlength="100"
          placeholder=${words.reviewerHint}
          .value=${view.reviewer}
          @change=${(event: Event) => view.onReviewer((event.target as HTMLInputElement).value.trim())}
      /></label>
      <label class="grow"
        >${words.rule}<select class="choose" @change=${(event: Event) => view.onRule((event.target as HTMLSelectElement).value)}>
          <option value="">${words.allRules}</option>
          ${view.rules.map(
            ({ rule, title, count }) =>
              html`<option value=${rule} ?selected=${rule === view.rule}>${title}（${count}）</option>`,
          )}
        </select></label
      >
    </div>
    <p class="trouble" role="alert">${view.trouble}</p>
    <p class="quiet" role="status">
      ${hits.length ? words.judged(hits.filter((hit) => hit.decision).length, hits.length) : words.noHits}
    </p>
    <ol class="hits" @keydown=${view.onKey}>
      ${repeat(
        hits,
        (hit) => hit.n,
        (hit, index) => hitView(view, hit, index),
      )}
    </ol>
    ${view.more ? html`<button type="button" @click=${view.onMore}>${words.more}</button>` : nothing}
  `;
}

function hitView(view: JudgeView, hit: Hit, index: number): TemplateResult {
  const { words } = view;
  // Places count code points, JavaScript strings do not.
  const letters = [...hit.said];
  const [before, marked, after] = [letters.slice(0, hit.start), letters.slice(hit.start, hit.end), letters.slice(hit.end)];
  const current = index === view.current;
  return html`<li
    class="hit ${hit.severity}"
    tabindex=${current ? 0 : -1}
    aria-current=${current ? "true" : "false"}
    @focusin=${() => view.onCurrent(index)}
    @click=${() => view.onCurrent(index)}
  >
    <div class="head">
      <strong>${hit.title}</strong>
      <span class="state ${hit.severity}">${words.severity[hit.severity]}</span>
      <span class="quiet">${[hit.call_id, hit.agent, words.turn(hit.turn + 1)].filter(Boolean).join(" · ")}</span>
    </div>
    ${hit.before ? html`<p class="quiet">${words.customerSaid}：${hit.before}</p>` : nothing}
    <p class="said">${before.join("")}<mark class=${hit.severity}>${marked.join("")}</mark>${after.join("")}</p>
    ${hit.suggestion ? html`<p class="quiet">${words.suggestion}：${hit.suggestion}</p>` : nothing}
    ${historyView(words, hit)}
    <div class="verdicts">
      ${(["right", "wrong"] as const).map(
        (verdict) => html`<button
          type="button"
          class=${verdict}
          aria-pressed=${hit.decision?.verdict === verdict ? "true" : "false"}
          ?disabled=${hit.decision?.state === "settled"}
          @click=${() => view.onVerdict(index, verdict)}
        >
          ${words[verdict]}
        </button>`,
      )}
      <input class="reason" maxlength="1000" aria-label=${words.reason} placeholder="${words.reason}（${words.reasonHint}）" />
    </div>
  </li>`;
}

function historyView(words: Words, { decision }: Hit): TemplateResult | typeof nothing {
  if (!decision) return nothing;
  const last = decision.history.at(-1);
  const appeal = decision.history.filter((step) => step.kind === "appealed").at(-1);
  const judged = decision.history.filter((step) => step.kind !== "appealed").at(-1);
  return html`<p class=${decision.verdict === "right" ? "good" : "bad"}>
      ${words.verdict[decision.verdict]}<span class="quiet">
        ${judged ? ` ${words.decided(judged.who)}${judged.reason ? `：${judged.reason}` : ""}` : nothing}</span
      >
    </p>
    ${appeal
      ? html`<p>
          ${words.appeal(appeal.who, appeal.reason)}
          <span class="quiet">${last?.kind === "appealed" ? `${words.appealed}。${words.settleHint}` : words.settled}</span>
        </p>`
      : nothing}`;
}
