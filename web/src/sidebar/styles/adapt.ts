// Narrow and wide panels, low windows, less motion, forced colours. Comes last, so that it wins.

import { css } from "lit";

export const adaptStyles = css`
  @container (max-width: 339px) {
    .say {
      font-size: 18px;
    }
    .phrase.second .say {
      font-size: 15px;
    }
    .place,
    .whisper,
    .guide,
    .ledger,
    .blind {
      margin-inline: 8px;
    }
    .lane {
      gap: 7px;
    }
    .parts {
      gap: 4px;
    }
    .part {
      padding-inline: 6px;
      font-size: 12px;
    }
    .stage + .stage {
      margin-inline-start: 5px;
    }
    .stage + .stage::before {
      inset-inline-start: -6px;
      inline-size: 5px;
    }
    .head {
      padding-inline-start: 12px;
    }
    .body {
      padding-inline: 12px;
    }
    .act {
      gap: 4px;
    }
  }
  @container (min-width: 400px) {
    .say {
      font-size: 22px;
    }
  }
  @media (min-height: 700px) {
    .ledger {
      max-block-size: 100px;
    }
  }
  @media (max-height: 560px) {
    .place {
      block-size: 236px;
    }
    .ledger {
      max-block-size: 33px;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .card,
    .calm.good,
    .line .told {
      animation: none !important;
    }
    .ring .left {
      transition: none;
    }
  }
  @media (forced-colors: active) {
    .card,
    .phrase,
    .calm,
    .bubble,
    .chip,
    .part,
    .stage {
      border: 1px solid CanvasText;
    }
    .stage.coming {
      border-width: 3px;
    }
    mark {
      background: Mark;
      color: MarkText;
    }
  }
`;
