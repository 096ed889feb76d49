// The right side: a rule, what a loader says of it, and its examples.

import { html, nothing, type TemplateResult } from "lit";
import type { Example, Judged, ListedRule, Listing } from "../api";
import type { Words } from "../words";

export interface RuleOptions {
  words: Words;
  listing: Listing;
  rule: string;
  judged: Judged | null;
  trouble: string;
  onChoose: (rule: string) => void;
  onTemplate: () => void;
  onGoTo: (line: number, column: number) => void;
  onDownloadRule: () => void;
  onDownloadFile: () => void;
}

export function ruleView(options: RuleOptions): TemplateResult {
  const { words, listing, judged } = options;
  const broken = judged !== null && judged.problems.length > 0;
  return html`
    <div class="row">
      <label class="grow">
        ${words.choose}
        <select class="choose" @change=${(event: Event) => options.onChoose((event.target as HTMLSelectElement).value)}>
          <option value="" ?selected=${options.rule === ""}>${words.chooseHint}</option>
          ${[...byCategory(listing.rules)].map(
            ([category, rules]) => html`
              <optgroup label=${category}>
                ${rules.map(
                  (rule) => html`<option value=${rule.id} .selected=${rule.id === options.rule}>
                    ${rule.title}（${rule.id}）
                  </option>`,
                )}
              </optgroup>
            `,
          )}
        </select>
      </label>
      <button type="button" class="template" @click=${options.onTemplate}>${words.template}</button>
    </div>
    ${options.rule ? nothing : html`<p class="quiet">${words.noRule}</p>`}
    <div class="editor" ?hidden=${options.rule === ""}></div>
    <p class="trouble" role="alert">${options.trouble}</p>
    <div class="verdict" aria-live="polite">${options.rule ? (judged ? verdict(judged, options) : html`<p class="quiet">${words.starting}</p>`) : nothing}</div>
    ${options.rule
      ? html`<div class="row downloads">
            <button type="button" class="primary" @click=${options.onDownloadRule}>${words.downloadRule}</button>
            <button type="button" ?disabled=${broken || judged === null} @click=${options.onDownloadFile}>
              ${words.downloadFile}
            </button>
          </div>
          <p class="quiet">${words.notWritten}</p>`
      : nothing}
  `;
}

function verdict(judged: Judged, options: RuleOptions): TemplateResult {
  const { words, onGoTo } = options;
  if (judged.problems.length) {
    return html`
      <p class="bad"><strong>✗ ${words.problems(judged.problems.length)}</strong></p>
      <ul class="problems">
        ${judged.problems.map(
          (one) => html`<li>
            <button type="button" class="link" @click=${() => onGoTo(one.line, one.column)}>
              ${words.place(one.line, one.column)}
            </button>
            ${one.where ? html`<code>${one.where}</code>` : nothing}
            <span class="message">${one.message}</span>
          </li>`,
        )}
      </ul>
    `;
  }
  const passed = judged.examples.filter((one) => one.passed).length;
  const all = judged.examples.length;
  return html`
    <p class=${passed === all ? "good" : "bad"}>
      <strong>
        ${passed === all ? `✓ ${words.loads} · ${words.examples(passed, all)}` : `✗ ${words.examples(passed, all)}`}
      </strong>
    </p>
    ${[true, false].map((wanted) => {
      const examples = judged.examples
        .filter((one) => one.wanted === wanted)
        .sort((one, other) => Number(one.passed) - Number(other.passed));
      return examples.length
        ? html`<h3>${wanted ? words.hits : words.misses}</h3>
            <ul class="examples">
              ${examples.map((one) => exampleView(one, options))}
            </ul>`
        : nothing;
    })}
    ${judged.findings.length
      ? html`<details class="findings">
          <summary>${words.findings} · ${judged.findings.length}</summary>
          <ul>
            ${judged.findings.map((one) => html`<li class=${one.level}>${one.message}</li>`)}
          </ul>
        </details>`
      : nothing}
  `;
}

function exampleView(example: Example, { words, onGoTo }: RuleOptions): TemplateResult {
  return html`
    <li class="example ${example.passed ? "passed" : "failed"}">
      <span class="sign" aria-hidden="true">${example.passed ? "✓" : "✗"}</span>
      <button
        type="button"
        class="link"
        aria-label="${example.passed ? words.passed : words.failed}：${example.text}"
        @click=${() => onGoTo(example.line, example.column)}
      >
        ${example.text}
      </button>
      ${example.passed ? nothing : html`<pre>${example.problem}</pre>`}
    </li>
  `;
}

function byCategory(rules: readonly ListedRule[]): Map<string, ListedRule[]> {
  const groups = new Map<string, ListedRule[]>();
  for (const rule of [...rules].sort((one, other) => one.id.localeCompare(other.id))) {
    groups.set(rule.category, [...(groups.get(rule.category) ?? []), rule]);
  }
  return groups;
}
