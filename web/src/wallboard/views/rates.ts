// The team's day so far, in four numbers.

import { html, nothing, type TemplateResult } from "lit";
import type { RatesMessage } from "../../core/team-wire";
import type { Words } from "../words";

export function ratesView(words: Words, rates: RatesMessage | null): TemplateResult | typeof nothing {
  if (!rates) return nothing;
  const { rates: names, ratesHint: hints } = words;
  const percent = rates.adoption === null ? "—" : `${Math.round(rates.adoption)}%`;
  return html`<dl class="rates" aria-label=${names.heading}>
    ${rate(names.calls, rates.calls, names.heading)} ${rate(names.alerts, rates.alerts_per_100 ?? "—", hints.alerts)}
    ${rate(names.adoption, percent, hints.adoption(rates.adopted, rates.cards))}
    ${rate(names.falseAlarms, rates.false_alarms, hints.falseAlarms)}
  </dl>`;
}

function rate(name: string, value: string | number, hint: string): TemplateResult {
  return html`<div title=${hint}><dt>${name}</dt><dd>${value}</dd></div>`;
}
