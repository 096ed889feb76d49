// The panel in a small window of its own: always on top where the browser can (Document Picture-in-Picture), else a popup.

interface PictureInPicture {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

declare global {
  interface Window {
    documentPictureInPicture?: PictureInPicture;
  }
}

const WIDTH = 380;
const HEIGHT = 680;

/** Whether this page may open an always-on-top window: top level, secure, and a browser that has it. */
export function canFloat(): boolean {
  return window.documentPictureInPicture !== undefined && window.top === window;
}

/** Move `element` into an always-on-top window; it comes back to its place when that is closed. */
export async function float(element: HTMLElement, title: string): Promise<void> {
  const pip = window.documentPictureInPicture;
  if (!pip || element.ownerDocument !== document) return;
  const target = await pip.requestWindow({ width: WIDTH, height: HEIGHT });
  const place = document.createComment("coach-sidebar");
  element.replaceWith(place);
  target.document.title = title;
  target.document.documentElement.lang = element.lang || "zh-CN";
  // Through the object model: a style attribute or element would need a wider Content-Security-Policy.
  target.document.body.style.margin = "0";
  target.document.documentElement.style.height = "100%";
  target.document.body.style.height = "100%";
  target.document.body.append(element);
  target.addEventListener("pagehide", () => place.replaceWith(element), { once: true });
}

/** What the stand-alone page needs from its opener. */
export interface Session {
  agentId: string;
  language: string;
  getToken: (options: { renew: boolean }) => Promise<string>;
}

/** Open the stand-alone page in a popup and hand it the session when it asks. Returns false if it was blocked. */
export function popUp(page: URL, session: Session): boolean {
  const popup = window.open(page, "coach-sidebar", `popup,width=${WIDTH},height=${HEIGHT}`);
  if (!popup) return false;
  const answer = (event: MessageEvent) => {
    if (event.source !== popup || event.origin !== page.origin) return;
    const request = event.data as { coach?: number; type?: string; renew?: boolean } | null;
    if (request?.coach !== 1 || request.type !== "session?") return;
    void session.getToken({ renew: request.renew === true }).then((token) =>
      popup.postMessage(
        { coach: 1, type: "session", agent_id: session.agentId, lang: session.language, token },
        page.origin,
      ),
    );
  };
  window.addEventListener("message", answer);
  return true;
}
