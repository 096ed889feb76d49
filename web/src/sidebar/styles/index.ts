// The whole look, in the order in which it applies.

import { adaptStyles } from "./adapt";
import { baseStyles } from "./base";
import { cardStyles } from "./card";
import { guideStyles } from "./guide";
import { transcriptStyles } from "./transcript";
import { whisperStyles } from "./whisper";

export const styles = [baseStyles, cardStyles, guideStyles, whisperStyles, transcriptStyles, adaptStyles];
