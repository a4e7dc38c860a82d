import * as optim from '@posteriors/optim';
import type { LogProbFn, Transform } from '@posteriors/transform';
import { badInput } from '../../transform/test/bad-input.ts';
import { conformance, type Params } from '../../transform/test/conformance.ts';
import { dense } from '../src/index.ts';

const learningRate = (step: number): number => 0.05 / (step + 1);

const build = <B, A>(
  logPosterior: LogProbFn<Params, B, A>,
): Transform<Params, dense.State<Params>, B, A, dense.Hyper> =>
  dense.build(logPosterior, optim.adam({ learningRate }), { temperature: 0.25, initL: 0.4 });

conformance('vi.dense', build);
badInput('vi.dense', build);
