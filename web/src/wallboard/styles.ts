// What the wallboard adds to the look of the pages: three areas beside each other, two, or one below the other.

import { css } from "lit";

export const styles = css`
  :host {
    --bg: var(--raised);
    --mine: #e3edfb;
    --shadow: 0 1px 2px rgb(20 30 45 / 6%), 0 6px 20px rgb(20 30 45 / 7%);
    block-size: 100dvh;
  }
  :host([theme="dark"]) {
    --mine: #1f3350;
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) {
      --mine: #1f3350;
    }
  }
  .violation,
  .escalated {
    --tone: var(--violation);
    --tint: var(--violation-tint);
  }
  .warning {
    --tone: var(--warning);
    --tint: var(--warning-tint);
  }
  .notice {
    --tone: var(--notice);
    --tint: var(--notice-tint);
  }
  svg {
    flex: none;
    display: block;
    inline-size: 16px;
    block-size: 16px;
  }
  .sr {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .board {
    display: flex;
    flex-direction: column;
    block-size: 100dvh;
  }

  /* Top: who, whether it is live, the day so far */
  .bar {
    flex: none;
    flex-wrap: wrap;
    gap: 8px 16px;
    padding: 10px 20px;
  }
  .link-state {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    font-size: 13px;
    color: var(--quiet);
    white-space: nowrap;
  }
  .link-state i {
    inline-size: 9px;
    block-size: 9px;
    border-radius: 50%;
    background: var(--good);
  }
  .link-state.connecting i,
  .link-state.retrying i {
    background: none;
    border: 2px solid var(--warning);
    border-inline-end-color: transparent;
  }
  .link-state.offline i {
    border-radius: 2px;
    background: var(--violation);
  }
  .rates {
    display: flex;
    gap: 20px;
    margin-inline-start: 8px;
  }
  .rates div {
    display: flex;
    align-items: baseline;
    gap: 6px;
    white-space: nowrap;
  }
  .rates dt {
    font-size: 12px;
    color: var(--quiet);
  }
  .rates dd {
    font-size: 17px;
    font-weight: 650;
    font-variant-numeric: tabular-nums;
  }
  .sound[aria-pressed="true"] {
    border-color: var(--accent);
    background: var(--notice-tint);
    color: var(--accent);
    font-weight: 600;
  }
  .notice[role="status"] {
    flex: none;
    padding: 8px 20px;
    background: var(--warning-tint);
    color: var(--warning);
    font-weight: 600;
  }
  .lost {
    flex: none;
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 8px 20px;
    background: var(--warning-tint);
    color: var(--warning);
  }
  .lost ul {
    flex: 1;
    min-inline-size: 0;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .lost span {
    overflow-wrap: anywhere;
  }
  .ask-team {
    display: flex;
    align-items: end;
    gap: 10px;
    margin: 48px auto;
    padding-inline: 20px;
  }

  /* The areas */
  .areas {
    flex: 1;
    min-block-size: 0;
    display: grid;
    grid-template: "calls alerts" minmax(0, 1fr) / minmax(0, 1fr) 320px;
  }
  .areas.opened {
    grid-template: "calls panel alerts" minmax(0, 1fr) / minmax(0, 1fr) 400px 270px;
  }
  .areas[hidden] {
    display: none;
  }
  .areas.dim .rows,
  .areas.dim .alerts {
    opacity: 0.6;
  }
  .calls {
    grid-area: calls;
    container: calls / inline-size;
  }
  .panel {
    grid-area: panel;
  }
  .alerts {
    grid-area: alerts;
  }
  .calls,
  .panel,
  .alerts {
    min-block-size: 0;
    min-inline-size: 0;
    display: flex;
    flex-direction: column;
  }
  .panel,
  .alerts {
    border-inline-start: 1px solid var(--line);
  }

  /* Calls */
  .calls header {
    flex: none;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px 20px;
    padding: 12px 20px;
  }
  .filters {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px;
  }
  .filters button {
    padding: 4px 12px;
    font-size: 13px;
  }
  .filters button[aria-pressed="true"] {
    border-color: var(--accent);
    background: var(--notice-tint);
    color: var(--accent);
    font-weight: 600;
  }
  .check {
    display: flex;
    align-items: center;
    gap: 6px;
    margin-inline-start: 8px;
    color: var(--ink);
  }
  .check input {
    margin: 0;
    inline-size: 16px;
    block-size: 16px;
    accent-color: var(--accent);
  }
  .rows {
    flex: 1;
    min-block-size: 0;
    overflow: auto;
    padding: 0 20px 20px;
  }
  .nothing {
    display: grid;
    justify-items: center;
    gap: 4px;
    padding: 64px 20px;
    color: var(--quiet);
    text-align: center;
  }
  .nothing strong {
    font-size: 16px;
    color: var(--ink);
  }
  table {
    inline-size: 100%;
    border-collapse: collapse;
    font-size: 14px;
  }
  th {
    position: sticky;
    inset-block-start: 0;
    z-index: 1;
    padding: 6px 12px 6px 0;
    background: var(--surface);
    box-shadow: inset 0 -1px var(--line);
    color: var(--quiet);
    font-size: 12px;
    font-weight: 500;
    text-align: start;
    white-space: nowrap;
  }
  td {
    block-size: 52px;
    padding: 6px 12px 6px 0;
    border-block-end: 1px solid var(--line);
    vertical-align: middle;
  }
  th:first-child,
  td:first-child {
    padding-inline-start: 10px;
  }
  .call {
    cursor: pointer;
  }
  .call:hover td {
    background: var(--active);
  }
  .call[aria-current="true"] td {
    background: var(--notice-tint);
  }
  .call.ended {
    cursor: default;
    color: var(--quiet);
  }
  .risk {
    inline-size: 68px;
    white-space: nowrap;
    border-inline-start: 4px solid transparent;
  }
  .call.look .risk {
    border-inline-start-color: var(--warning);
  }
  .call.hand .risk,
  .call.escalated .risk {
    border-inline-start-color: var(--violation);
  }
  .score {
    display: block;
    font-size: 19px;
    font-weight: 700;
    line-height: 1.15;
    font-variant-numeric: tabular-nums;
  }
  .level,
  td small {
    display: block;
    font-size: 12px;
    color: var(--quiet);
  }
  .look .score,
  .look .level,
  .score.look {
    color: var(--warning);
  }
  .hand .score,
  .hand .level,
  .score.hand {
    color: var(--violation);
  }
  td.agent {
    min-inline-size: 96px;
    line-height: 1.35;
  }
  .agent .flag {
    margin-inline-start: 6px;
    vertical-align: 1px;
  }
  .agent small + .flag {
    margin-inline-start: 0;
  }
  button.open:not(.link) {
    padding: 0;
    border: 0;
    background: none;
    color: var(--ink);
    font-size: 15px;
    font-weight: 600;
    text-align: start;
    overflow-wrap: anywhere;
  }
  button.open:disabled {
    opacity: 1;
    color: var(--quiet);
  }
  .flag {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    padding: 1px 7px;
    border-radius: 9px;
    background: var(--warning-tint);
    color: var(--warning);
    font-size: 12px;
    font-weight: 600;
    white-space: nowrap;
  }
  .flag svg {
    inline-size: 13px;
    block-size: 13px;
  }
  .flag.help {
    background: var(--violation);
    color: var(--surface);
  }
  td.time {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .mood,
  td.stage {
    white-space: nowrap;
  }
  .mood.calm {
    color: var(--quiet);
  }
  .mood.upset {
    color: var(--warning);
    font-weight: 600;
  }
  .mood.critical {
    color: var(--violation);
    font-weight: 700;
  }
  .counts {
    white-space: nowrap;
  }
  .tally {
    display: inline-flex;
    align-items: center;
    gap: 3px;
    margin-inline-end: 8px;
    color: var(--tone);
    font-weight: 600;
    font-variant-numeric: tabular-nums;
  }
  td.last {
    inline-size: 42%;
  }
  .last .said {
    font-size: 15px;
    line-height: 1.5;
  }
  .last .said,
  .last .reasons {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 1;
    line-clamp: 1;
    overflow: hidden;
    overflow-wrap: anywhere;
  }
  em {
    margin-inline-start: 6px;
    font-size: 12px;
    font-style: normal;
    font-weight: 600;
    color: var(--good);
    white-space: nowrap;
  }
  em.repeated {
    color: var(--violation);
  }
  @container calls (max-width: 680px) {
    th.stage,
    td.stage {
      display: none;
    }
  }
  @container calls (max-width: 560px) {
    th.last,
    td.last {
      display: none;
    }
  }

  /* Alerts */
  .alerts {
    overflow-y: auto;
    padding: 14px 16px 24px;
    gap: 4px;
  }
  .alerts h3 {
    display: flex;
    align-items: center;
    gap: 8px;
    margin-block: 12px 4px;
    color: var(--tone);
  }
  .count {
    min-inline-size: 20px;
    padding-inline: 6px;
    border-radius: 10px;
    background: var(--tint);
    font-size: 12px;
    text-align: center;
  }
  .alerts ul {
    display: grid;
    gap: 6px;
  }
  button.alert {
    display: flex;
    gap: 8px;
    inline-size: 100%;
    border-color: var(--line);
    border-inline-start: 3px solid var(--tone);
    text-align: start;
  }
  button.alert[aria-current="true"] {
    background: var(--notice-tint);
  }
  button.alert:disabled {
    opacity: 0.75;
  }
  .tone {
    color: var(--tone);
    padding-block-start: 2px;
  }
  .told {
    flex: 1;
    min-inline-size: 0;
    display: grid;
    gap: 1px;
  }
  .who {
    display: flex;
    justify-content: space-between;
    gap: 8px;
    padding: 0;
    margin: 0;
    color: inherit;
    font-size: 14px;
  }
  /* The playground, whose controls these pages share, draws turns and cards as boxes. */
  .talk .turn {
    display: flex;
    padding: 0;
    border: 0;
    background: none;
    gap: 0;
  }
  .talk .who {
    display: block;
    color: var(--quiet);
    font-size: 12px;
  }
  .alert time {
    color: var(--quiet);
    font-size: 12px;
    font-variant-numeric: tabular-nums;
  }
  .quote {
    overflow-wrap: anywhere;
  }

  /* One call */
  .panel {
    background: var(--raised);
  }
  .panel header {
    flex: none;
    display: flex;
    align-items: center;
    gap: 10px;
    padding: 12px 10px 8px 16px;
  }
  .panel h2:focus-visible {
    outline-offset: 4px;
  }
  .panel h2:focus:not(:focus-visible) {
    outline: none;
  }
  .close {
    display: inline-grid;
    place-items: center;
    inline-size: 34px;
    block-size: 34px;
    padding: 0 !important;
    border-color: transparent !important;
    background: none !important;
    color: var(--quiet);
  }
  .why {
    flex: none;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 12px;
    padding: 0 16px 10px;
  }
  .why ul {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 6px;
  }
  .why li {
    padding: 1px 8px;
    border-radius: 10px;
    background: var(--stopped-tint);
    font-size: 12px;
  }
  .why li b {
    margin-inline-start: 5px;
    color: var(--quiet);
    font-weight: 500;
  }
  .panel .waiting,
  .panel > .trouble {
    flex: 1;
    padding: 24px 16px;
    text-align: center;
  }
  .wrap {
    margin-block-start: 0;
    background: var(--surface);
  }
  .cards {
    flex: none;
    max-block-size: 150px;
    overflow-y: auto;
    padding: 8px 16px;
    border-block-start: 1px solid var(--line);
  }
  .cards ul {
    display: grid;
    gap: 8px;
  }
  .cards .card {
    display: flex;
    gap: 8px;
    padding: 0;
    border: 0;
    background: none;
    font-size: 13px;
  }
  .aloud {
    display: block;
    color: var(--quiet);
  }
  .whispering {
    flex: none;
    display: grid;
    gap: 8px;
    padding: 10px 16px 12px;
    border-block-start: 1px solid var(--line);
    background: var(--raised);
  }
  .whispering h3 {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 10px;
    margin: 0;
  }
  .whispering h3 label {
    display: inline;
    color: var(--ink);
    font-size: 14px;
  }
  .whispering h3 .quiet {
    font-weight: 400;
    font-size: 12px;
  }
  .notes {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
  }
  .notes button {
    padding: 4px 10px;
    border-color: var(--line);
    border-radius: 14px;
    font-size: 13px;
  }
  .whispering .line {
    display: flex;
    gap: 8px;
  }
  .line input {
    flex: 1;
    min-inline-size: 0;
  }
  .sent {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
    min-block-size: 20px;
    font-size: 13px;
    color: var(--quiet);
  }
  .sent .what {
    overflow-wrap: anywhere;
  }
  .sent b.read {
    color: var(--good);
  }
  .sent b.failed {
    color: var(--violation);
  }

  @media (max-width: 1199px) {
    .areas.opened {
      grid-template: "calls panel" minmax(0, 1fr) / minmax(0, 1fr) 400px;
    }
    .areas.opened .alerts {
      display: none;
    }
    .areas {
      grid-template-columns: minmax(0, 1fr) 280px;
    }
  }
  @media (max-width: 860px) {
    .board {
      block-size: auto;
      min-block-size: 100dvh;
    }
    .areas,
    .areas.opened {
      grid-template: "panel" auto "calls" auto "alerts" auto / minmax(0, 1fr);
    }
    .areas.opened .alerts {
      display: flex;
    }
    .panel,
    .alerts {
      border-inline-start: 0;
      border-block-end: 1px solid var(--line);
    }
    .panel {
      block-size: min(720px, 90dvh);
    }
    .rows {
      overflow: visible;
    }
    .rates {
      inline-size: 100%;
      order: 1;
      justify-content: space-between;
      margin: 0;
    }
  }
  @media (forced-colors: active) {
    .flag,
    .score,
    .why li,
    button.alert {
      border: 1px solid CanvasText;
    }
  }
`;
