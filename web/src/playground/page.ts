// The page: gets a credential (in demo mode by itself), then shows the playground.

import { languageOf } from "../core/strings";
import { demoSession } from "../demo/session";
import { Api, Refused, type Listing } from "./api";
import { Playground } from "./element";
import { wordsFor } from "./words";

const query = new URLSearchParams(location.search);
const language = languageOf(query.get("lang"), navigator.language);
const words = wordsFor(language);
const main = document.querySelector("main") as HTMLElement;
document.documentElement.lang = language;
document.title = words.title;

// A sentence in the address would stay in the browser's history and travel on with every copied address.
const asked = { text: query.get("text") ?? "", customer: query.get("customer") ?? "", rule: query.get("rule") ?? "" };
const kept = query.has("lang") ? `?lang=${language}` : "";
history.replaceState(null, "", `${location.pathname}${kept}`);

function show(api: Api, listing: Listing): void {
  const playground = new Playground();
  playground.language = language;
  playground.api = api;
  playground.listing = listing;
  playground.asked = asked;
  main.replaceChildren(playground);
}

function askCredential(): void {
  document.body.className = "alone";
  const form = document.createElement("form");
  const title = document.createElement("h1");
  title.textContent = words.login.title;
  const hint = document.createElement("p");
  hint.textContent = words.login.hint;
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "password", name: "credential", required: true, autocomplete: "off" });
  label.append(words.login.credential, input);
  const trouble = document.createElement("p");
  trouble.setAttribute("role", "alert");
  const open = document.createElement("button");
  open.textContent = words.login.open;
  form.append(title, hint, label, trouble, open);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const api = new Api(input.value.trim());
    try {
      const listing = await api.rules();
      document.body.className = "playground";
      show(api, listing);
    } catch (error) {
      const reached = error instanceof Refused && error.status > 0;
      trouble.textContent = reached ? words.login.refused : words.offline;
    }
  });
  main.replaceChildren(form);
  input.focus();
}

async function begin(): Promise<void> {
  try {
    const session = await demoSession();
    const api = new Api(session.sidebar_token);
    show(api, await api.rules());
  } catch {
    askCredential();
  }
}

void begin();
