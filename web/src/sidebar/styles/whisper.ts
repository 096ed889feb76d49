// The supervisor's note above the card.

import { css } from "lit";

export const whisperStyles = css`
  .whisper {
    flex: none;
    display: flex;
    align-items: center;
    gap: 10px;
    margin: 0 12px 10px;
    padding: 8px 8px 8px 12px;
    border-radius: 10px;
    border: 1px solid var(--line);
    border-inline-start: 4px solid var(--accent);
    background: var(--surface);
  }
  .whisper.none {
    display: contents;
  }
  .word {
    flex: 1;
    min-inline-size: 0;
    display: flex;
    gap: 9px;
  }
  .none .word {
    position: absolute;
  }
  .word > span {
    min-inline-size: 0;
  }
  .word svg {
    color: var(--accent);
    margin-block-start: 2px;
  }
  .word strong {
    font-size: 13px;
    font-weight: 600;
    color: var(--accent);
  }
  .from {
    margin-inline-start: 6px;
    font-size: 12px;
    color: var(--quiet);
  }
  .whisper .what {
    display: block;
    white-space: normal;
    font-size: 16px;
    font-weight: 500;
    line-height: 1.4;
    overflow-wrap: anywhere;
  }
  .heed {
    flex: none;
    min-block-size: 36px;
    padding-inline: 12px;
    border-radius: 8px;
    background: color-mix(in srgb, var(--accent) 12%, transparent);
    color: var(--accent);
    font-size: 13px;
    font-weight: 600;
    white-space: nowrap;
  }
  .heed:hover {
    background: color-mix(in srgb, var(--accent) 20%, transparent);
  }
`;
