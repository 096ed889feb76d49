// What a key means while a card is shown. Keys with a modifier and keys typed into a field belong to the page.

import type { Card } from "../core/call";
import type { CardActions } from "./views/card";

/** Whether a key belongs to the page: it has a modifier, is typed into a field, or was taken already. */
export function isForeign(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return true;
  const target = event.composedPath()[0];
  return target instanceof Element && target.matches("input, textarea, select, [contenteditable]");
}

export function shortcutFor(event: KeyboardEvent, shown: Card, actions: CardActions): (() => void) | null {
  switch (event.key.toLowerCase()) {
    case "1":
    case "2": {
      const suggestion = shown.advice.suggestions[Number(event.key) - 1];
      return suggestion ? () => actions.copy(shown, suggestion) : null;
    }
    case "u":
      return () => actions.judge(shown, "useful");
    case "w":
      return () => actions.judge(shown, "false-alarm");
    case "s":
      return () => actions.snooze(shown);
    case "escape":
      return () => actions.dismiss(shown);
    default:
      return null;
  }
}
