// The reserved place, the blind spot banner, and what a screen reader is told.

import { html, type TemplateResult } from "lit";
import { takenUp, type Call } from "../../core/call";
import type { Connection } from "../../core/connection";
import type { FocusView } from "../../core/focus";
import type { Strings } from "../../core/strings";
import { ear, eyeOff, phone, tick } from "../icons";
import { calm, card, type CardActions } from "./card";

/** A word of thanks in the place of a card that left. */
export interface Note {
  icon: unknown;
  text: string;
  /** Epoch ms. */
  until: number;
}

export interface PlaceProps {
  view: FocusView;
  strings: Strings;
  call: Call;
  connection: Connection;
  note: Note | null;
  guarded: boolean;
  actions: CardActions;
}

/** The reserved place: a card, or why there is none. */
export function place(props: PlaceProps): TemplateResult {
  const { view, strings, call, connection, note, guarded, actions } = props;
  const { phase, trouble, wasLive } = connection;
  if (phase === "idle") return calm("lost", eyeOff, strings.state.offline, strings.noToken);
  if (phase !== "live") {
    const words = trouble === "none" || trouble === "network" ? strings.lostHint : strings.trouble[trouble];
    const refused = phase === "refused" ? strings.state.offline : wasLive ? strings.lost : strings.state.connecting;
    return wasLive || trouble !== "none" ? calm("lost", eyeOff, refused, words) : calm("", ear, refused, "");
  }
  if (view.ticked && view.card) {
    const outcome = view.card.outcome === "repaired" ? "repaired" : "adopted";
    return calm("good", tick, strings.outcome[outcome], view.card.advice.suggestions[0]?.text ?? "");
  }
  if (view.card) return card({ ...view, card: view.card, guarded }, strings, actions);
  if (note) return calm("", note.icon, note.text, "");
  if (call.id === null) return calm("", phone, strings.waitingForCall, strings.waitingHint);
  if (call.endedAtMs !== null) {
    const tally = strings.endedHint(takenUp(call), call.cards.length);
    return calm("", phone, strings.ended, call.endedBy === "timeout" ? strings.endedByTimeout : tally);
  }
  return calm("", ear, strings.listening, strings.listeningHint);
}

/** What coach cannot see at the moment, and why. */
export function blind(call: Call, connection: Connection, strings: Strings): TemplateResult[] {
  const reasons = call.blind.map(({ reason }) => banner(reason, strings.blind, strings.blindReason[reason] ?? reason));
  return connection.degraded ? [banner("bus", strings.degraded, strings.degradedHint), ...reasons] : reasons;
}

function banner(reason: string, title: string, hint: string): TemplateResult {
  return html`<div class="blind" role="status" data-reason=${reason}>
    ${eyeOff}
    <span><strong>${title}</strong>${hint}</span>
  </div>`;
}

/** Spoken by a screen reader: at once for what must not be said, otherwise when it is quiet. */
export function announce(view: FocusView | null, strings: Strings): TemplateResult {
  const shown = view?.card && !view.ticked ? view.card.advice : null;
  const words = shown
    ? strings.announce(strings.severity[shown.severity], shown.title, shown.suggestions[0]?.text ?? "")
    : view?.ticked
      ? strings.outcome[view.card?.outcome === "repaired" ? "repaired" : "adopted"]
      : "";
  const urgent = shown?.severity === "violation";
  return html`<div class="sr" role="alert">${urgent ? words : ""}</div>
    <div class="sr" role="status" aria-live="polite">${urgent ? "" : words}</div>`;
}
