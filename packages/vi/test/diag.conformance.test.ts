import * as optim from '@posteriors/optim';
import type { LogProbFn, Transform } from '@posteriors/transform';
import { badInput } from '../../transform/test/bad-input.ts';
import { conformance, type Params } from '../../transform/test/conformance.ts';
import { diag } from '../src/index.ts';

const learningRate = (step: number): number => 0.05 / (step + 1);

const build = <B, A>(logPosterior: LogProbFn<Params, B, A>): Transform<Params, diag.State<Params>, B, A, diag.Hyper> =>
  diag.build(logPosterior, optim.adam({ learningRate }), { temperature: 0.25, initLogSds: -1 });

conformance('vi.diag', build);
badInput('vi.diag', build);
