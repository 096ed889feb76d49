// Two soft notes, made here: no file to load, nothing to allow in the Content-Security-Policy.

const NOTES_HZ = [660, 880];
const NOTE_S = 0.18;
const LOUD = 0.08;

export class Chime {
  #context: AudioContext | null = null;

  ring(): void {
    this.#context ??= new AudioContext();
    const context = this.#context;
    void context.resume();
    NOTES_HZ.forEach((hz, index) => {
      const [note, volume] = [context.createOscillator(), context.createGain()];
      const begin = context.currentTime + index * NOTE_S;
      note.frequency.value = hz;
      volume.gain.setValueAtTime(LOUD, begin);
      volume.gain.exponentialRampToValueAtTime(0.001, begin + NOTE_S);
      note.connect(volume).connect(context.destination);
      note.start(begin);
      note.stop(begin + NOTE_S);
    });
  }
}
