// Top bar: is the line up, how long has the call lasted, open the floating window.

import { html, nothing, type TemplateResult } from "lit";
import { clock } from "../../core/clock";
import type { Connection } from "../../core/connection";
import type { Strings } from "../../core/strings";
import { popOut, tick } from "../icons";

export interface BarProps {
  strings: Strings;
  connection: Connection;
  /** ms, null before the first call. */
  elapsedMs: number | null;
  ended: boolean;
  taken: number;
  onFloat: (() => void) | null;
}

export function bar({ strings, connection, elapsedMs, ended, taken, onFloat }: BarProps): TemplateResult {
  const [kind, word] = linkState(strings, connection);
  return html`<div class="bar">
    <span class="link ${kind}" role="status"><span class="dot"></span>${word}</span>
    <span class="timer ${elapsedMs === null || ended ? "still" : ""}" role="timer" aria-label=${strings.timer}
      >${elapsedMs === null ? "--:--" : clock(elapsedMs)}</span
    >
    <span class="tools">
      ${taken > 0
        ? html`<span class="tally" title=${strings.outcome.adopted}
            >${tick}<span class="sr">${strings.outcome.adopted}</span>${taken}</span
          >`
        : nothing}
      ${onFloat
        ? html`<button class="tool" type="button" title=${strings.floating} aria-label=${strings.floating} @click=${onFloat}>
            ${popOut}
          </button>`
        : nothing}
    </span>
  </div>`;
}

function linkState(strings: Strings, { phase, wasLive }: Connection): [kind: string, word: string] {
  switch (phase) {
    case "live":
      return ["on", strings.state.live];
    case "idle":
    case "refused":
      return ["off", strings.state.offline];
    default:
      return ["busy", wasLive ? strings.state.retrying : strings.state.connecting];
  }
}
