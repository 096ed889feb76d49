// Beside the card and quieter than it: greeting or stage strip, the customer's state, one hint, the promises.

import { html, nothing, svg, type TemplateResult } from "lit";
import type { Call } from "../../core/call";
import { greetingOf, hintOf, isSafety, openMustSays, promisesOf, type Commitment, type GreetingView } from "../../core/guide";
import type { GuideStrings } from "../../core/hints";
import { STAGES, type StageMessage } from "../../core/wire";
import { clockFace, speech, tick } from "../icons";

/** Something the agent just did that he may take back. */
export interface Undo {
  readonly kind: "feedback" | "snooze";
  readonly adviceId: string;
  readonly rule: string;
  readonly title: string;
  /** Epoch ms. */
  readonly until: number;
}

export interface GuideProps {
  strings: GuideStrings;
  call: Call;
  now: number;
  undo: Undo | null;
  onUndo: () => void;
}

const RING = 2 * Math.PI * 8;

/** The strip above the card. Its height never changes while a call goes on. */
export function guide({ strings, call, now, undo, onUndo }: GuideProps): TemplateResult | typeof nothing {
  if (call.id === null) return nothing;
  const greeting = greetingOf(call, now);
  return html`<div class="guide">
    <div class="lane">${greeting ? opening(greeting, strings) : strip(call.stage, strings)}</div>
    ${line({ strings, call, now, undo, onUndo }, greeting)}
  </div>`;
}

/** The promises, and what a rule pack still wants to be said; below the card, above the transcript. */
export function ledger(call: Call, strings: GuideStrings, language: string): TemplateResult | typeof nothing {
  const promises = promisesOf(call);
  // What asks for words now comes first: a time that is missing or up, then what must be said, then what is settled.
  const pressing = promises.filter(({ due, vague }) => due || vague);
  const settled = promises.filter((one) => !pressing.includes(one));
  const open = openMustSays(call);
  if (promises.length + open.length === 0) return nothing;
  return html`<div class="ledger" role="region" aria-label="${strings.commitments} ${strings.mustSays}" tabindex="0">
    <ul>
      ${pressing.map((one) => promise(one, strings, language))}
      ${open.map(
        (one) => html`<li class="entry" data-must-say=${one.id} lang="zh-CN">
          ${speech}<span class="what" title=${one.phrase}>${one.part}${one.phrase ? html`<small>${one.phrase}</small>` : nothing}</span>
          <span class="when">${one.missed ? strings.missed : strings.mustSays}</span>
        </li>`,
      )}
      ${settled.map((one) => promise(one, strings, language))}
    </ul>
  </div>`;
}

function opening({ parts, leftMs, share }: GreetingView, strings: GuideStrings): TemplateResult {
  const seconds = leftMs === null ? null : Math.ceil(leftMs / 1000);
  const complete = parts.every(({ said }) => said);
  return html`<span class="ring" role="img" aria-label=${seconds === null ? strings.greeting : strings.secondsLeft(seconds)}>
      ${complete
        ? tick
        : svg`<svg viewBox="0 0 20 20" width="20" height="20" fill="none" stroke-width="2.4" aria-hidden="true">
            <circle class="track" cx="10" cy="10" r="8"/>
            <circle class="left" cx="10" cy="10" r="8" transform="rotate(-90 10 10)"
              stroke-dasharray=${RING} stroke-dashoffset=${RING * (1 - share)}/></svg>`}
    </span>
    <ul class="parts" aria-label=${strings.greeting}>
      ${parts.map(
        ({ id, part, said }) => html`<li class="part ${said ? "said" : ""}" data-part=${id}>
          ${said ? tick : nothing}${strings.part(part)}${said ? html`<span class="sr">${strings.said}</span>` : nothing}
        </li>`,
      )}
    </ul>`;
}

function strip(stage: StageMessage | null, strings: GuideStrings): TemplateResult {
  const seen = stage?.seen ?? [];
  const next = stage?.active ? stage.next : null;
  return html`<ol class="stages ${stage?.active ? "" : "resting"}" aria-label=${strings.strip}>
      ${STAGES.map((each) => {
        const done = (stage?.active ?? false) && seen.includes(each);
        return html`<li class="stage ${done ? "seen" : ""} ${each === next ? "coming" : ""}" data-stage=${each}
          title=${strings.stage[each].name} aria-current=${each === next ? "step" : nothing}>
          <span lang="zh-CN">${each}</span>${done ? html`<span class="sr">${strings.said}</span>` : nothing}
        </li>`;
      })}
    </ol>
    ${chips(stage, strings)}`;
}

function chips(stage: StageMessage | null, strings: GuideStrings): TemplateResult | typeof nothing {
  const signals = stage?.customer.signals ?? [];
  if (!stage || signals.length === 0) return nothing;
  const { mood, motive } = stage.customer;
  const words = signals.map((signal) =>
    signal === "customer-complaint" && motive ? `${strings.signal[signal]}·${strings.motive[motive]}` : strings.signal[signal],
  );
  return html`<ul class="chips ${mood === "critical" ? "very-upset" : ""}" aria-label=${strings.customer} title="${strings.customer}：${strings.mood[mood]} ${words.join(" ")}">
    ${words.map((each) => html`<li class="chip">${each}</li>`)}
  </ul>`;
}

function line({ strings, call, now, undo, onUndo }: GuideProps, greeting: GreetingView | null): TemplateResult {
  const happening = hintOf(call, now);
  const hint = happening ? strings.hint(happening.moment) : null;
  const safety = happening !== null && isSafety(happening.moment.details);
  if (undo && !safety) {
    return html`<div class="line"><span class="told" role="status"><strong
          >${undo.kind === "feedback" ? strings.undoFeedback : strings.undoSnooze}</strong
        ><span lang="zh-CN"> ${undo.title}</span></span>
      <button class="undo" type="button" title="${strings.undo} (Z)" @click=${onUndo}>${strings.undo}</button></div>`;
  }
  // One live region for all hints: it is there before its words, as screen readers demand.
  return html`<div class="line ${safety ? "safety" : ""}" data-hint=${hint ? (happening?.moment.kind ?? "") : ""}>
    <span class="told" role="status"
      >${hint ? html`<strong>${hint.title}</strong>${hint.say ? html` <span class="aloud" lang="zh-CN">${hint.say}</span>` : nothing}` : nothing}</span
    >
    ${hint ? nothing : html`<span class="step">${step(call.stage, strings, greeting)}</span>`}
  </div>`;
}

function step(stage: StageMessage | null, strings: GuideStrings, greeting: GreetingView | null): unknown {
  if (greeting) return greeting.parts.every(({ said }) => said) ? strings.greetingDone : strings.greetingHint;
  if (stage?.active) {
    if (stage.next === null) return strings.done;
    return html`${strings.next}：<strong>${strings.stage[stage.next].name}</strong> ${strings.stage[stage.next].todo}`;
  }
  const intent = stage?.customer.intent;
  if (intent && intent.motive !== "help-seeking") return strings.intent(strings.plainIntent[intent.motive], intent.settled);
  return intent ? strings.intent(strings.plainIntent[intent.motive], intent.settled) : strings.resting;
}

function promise({ id, what, vague, due, dueAt, when }: Commitment, strings: GuideStrings, language: string): TemplateResult {
  const state = due ? "due" : vague ? "vague" : "";
  const time = dueAt === null ? when : strings.by(timeOf(dueAt, language));
  return html`<li class="entry ${state}" data-commitment=${id}>
    ${clockFace}<span class="what" lang="zh-CN" title=${what}>${what}</span>
    <span class="when">${due ? strings.due : vague ? strings.vague : time}</span>
  </li>`;
}

/** "15:30", with the date when it is not today. */
function timeOf(at: number, language: string): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hour12: false });
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.toLocaleDateString(language, { month: "numeric", day: "numeric" })} ${time}`;
}
