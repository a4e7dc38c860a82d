import type { LogProbFn, Transform } from '@posteriors/transform';
import { badInput } from '../../transform/test/bad-input.ts';
import { conformance, type Params } from '../../transform/test/conformance.ts';
import { sgld } from '../src/index.ts';

const build = <B, A>(logPosterior: LogProbFn<Params, B, A>): Transform<Params, sgld.State<Params>, B, A, sgld.Hyper> =>
  sgld.build(logPosterior, { learningRate: (step) => 0.05 / (step + 1), beta: 0.5, temperature: 0.25 });

conformance('sgld', build);
badInput('sgld', build, { companions: false });
