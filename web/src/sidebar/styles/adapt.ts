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
    .blind {
      margin-inline: 8px;
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
  @media (max-height: 560px) {
    .place {
      block-size: 252px;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .card,
    .calm.good {
      animation: none;
    }
  }
  @media (forced-colors: active) {
    .card,
    .phrase,
    .calm,
    .bubble {
      border: 1px solid CanvasText;
    }
    mark {
      background: Mark;
      color: MarkText;
    }
  }
`;
