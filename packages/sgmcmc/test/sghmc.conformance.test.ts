import { conformance } from '../../transform/test/conformance.ts';
import { sghmc } from '../src/index.ts';

conformance('sghmc', (logPosterior) =>
  sghmc.build(logPosterior, { learningRate: (step) => 0.1 / (step + 1), alpha: 0.7, sigma: 1.5, temperature: 0.25 }),
);
