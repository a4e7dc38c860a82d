import type { LogProbFn, Transform } from '@posteriors/transform';
import { badInput } from '../../transform/test/bad-input.ts';
import { conformance, type Params } from '../../transform/test/conformance.ts';
import { sglrw } from '../src/index.ts';

const build = <B, A>(
  logPosterior: LogProbFn<Params, B, A>,
): Transform<Params, sglrw.State<Params>, B, A, sglrw.Hyper> =>
  sglrw.build(logPosterior, { learningRate: (step) => 0.05 / (step + 1), temperature: 0.25 });

conformance('sglrw', build);
badInput('sglrw', build, { companions: false });
