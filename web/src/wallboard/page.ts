// The page: gets a credential (in demo mode by itself), then shows the team's calls.

import { enter } from "../core/entry";
import { Http } from "../core/http";
import { languageOf } from "../core/strings";
import { Wallboard } from "./element";
import { teamsOf } from "./teams";
import { wordsFor } from "./words";

const query = new URLSearchParams(location.search);
const language = languageOf(query.get("lang"), navigator.language);
const words = wordsFor(language);
const main = document.querySelector("main") as HTMLElement;
document.documentElement.lang = language;
document.title = words.title;

void enter(
  main,
  { title: words.title, ...words.login, offline: words.offline },
  async (credential, renew) => {
    // The socket would only close: this tells a wrong credential from a service that is away.
    const check = (given: string) => new Http(given).ask("GET", "calls?limit=1");
    await check(credential);
    const wallboard = new Wallboard();
    wallboard.language = language;
    wallboard.credential = credential;
    wallboard.renew = () => renew(check);
    wallboard.teams = teamsOf(credential);
    wallboard.team = query.get("team") ?? wallboard.teams[0] ?? "";
    return wallboard;
  },
  (session) => session.supervisor_token,
);
