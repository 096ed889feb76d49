// The alerts, the gravest first and of these the latest; a click opens the call.

import { html, nothing, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { byCode } from "../../core/team";
import type { AlertMessage } from "../../core/team-wire";
import type { Language } from "../../core/strings";
import { severityIcon } from "../../sidebar/icons";
import type { Words } from "../words";

export interface AlertsProps {
  words: Words;
  alerts: ReadonlyMap<string, AlertMessage>;
  language: Language;
  opened: string;
  /** Whether a call is still on the board. */
  has: (callId: string) => boolean;
  onOpen: (callId: string) => void;
}

type Group = "escalated" | "violation" | "warning";

const GROUPS: readonly Group[] = ["escalated", "violation", "warning"];
const MOST_SHOWN = 30;

export function alertsView(props: AlertsProps): TemplateResult {
  const { words, alerts } = props;
  const latest = [...alerts.values()].sort((one, other) => byCode(other.at, one.at));
  return html`<section class="alerts" aria-labelledby="alerts">
    <h2 id="alerts">${words.alerts}</h2>
    ${latest.length === 0 ? html`<p class="quiet">${words.noAlerts}</p>` : nothing}
    ${GROUPS.map((group) => {
      const mine = latest.filter((alert) => groupOf(alert) === group);
      if (mine.length === 0) return nothing;
      const name = group === "escalated" ? words.escalated : words.severity[group];
      return html`<h3 class=${group}>${name}<span class="count">${mine.length}</span></h3>
        <ul>${repeat(mine.slice(0, MOST_SHOWN), ({ id }) => id, (alert) =>
          guard([alert, words, props.has(alert.call_id), alert.call_id === props.opened], () => item(alert, props)))}</ul>`;
    })}
  </section>`;
}

/** Making one takes longer than drawing the whole column. */
const clocks = new Map<Language, Intl.DateTimeFormat>();

function clockOf(language: Language): Intl.DateTimeFormat {
  let clock = clocks.get(language);
  if (!clock) {
    clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    clocks.set(language, clock);
  }
  return clock;
}

function groupOf(alert: AlertMessage): Group {
  return alert.escalated ? "escalated" : alert.severity;
}

function item(alert: AlertMessage, { words, language, opened, has, onOpen }: AlertsProps): TemplateResult {
  const agent = alert.agent_name || alert.agent_id;
  const time = clockOf(language).format(new Date(alert.at));
  const gone = !has(alert.call_id);
  return html`<li>
    <button type="button" class="alert ${alert.severity}" data-alert=${alert.id} ?disabled=${gone}
      aria-current=${alert.call_id === opened ? "true" : "false"} @click=${() => onOpen(alert.call_id)}>
      <span class="tone">${severityIcon[alert.severity]}<span class="sr">${words.severity[alert.severity]}</span></span>
      <span class="told">
        <span class="who"><b>${agent}</b><time>${gone ? words.ended : time}</time></span>
        <span class="quote" lang="zh-CN">${alert.quote}</span>
        <span class="quiet" lang="zh-CN">${alert.title}</span>
      </span>
    </button>
  </li>`;
}
