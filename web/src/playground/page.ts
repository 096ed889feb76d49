// The page: gets a credential (in demo mode by itself), then shows the playground.

import { enter } from "../core/entry";
import { languageOf } from "../core/strings";
import { Api } from "./api";
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

void enter(main, { ...words.login, offline: words.offline }, async (credential, renew) => {
  const api = new Api(credential, () => renew((other) => new Api(other).rules()));
  const playground = new Playground();
  playground.listing = await api.rules();
  playground.language = language;
  playground.api = api;
  playground.asked = asked;
  return playground;
});
