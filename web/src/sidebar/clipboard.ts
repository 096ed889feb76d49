// Copying that also works where navigator.clipboard is missing: plain http on an intranet, frames without permission.

/** Put `text` on the clipboard; `root` is where a field may live for a moment. Resolves to success. */
export async function copyText(text: string, root: ShadowRoot): Promise<boolean> {
  const view = root.ownerDocument.defaultView ?? window;
  try {
    await view.navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text, root);
  }
}

function copyBySelection(text: string, root: ShadowRoot): boolean {
  const field = root.ownerDocument.createElement("textarea");
  const before = root.activeElement;
  field.value = text;
  field.className = "sr";
  field.setAttribute("aria-hidden", "true");
  root.append(field);
  field.select();
  // Deprecated, and the only way left on plain http.
  const copied = root.ownerDocument.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
