// The browser's own speech recognition, where there is one (Chrome and Edge; it needs their cloud service).

interface RecognitionEvent extends Event {
  resultIndex: number;
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}

interface Recognition extends EventTarget {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  onresult: ((event: RecognitionEvent) => void) | null;
  onend: (() => void) | null;
  onerror: ((event: Event & { error: string }) => void) | null;
  start(): void;
  stop(): void;
}

type RecognitionClass = new () => Recognition;

function recognitionClass(): RecognitionClass | undefined {
  const view = window as unknown as Record<string, RecognitionClass | undefined>;
  return view["SpeechRecognition"] ?? view["webkitSpeechRecognition"];
}

export function canListen(): boolean {
  return recognitionClass() !== undefined;
}

export interface Listening {
  stop(): void;
}

/** Listen to the microphone in Chinese. `onWords` gets the growing text of one utterance, `onEnd` the reason it stopped. */
export function listen(onWords: (text: string, final: boolean) => void, onEnd: (error: string) => void): Listening {
  const Recogniser = recognitionClass();
  if (!Recogniser) throw new Error("this browser has no speech recognition");
  const recogniser = new Recogniser();
  let error = "";
  let stopped = false;
  Object.assign(recogniser, { lang: "zh-CN", continuous: true, interimResults: true });
  recogniser.onresult = (event) => {
    for (let at = event.resultIndex; at < event.results.length; at += 1) {
      const result = event.results[at];
      const words = result?.[0]?.transcript.trim();
      if (result && words) onWords(words, result.isFinal);
    }
  };
  recogniser.onerror = (event) => {
    // Silence is no error; the recogniser is simply started again.
    if (event.error !== "no-speech") error = event.error;
  };
  recogniser.onend = () => {
    if (stopped || error) onEnd(error);
    else recogniser.start();
  };
  recogniser.start();
  return {
    stop: () => {
      stopped = true;
      recogniser.stop();
    },
  };
}
