// The YAML editor: CodeMirror with line numbers, colours and the loader's problems in the margin.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Text } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Problem } from "./api";

// Colours are the page's own, so that the editor is light and dark with it.
const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "14px", blockSize: "100%" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "ui-monospace, Consolas, 'Noto Sans Mono CJK SC', monospace", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--quiet)", border: "0" },
  ".cm-activeLine": { backgroundColor: "var(--active)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selected)",
  },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line)" },
});

const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
    { tag: [tags.string, tags.special(tags.string)], color: "var(--string)" },
    { tag: [tags.comment, tags.lineComment], color: "var(--quiet)", fontStyle: "italic" },
    { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--quiet)" },
  ]),
);

export class YamlEditor {
  readonly #view: EditorView;
  readonly #onChange: (text: string) => void;

  constructor(options: { parent: HTMLElement; root: ShadowRoot; label: string; onChange: (text: string) => void }) {
    this.#onChange = options.onChange;
    this.#view = new EditorView({
      parent: options.parent,
      // In a shadow root the styles are constructed sheets, which the Content-Security-Policy allows.
      root: options.root,
      state: this.#state("", options.label),
    });
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  /** Begin with another text; what was undone before belongs to the one before. */
  open(text: string, label: string): void {
    this.#view.setState(this.#state(text, label));
    this.#view.scrollDOM.scrollTop = 0;
  }

  /** Show problems in the margin and under the words they are about. */
  mark(problems: readonly Problem[]): void {
    const doc = this.#view.state.doc;
    const diagnostics = problems.map((problem) => {
      const from = position(doc, problem.line, problem.column);
      return { from, to: doc.lineAt(from).to, severity: "error" as const, message: problem.message };
    });
    this.#view.dispatch(setDiagnostics(this.#view.state, diagnostics));
  }

  /** Put the cursor where a problem or an example is. */
  goTo(line: number, column: number): void {
    const anchor = position(this.#view.state.doc, line, column);
    this.#view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
    this.#view.focus();
  }

  destroy(): void {
    this.#view.destroy();
  }

  #state(doc: string, label: string): EditorState {
    return EditorState.create({
      doc,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        EditorView.lineWrapping,
        indentUnit.of("  "),
        yaml(),
        // Tab leaves the editor: it must not be a trap for the keyboard.
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) this.#onChange(update.state.doc.toString());
        }),
        look,
        colours,
      ],
    });
  }
}

/** Lines and columns count from 1, columns in code points as Python counts them; 0 is the whole file. */
export function position(doc: Text, line: number, column: number): number {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const before = Array.from(found.text)
    .slice(0, Math.max(column - 1, 0))
    .join("");
  return Math.min(found.from + before.length, found.to);
}
