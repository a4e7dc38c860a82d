import type { LogProbFn, Transform } from '@posteriors/transform';
import { badInput } from '../../transform/test/bad-input.ts';
import { conformance, type Params } from '../../transform/test/conformance.ts';
import { sgnht } from '../src/index.ts';

const build = <B, A>(
  logPosterior: LogProbFn<Params, B, A>,
): Transform<Params, sgnht.State<Params>, B, A, sgnht.Hyper> =>
  sgnht.build(logPosterior, {
    learningRate: (step) => 0.1 / (step + 1),
    alpha: 0.7,
    sigma: 1.5,
    temperature: 0.25,
    xi: 0.5,
  });

conformance('sgnht', build);
badInput('sgnht', build);
