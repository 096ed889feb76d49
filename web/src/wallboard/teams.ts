// Which teams a token is for. Only to offer them: the service checks the token, this does not.

/** The teams named in a token; none for an API key, or when it names none. */
export function teamsOf(credential: string): readonly string[] {
  const [, payload] = credential.split(".");
  if (!payload) return [];
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { teams?: unknown };
    return Array.isArray(claims.teams) ? claims.teams.filter((team): team is string => typeof team === "string") : [];
  } catch {
    return [];
  }
}
