// Greeting, stage strip, hint line and ledger: small, still, and never in the colour of a violation but for danger.

import { css } from "lit";

export const guideStyles = css`
  .guide {
    flex: none;
    display: flex;
    flex-direction: column;
    gap: 4px;
    margin: 0 12px 8px;
  }
  .lane {
    display: flex;
    align-items: center;
    gap: 10px;
    block-size: 28px;
    min-inline-size: 0;
  }
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
    font: inherit;
  }

  /* Greeting */
  .ring {
    display: grid;
    place-items: center;
    inline-size: 22px;
    block-size: 22px;
    color: var(--good);
  }
  .ring .track {
    stroke: var(--line);
  }
  .ring .left {
    stroke: var(--accent);
    transition: stroke-dashoffset 1s linear;
  }
  .parts,
  .stages,
  .chips {
    display: flex;
    align-items: center;
    min-inline-size: 0;
  }
  .parts {
    gap: 6px;
  }
  .part {
    display: inline-flex;
    align-items: center;
    gap: 3px;
    block-size: 24px;
    padding-inline: 9px;
    border: 1px solid var(--line);
    border-radius: 12px;
    font-size: 13px;
    color: var(--quiet);
    white-space: nowrap;
  }
  .part svg {
    inline-size: 13px;
    block-size: 13px;
  }
  .part.said {
    border-color: transparent;
    background: var(--good-tint);
    color: var(--good);
    font-weight: 600;
  }

  /* Stages: done is filled, next is ringed, the rest is plain, so no colour is needed to tell */
  .stage {
    position: relative;
    display: grid;
    place-items: center;
    flex: none;
    inline-size: 24px;
    block-size: 24px;
    border-radius: 50%;
    border: 1px solid var(--line);
    background: var(--surface);
    font-size: 13px;
    color: var(--quiet);
  }
  .stage + .stage {
    margin-inline-start: 9px;
  }
  .stage + .stage::before {
    content: "";
    position: absolute;
    inset-inline-start: -10px;
    inline-size: 9px;
    border-block-start: 1px solid var(--line);
  }
  .stage.seen {
    border-color: transparent;
    background: var(--good-tint);
    color: var(--good);
    font-weight: 600;
  }
  .stage.coming {
    border: 2px solid var(--accent);
    color: var(--accent);
    font-weight: 700;
  }
  .resting .stage {
    background: transparent;
  }

  /* The customer */
  .chips {
    flex: 1;
    justify-content: flex-end;
    flex-wrap: wrap;
    gap: 5px;
    block-size: 24px;
    overflow: hidden;
  }
  .chip {
    block-size: 24px;
    padding-inline: 8px;
    border-radius: 6px;
    background: var(--warning-tint);
    color: var(--warning);
    font-size: 12px;
    line-height: 24px;
    white-space: nowrap;
    max-inline-size: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .very-upset .chip {
    font-weight: 600;
  }

  /* One line of words: the next step, or a hint that passes */
  .line {
    display: flex;
    align-items: center;
    gap: 8px;
    block-size: 38px;
    font-size: 13px;
    line-height: 19px;
    color: var(--quiet);
  }
  .told:empty {
    display: none;
  }
  .told,
  .step {
    flex: 1;
    min-inline-size: 0;
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    line-clamp: 2;
    overflow: hidden;
  }
  .told,
  .line strong,
  .aloud {
    color: var(--ink);
  }
  .line strong {
    font-weight: 600;
  }
  .line[data-hint]:not([data-hint=""]) .told {
    padding-inline-start: 9px;
    border-inline-start: 3px solid var(--notice);
    animation: arrive 200ms ease-out;
  }
  .line.safety .told {
    border-color: var(--violation);
  }
  .undo {
    flex: none;
    block-size: 30px;
    padding-inline: 12px;
    border-radius: 15px;
    background: color-mix(in srgb, var(--ink) 7%, transparent);
    color: var(--accent);
    font-weight: 600;
    white-space: nowrap;
  }
  .undo:hover {
    background: color-mix(in srgb, var(--ink) 13%, transparent);
  }

  /* Promises and what is still to be said */
  .ledger {
    flex: none;
    max-block-size: 66px;
    margin: 8px 12px 0;
    overflow-y: auto;
    scrollbar-width: thin;
    font-size: 13px;
  }
  .entry {
    display: flex;
    align-items: center;
    gap: 7px;
    min-block-size: 30px;
    padding-block: 3px;
    color: var(--quiet);
  }
  .entry + .entry {
    border-block-start: 1px solid var(--line);
  }
  .entry svg {
    inline-size: 15px;
    block-size: 15px;
  }
  .what {
    flex: 1;
    min-inline-size: 0;
    color: var(--ink);
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .what small {
    margin-inline-start: 6px;
    font-size: 12px;
    color: var(--quiet);
  }
  .when {
    flex: none;
    font-variant-numeric: tabular-nums;
  }
  .vague .when,
  .due .when,
  .vague svg,
  .due svg {
    color: var(--warning);
    font-weight: 600;
  }
`;
