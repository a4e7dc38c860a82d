import { type LogProbFn, withAux } from '@posteriors/transform';
import { mean, mul, neg, scalar, square, sum, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { describe, expectTypeOf, test } from 'vitest';
import { baoa, sghmc, sgld, sglrw, sgnht } from '../src/index.ts';

type Params = { readonly weight: Tensor; readonly layers: readonly Tensor[] };
type Batch = readonly [x: Tensor, y: Tensor];
type Aux = { error: Tensor };
declare const params: Params;
declare const batch: Batch;

const logPosterior = (p: Params, [x, y]: Batch) =>
  withAux(neg(sum(square(mul(x, p.weight)))), { error: mean(square(y)) });

describe('build, init and update infer the parameters, the batch and aux', () => {
  test('with momenta', () => {
    const momenta = { weight: zeros([2]), layers: [] };
    for (const transform of [
      baoa.build(logPosterior, { learningRate: 0.1, alpha: 1, sigma: scalar(1), momenta }),
      sghmc.build(logPosterior, { learningRate: (step) => 1 / (step + 1), beta: 0.1, momenta: 0 }),
      sgnht.build(logPosterior, { learningRate: 0.1, beta: 0.1, momenta, xi: 0 }),
    ]) {
      const state = transform.init(params, { seed: 0 });
      expectTypeOf(state.params).toEqualTypeOf<Params>();
      expectTypeOf(state.momenta).toEqualTypeOf<Params>();
    }
    const transform = sgnht.build(logPosterior, { learningRate: 0.1 });
    const [state, aux] = transform.update(transform.init(params), batch, { hyper: { temperature: 0.1 } });
    expectTypeOf(state).toEqualTypeOf<sgnht.State<Params>>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
    expectTypeOf(state.xi).toEqualTypeOf<Tensor>();
  });

  test('without momenta', () => {
    const langevin = sgld.build(logPosterior, { learningRate: 0.1, beta: 0.1 });
    expectTypeOf(langevin.init(params)).toEqualTypeOf<sgld.State<Params>>();
    expectTypeOf(langevin.update(langevin.init(params), batch)).toEqualTypeOf<[state: sgld.State<Params>, aux: Aux]>();
    const walk = sglrw.build(logPosterior, { learningRate: 0.1 });
    expectTypeOf(walk.update(walk.init(params), batch)).toEqualTypeOf<[state: sglrw.State<Params>, aux: Aux]>();
  });

  test('the functions of the modules', () => {
    const [state, aux] = baoa.update(baoa.init(params, { momenta: 0, sigma: 2 }), batch, logPosterior, {
      learningRate: 0.1,
    });
    expectTypeOf(state).toEqualTypeOf<baoa.State<Params>>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
  });
});

test('wrong options, momenta and batches do not compile', () => {
  const one: LogProbFn<Tensor, null, []> = (p) => [sum(p), []];
  // @ts-expect-error: there is no learning rate
  baoa.build(one, { alpha: 1 });
  // @ts-expect-error: baoa has no beta
  baoa.build(one, { learningRate: 0.1, beta: 1 });
  // @ts-expect-error: sgld has no friction
  sgld.build(one, { learningRate: 0.1, alpha: 1 });
  // @ts-expect-error: nor has sglrw a beta
  sglrw.build(one, { learningRate: 0.1, beta: 1 });
  // @ts-expect-error: momenta like the parameters
  sgnht.build(logPosterior, { learningRate: 0.1, momenta: { weight: zeros([2]) } });
  // @ts-expect-error: momenta like the parameters
  baoa.init(params, { momenta: { weight: zeros([2]) } });
  // @ts-expect-error: another batch
  sgld.build(logPosterior, { learningRate: 0.1 }).update(sgld.init(params), null);
});
