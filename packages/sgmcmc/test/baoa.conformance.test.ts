import type { LogProbFn, Transform } from '@posteriors/transform';
import { badInput } from '../../transform/test/bad-input.ts';
import { conformance, type Params } from '../../transform/test/conformance.ts';
import { baoa } from '../src/index.ts';

const build = <B, A>(logPosterior: LogProbFn<Params, B, A>): Transform<Params, baoa.State<Params>, B, A, baoa.Hyper> =>
  baoa.build(logPosterior, { learningRate: (step) => 0.1 / (step + 1), alpha: 0.7, sigma: 1.5, temperature: 0.25 });

conformance('baoa', build);
badInput('baoa', build);
