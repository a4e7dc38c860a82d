import * as optim from '@posteriors/optim';
import { conformance } from '../../transform/test/conformance.ts';
import { diag } from '../src/index.ts';

const learningRate = (step: number): number => 0.05 / (step + 1);

conformance('vi.diag', (logPosterior) =>
  diag.build(logPosterior, optim.adam({ learningRate }), { temperature: 0.25, initLogSds: -1 }),
);
