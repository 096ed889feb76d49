// The blind spot banner and the call word by word.

import { css } from "lit";

export const transcriptStyles = css`
  /* Blind spot */
  .blind {
    flex: none;
    display: flex;
    gap: 9px;
    margin: 10px 12px 0;
    padding: 9px 12px;
    border-radius: 10px;
    background: var(--warning-tint);
    color: var(--ink);
    font-size: 13px;
    line-height: 1.45;
  }
  .blind svg {
    margin-block-start: 1px;
    color: var(--warning);
  }
  .blind strong {
    display: block;
    font-weight: 600;
    color: var(--warning);
  }

  /* Transcript */
  .wrap {
    position: relative;
    flex: 1;
    min-block-size: 0;
    margin-block-start: 12px;
    border-block-start: 1px solid var(--line);
  }
  .talk {
    block-size: 100%;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: 12px 12px 16px;
    scrollbar-width: thin;
    scrollbar-color: var(--line) transparent;
  }
  .talk.dim {
    opacity: 0.72;
  }
  .turn {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    margin-block-start: 6px;
  }
  .turn.first {
    margin-block-start: 12px;
  }
  .turn:first-child {
    margin-block-start: 0;
  }
  .turn.agent {
    align-items: flex-end;
  }
  .who {
    padding-inline: 4px;
    margin-block-end: 2px;
    font-size: 12px;
    color: var(--quiet);
  }
  .bubble {
    max-inline-size: 88%;
    padding: 7px 11px;
    border-radius: 4px 12px 12px;
    background: var(--surface);
    border: 1px solid var(--line);
    font-size: 14px;
    line-height: 1.55;
    overflow-wrap: anywhere;
  }
  .agent .bubble {
    border-radius: 12px 4px 12px 12px;
    background: var(--mine);
    border-color: transparent;
  }
  .unknown .bubble {
    border-style: dashed;
  }
  /* Words still in the air: a tail, no blinking. */
  .partial .bubble::after {
    content: "";
    display: inline-block;
    inline-size: 5px;
    block-size: 5px;
    margin-inline-start: 4px;
    border-radius: 50%;
    vertical-align: 2px;
    background: var(--quiet);
  }
  mark {
    padding: 1px 2px;
    border-radius: 4px;
    background: var(--tint);
    color: var(--ink);
    font-weight: 600;
    text-decoration: underline 2px var(--tone);
    text-underline-offset: 3px;
    cursor: pointer;
    -webkit-box-decoration-break: clone;
    box-decoration-break: clone;
  }
  mark.violation {
    text-decoration-style: wavy;
    text-decoration-thickness: 1.5px;
  }
  mark.notice {
    text-decoration-style: dotted;
  }
  .latest {
    position: absolute;
    inset-block-end: 12px;
    inset-inline-start: 50%;
    transform: translateX(-50%);
    block-size: 34px;
    padding-inline: 14px;
    border-radius: 17px;
    background: var(--ink);
    color: var(--surface);
    font-size: 13px;
    box-shadow: var(--shadow);
    white-space: nowrap;
  }
`;
