// The team's calls as a table: a row each, the riskiest on top.

import { html, nothing, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { clock } from "../../core/clock";
import { level, type Filter, type TeamCall } from "../../core/team";
import type { Severity } from "../../core/wire";
import { eyeOff, severityIcon } from "../../sidebar/icons";
import type { Words } from "../words";

export interface CallsProps {
  words: Words;
  calls: readonly TeamCall[];
  running: number;
  filter: Filter;
  opened: string;
  now: number;
  /** Not connected yet: nothing is known. */
  waiting: boolean;
  onFilter: (filter: Filter) => void;
  onOpen: (callId: string) => void;
  onKey: (event: KeyboardEvent) => void;
  /** A hand is on the rows. */
  onTouch: () => void;
}

const SEVERITIES: readonly Severity[] = ["violation", "warning", "notice"];
const FILTERS = ["", "warning", "violation"] as const;

export function callsView(props: CallsProps): TemplateResult {
  const { words, calls, running, waiting, onTouch } = props;
  const { columns } = words;
  return html`<section class="calls" aria-labelledby="calls">
    <header>
      <h2 id="calls">${words.calls(running)}</h2>
      ${filters(props)}
    </header>
    ${calls.length === 0 && !waiting
      ? html`<p class="nothing"><strong>${running ? words.filtered : words.none}</strong>${running ? nothing : html`<span>${words.noneHint}</span>`}</p>`
      : nothing}
    <div class="rows" @pointerdown=${onTouch} @pointermove=${onTouch} @keydown=${onTouch} @keyup=${onTouch}
      @wheel=${{ handleEvent: onTouch, passive: true }}>
      <table ?hidden=${calls.length === 0}>
        <thead>
          <tr>
            <th scope="col">${columns.risk}</th>
            <th scope="col">${columns.agent}</th>
            <th scope="col" class="time">${columns.time}</th>
            <th scope="col">${columns.customer}</th>
            <th scope="col" class="stage">${columns.stage}</th>
            <th scope="col">${columns.cards}</th>
            <th scope="col" class="last">${columns.last}</th>
          </tr>
        </thead>
        <tbody @keydown=${props.onKey}>
          ${repeat(calls, ({ message }) => message.call_id, (call) => row(call, props))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function filters({ words, filter, onFilter }: CallsProps): TemplateResult {
  const names = { "": words.filter.all, warning: words.filter.warning, violation: words.filter.violation };
  return html`<div class="filters" role="group" aria-label=${words.filter.label}>
    ${FILTERS.map(
      (severity) => html`<button type="button" aria-pressed=${filter.severity === severity} data-filter=${severity || "all"}
        @click=${() => onFilter({ ...filter, severity })}>${names[severity]}</button>`,
    )}
    <label class="check"><input type="checkbox" .checked=${filter.escalated}
      @change=${(event: Event) => onFilter({ ...filter, escalated: (event.target as HTMLInputElement).checked })} />${words.filter.escalated}</label>
  </div>`;
}

function row(call: TeamCall, { words, opened, now, onOpen }: CallsProps): TemplateResult {
  const { message } = call;
  const ended = call.endedAt !== null;
  const id = message.call_id;
  const agent = message.agent_name || message.agent_id;
  const risk = level(message.risk.score);
  const lasted = Math.max(0, now - Date.parse(message.started_at));
  return html`<tr data-call=${id} class="call ${ended ? "ended" : risk} ${message.escalated && !ended ? "escalated" : ""}"
    aria-current=${opened === id ? "true" : nothing} @click=${() => onOpen(id)}>
    ${guard([message, ended, words], () => html`
      <td class="risk"><span class="score">${ended ? "–" : message.risk.score}</span><span class="level">${ended ? words.ended : words.level[risk]}</span></td>
      <td class="agent">
        <button type="button" class="open" aria-label=${words.open(agent)} ?disabled=${ended}>${agent}</button>
        ${message.escalated && !ended ? html`<span class="flag help">${words.escalated}</span>` : nothing}
        ${message.agent_name ? html`<small>${message.agent_id}</small>` : nothing}
        ${message.blind.length && !ended
          ? html`<span class="flag" title=${message.blind.map((reason) => words.blindReason[reason]).join(" ")}>${eyeOff}${words.blind}</span>`
          : nothing}
      </td>`)}
    <td class="time">${ended ? "" : clock(lasted)}</td>
    ${guard([message, words], () => html`
      <td><span class="mood ${message.mood}">${words.mood[message.mood]}</span></td>
      <td class="stage" lang="zh-CN">${words.stageOf(message.stage, message.next)}</td>
      <td class="counts">${counts(call, words)}</td>
      <td class="last">${last(call, words)}</td>`)}
  </tr>`;
}

function counts({ message }: TeamCall, words: Words): TemplateResult {
  return html`${SEVERITIES.filter((severity) => message.counts[severity] > 0).map(
      (severity) => html`<span class="tally ${severity}" title=${words.severity[severity]}>${severityIcon[severity]}<span class="sr">${words.severity[severity]}</span
        >${message.counts[severity]}</span>`,
    )}
    ${message.unheeded ? html`<small>${words.unheeded(message.unheeded)}</small>` : nothing}`;
}

function last({ message }: TeamCall, words: Words): TemplateResult {
  const card = message.last_card;
  const reasons = message.risk.reasons.map(({ code, count, words: told }) => words.reason(code, count, told));
  return html`${card
      ? html`<span class="said" lang="zh-CN">“${card.quote}”${card.outcome ? html`<em class=${card.outcome}>${words.outcome[card.outcome]}</em>` : nothing}</span>`
      : nothing}
    ${reasons.length ? html`<small class="reasons" title=${reasons.join(" · ")}>${reasons.join(" · ")}</small>` : nothing}`;
}
