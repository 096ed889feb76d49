// What the reviews page adds to the look of the playground.

import { css } from "lit";

export const styles = css`
  .columns.reviews {
    grid-template-columns: minmax(0, 4fr) minmax(0, 9fr);
  }
  .drop {
    display: grid;
    gap: 10px;
    justify-items: center;
    padding: 26px 16px;
    border: 2px dashed var(--field);
    border-radius: 12px;
    text-align: center;
  }
  .drop.over {
    border-color: var(--accent);
    background: var(--notice-tint);
  }
  .drop input {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    opacity: 0;
  }
  .drop label {
    display: inline-block;
    padding: 8px 16px;
    border-radius: 8px;
    background: var(--accent);
    color: var(--on-accent);
    font-size: 14px;
    font-weight: 600;
    cursor: pointer;
  }
  .drop label:focus-within {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  progress {
    inline-size: 100%;
    block-size: 14px;
    accent-color: var(--accent);
  }
  .list {
    display: grid;
    gap: 6px;
  }
  .list button {
    display: grid;
    gap: 2px;
    inline-size: 100%;
    text-align: start;
    border-color: var(--line);
    overflow-wrap: anywhere;
  }
  .list button[aria-current="true"] {
    border-color: var(--accent);
    background: var(--notice-tint);
  }
  .list .name {
    font-weight: 600;
  }
  .head h2 {
    overflow-wrap: anywhere;
  }
  .scroll {
    overflow-x: auto;
  }
  table {
    inline-size: 100%;
    border-collapse: collapse;
    font-size: 13px;
  }
  th {
    text-align: start;
    color: var(--quiet);
    font-weight: 500;
  }
  th,
  td {
    padding: 6px 10px 6px 0;
    border-block-end: 1px solid var(--line);
    vertical-align: top;
    overflow-wrap: anywhere;
  }
  fieldset {
    display: grid;
    gap: 8px;
    margin: 0;
    padding: 12px 14px;
    border: 1px solid var(--line);
    border-radius: 12px;
  }
  legend {
    padding-inline: 6px;
    font-weight: 600;
  }
  label.check {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 8px;
    color: var(--ink);
    font-size: 14px;
  }
  .numbers {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(96px, 1fr));
    gap: 10px;
  }
  .numbers div {
    display: grid;
    grid-template-columns: none;
    gap: 0;
    padding: 10px 12px;
    border-radius: 10px;
    background: var(--raised);
  }
  .numbers dd {
    font-size: 20px;
    font-weight: 650;
  }
  dl.numbers dt {
    font-size: 12px;
  }
  .hits {
    display: grid;
    gap: 10px;
  }
  .hit {
    display: grid;
    gap: 6px;
    padding: 10px 14px;
    border: 1px solid var(--line);
    border-inline-start: 4px solid var(--notice);
    border-radius: 10px;
    scroll-margin-block: 80px;
  }
  .hit.warning {
    border-inline-start-color: var(--warning);
  }
  .hit.violation {
    border-inline-start-color: var(--violation);
  }
  .hit[aria-current="true"] {
    background: var(--active);
    box-shadow: 0 0 0 2px var(--accent);
    outline: none;
  }
  .hit .said {
    font-size: 16px;
  }
  .verdicts {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }
  .verdicts input {
    flex: 1 1 140px;
    min-inline-size: 0;
  }
  button[aria-pressed="true"].right {
    border-color: var(--good);
    background: var(--good-tint);
    color: var(--good);
    font-weight: 650;
  }
  button[aria-pressed="true"].wrong {
    border-color: var(--violation);
    background: var(--violation-tint);
    color: var(--violation);
    font-weight: 650;
  }
  @media (max-width: 860px) {
    .columns.reviews {
      grid-template-columns: minmax(0, 1fr);
    }
    .bar {
      flex-wrap: wrap;
      gap: 8px 14px;
    }
  }
`;
