// How a page begins: in demo mode by itself, otherwise with a form that asks for a credential.
// When the credential has ended, the same form stands above the page until there is another.

import { Refused } from "./http";
import { demoSession, type DemoSession } from "./session";

export interface EntryWords {
  title: string;
  hint: string;
  credential: string;
  open: string;
  refused: string;
  offline: string;
  /** Why it is asked for again. */
  ended: string;
}

/**
 * Get another credential when the last one was refused: in demo mode a new one, otherwise from the person at the
 * screen, who is asked until `check` accepts it. Asked for twice at once, it is the same question.
 */
export type Renew = (check: (credential: string) => Promise<unknown>) => Promise<string>;

/**
 * Show the page with a credential; `show` returns what fills `main`, or throws `Refused`.
 * In demo mode the visitor's `token` is taken.
 */
export async function enter(
  main: HTMLElement,
  words: EntryWords,
  show: (credential: string, renew: Renew) => Promise<HTMLElement>,
  token: (session: DemoSession) => string = (session) => session.sidebar_token,
): Promise<void> {
  let demo = false;
  // Until there is a page, the form it begins with is there to ask.
  let shown = false;
  let coming: Promise<string> | null = null;
  const renew: Renew = async (check) => {
    if (!shown && !demo) throw new Refused(401, "not_authenticated", "");
    coming ??= (demo ? demoSession().then(token) : askAgain(main, words, check)).finally(() => (coming = null));
    return coming;
  };
  const open = async (credential: string) => {
    const page = await show(credential, renew);
    document.body.className = "playground";
    main.replaceChildren(page);
    shown = true;
  };
  try {
    const session = await demoSession();
    demo = true;
    await open(token(session));
  } catch {
    demo = false;
    document.body.className = "alone";
    const form = entryForm(words, open);
    const title = document.createElement("h1");
    title.textContent = words.title;
    form.prepend(title);
    main.replaceChildren(form);
    form.querySelector("input")?.focus();
  }
}

/** Put the form above the page; whoever is typing something there keeps the focus. */
async function askAgain(main: HTMLElement, words: EntryWords, check: (credential: string) => Promise<unknown>): Promise<string> {
  const before = document.activeElement;
  return new Promise((resolve) => {
    const form = entryForm(words, async (credential) => {
      await check(credential);
      form.remove();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
      resolve(credential);
    });
    form.classList.add("again");
    const why = document.createElement("strong");
    why.setAttribute("role", "alert");
    form.prepend(why);
    main.prepend(form);
    // Into a region that is there already: only then do screen readers say it.
    why.textContent = words.ended;
    if (before === document.body || before === null) form.querySelector("input")?.focus();
  });
}

function entryForm(words: EntryWords, open: (credential: string) => Promise<void>): HTMLFormElement {
  const form = document.createElement("form");
  const hint = document.createElement("p");
  hint.textContent = words.hint;
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "password", name: "credential", required: true, autocomplete: "off" });
  label.append(words.credential, input);
  const trouble = document.createElement("p");
  trouble.setAttribute("role", "alert");
  const button = document.createElement("button");
  button.textContent = words.open;
  form.append(hint, label, trouble, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await open(input.value.trim());
    } catch (error) {
      const reached = error instanceof Refused && error.status > 0;
      trouble.textContent = reached ? words.refused : words.offline;
    }
  });
  return form;
}
