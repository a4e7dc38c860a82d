// The quick start as users write it: no annotation beyond the parameters of the log posterior, and no cast.
import { add, div, matMul, mean, neg, scalar, square, sub, sum, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expectTypeOf, test } from 'vitest';
import {
  categoricalLogProb,
  diagNormalLogProb,
  type LogProbFn,
  type ModelParameters,
  metrics,
  modelParameters,
  modelToFunction,
  optim,
  random,
  run,
  sampleChain,
  setBackend,
  sgmcmc,
  tree,
  vi,
  withAux,
} from '../src/index.ts';

const numData = 100;
const temperature = 1 / numData;
const params = { weight: zeros([3, 2]), bias: zeros([2]) };
type Params = typeof params;
type Batch = { inputs: Tensor; targets: Tensor };
type Aux = { residuals: Tensor };

const predict = (params: Params, inputs: Tensor) => add(matMul(inputs, params.weight), params.bias);

function declared(params: Params, { inputs, targets }: Batch) {
  const residuals = sub(predict(params, inputs), targets);
  const value = add(neg(mean(square(residuals))), div(diagNormalLogProb(params), numData));
  return withAux(value, { residuals });
}

const arrow = (params: Params, { inputs, targets }: Batch) => {
  const residuals = sub(predict(params, inputs), targets);
  return [neg(sum(square(residuals))), { residuals }] as const;
};

describe('vi.diag infers the parameters, the batch and aux', () => {
  const optimizer = optim.adam({ learningRate: optim.cosineDecaySchedule(1e-3, 100) });
  const options = { temperature, initLogSds: -3 };
  type State = vi.diag.State<Params>;

  test('from a function declared apart', () => {
    const transform = vi.diag.build(declared, optimizer, options);
    const state = transform.init(params, { seed: 0 });
    const [next, aux] = transform.update(state, { inputs: zeros([1, 3]), targets: zeros([1, 2]) });
    expectTypeOf(state).toEqualTypeOf<State>();
    expectTypeOf(next).toEqualTypeOf<State>();
    expectTypeOf(next.params).toEqualTypeOf<Params>();
    expectTypeOf(next.logSdDiag).toEqualTypeOf<Params>();
    expectTypeOf(next.nelbo).toEqualTypeOf<Tensor>();
    expectTypeOf(next.step).toEqualTypeOf<number>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
    expectTypeOf(vi.diag.sample(next)).toEqualTypeOf<Params>();
    expectTypeOf(vi.diag.sample(next, { sampleShape: [8], key: random.key(1) })).toEqualTypeOf<Params>();
  });

  test('from an arrow function that returns `as const`', () => {
    const transform = vi.diag.build(arrow, optimizer, options);
    const state = transform.init(params);
    const [next, aux] = transform.update(state, { inputs: zeros([1, 3]), targets: zeros([1, 2]) }, { inplace: true });
    expectTypeOf(next.params).toEqualTypeOf<Params>();
    expectTypeOf(aux.residuals).toEqualTypeOf<Tensor>();
    expectTypeOf(aux).not.toBeAny();
  });

  test('from a function written in place', () => {
    const transform = vi.diag.build(
      (params: Params, inputs: Tensor) => [sum(predict(params, inputs)), []],
      optimizer,
      options,
    );
    const [next, aux] = transform.update(transform.init(params), zeros([1, 3]));
    expectTypeOf(next.params).toEqualTypeOf<Params>();
    expectTypeOf(aux).toExtend<readonly unknown[]>();
    expectTypeOf(aux).not.toBeAny();
  });

  test('for the functions of the module', () => {
    const state = vi.diag.init(params, optimizer, { initLogSds: -3, key: random.key(0) });
    expectTypeOf(state).toEqualTypeOf<State>();
    const batch = { inputs: zeros([1, 3]), targets: zeros([1, 2]) };
    const [next, aux] = vi.diag.update(state, batch, declared, optimizer, { temperature: (step) => 1 / (step + 1) });
    expectTypeOf(next).toEqualTypeOf<State>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
    const [nelbo, samples] = vi.diag.nelbo(params, params, batch, declared, { nSamples: 4 });
    expectTypeOf(nelbo).toEqualTypeOf<Tensor>();
    expectTypeOf(samples).toEqualTypeOf<Aux>();
  });
});

describe('sgmcmc.sghmc infers the parameters, the batch and aux', () => {
  const options = { learningRate: 0.1, alpha: 1, temperature };
  const batch = { inputs: zeros([1, 3]), targets: zeros([1, 2]) };
  type State = sgmcmc.sghmc.State<Params>;

  test('from a function declared apart', () => {
    const transform = sgmcmc.sghmc.build(declared, options);
    const state = transform.init(params, { seed: 0 });
    const [next, aux] = transform.update(state, batch, { hyper: { learningRate: scalar(0.1) } });
    expectTypeOf(state).toEqualTypeOf<State>();
    expectTypeOf(next).toEqualTypeOf<State>();
    expectTypeOf(next.params).toEqualTypeOf<Params>();
    expectTypeOf(next.momenta).toEqualTypeOf<Params>();
    expectTypeOf(next.logPosterior).toEqualTypeOf<Tensor>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
  });

  test('from an arrow function, and one written in place', () => {
    const [next, aux] = sgmcmc.sghmc.build(arrow, options).update({} as State, batch);
    expectTypeOf(next).toEqualTypeOf<State>();
    expectTypeOf(aux.residuals).toEqualTypeOf<Tensor>();
    const transform = sgmcmc.sghmc.build(
      (params: Params, inputs: Tensor) => withAux(sum(predict(params, inputs)), []),
      {
        learningRate: 1,
        momenta: { weight: zeros([3, 2]), bias: zeros([2]) },
      },
    );
    expectTypeOf(transform.init(params)).toEqualTypeOf<State>();
  });

  test('for the functions of the module', () => {
    const state = sgmcmc.sghmc.init(params, { momenta: 0 });
    const [next, aux] = sgmcmc.sghmc.update(state, batch, declared, { learningRate: 0.1 });
    expectTypeOf(next).toEqualTypeOf<State>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
  });

  test('in the loops', () => {
    const transform = sgmcmc.sghmc.build(declared, options);
    const state = transform.init(params);
    expectTypeOf(run(transform, state, [batch])).toEqualTypeOf<Promise<State>>();
    const draws = sampleChain(transform, state, [batch], {
      burnIn: 10,
      onStep: (current, aux) => {
        expectTypeOf(current).toEqualTypeOf<State>();
        expectTypeOf(aux).toEqualTypeOf<Aux>();
      },
    });
    expectTypeOf(draws).toEqualTypeOf<Promise<Params[]>>();
  });
});

describe('a model of tf.layers', () => {
  const model = sequential({ layers: [layers.dense({ inputShape: [784], units: 64 }), layers.dense({ units: 10 })] });
  const network = modelToFunction(model);
  const batch = [zeros([32, 784]), zeros([32], 'int32')] as const;

  test('the log posterior declared apart, by both algorithms', () => {
    function logPosterior(params: ModelParameters, [images, labels]: readonly [Tensor, Tensor]) {
      const logits = network(params, images);
      expectTypeOf(logits).toEqualTypeOf<Tensor>();
      return withAux(add(mean(categoricalLogProb(logits, labels)), div(diagNormalLogProb(params), numData)), logits);
    }
    const variational = vi.diag.build(logPosterior, optim.adam({ learningRate: 1e-3 }), {
      temperature,
      initLogSds: -3,
    });
    const [fitted, aux] = variational.update(variational.init(modelParameters(model)), batch);
    expectTypeOf(fitted).toEqualTypeOf<vi.diag.State<ModelParameters>>();
    expectTypeOf(fitted.params).toEqualTypeOf<ModelParameters>();
    expectTypeOf(aux).toEqualTypeOf<Tensor>();
    expectTypeOf(tree.unstack(vi.diag.sample(fitted, { sampleShape: [4] }))).toEqualTypeOf<ModelParameters[]>();

    const sampler = sgmcmc.sghmc.build(logPosterior, { learningRate: 0.3, alpha: 1, temperature });
    const [sampled] = sampler.update(sampler.init(modelParameters(model)), batch);
    expectTypeOf(sampled.params).toEqualTypeOf<ModelParameters>();
  });

  test('a log posterior of a declared type', () => {
    const logPosterior: LogProbFn<ModelParameters, readonly [Tensor, Tensor], []> = (params, [images, labels]) => [
      mean(categoricalLogProb(network(params, images), labels)),
      [],
    ];
    const transform = vi.diag.build(logPosterior, optim.sgd({ learningRate: 1 }));
    const [, aux] = transform.update(transform.init(modelParameters(model)), batch);
    expectTypeOf(aux).toEqualTypeOf<[]>();
  });
});

test('nothing public is any', () => {
  expectTypeOf<Parameters<typeof vi.diag.build>[2]>().not.toBeAny();
  expectTypeOf<vi.diag.State<Params>['optState']>().not.toBeAny();
  expectTypeOf<vi.diag.State<Params>['key']>().not.toBeAny();
  expectTypeOf<sgmcmc.sghmc.State<Params>['key']>().not.toBeAny();
  expectTypeOf(vi.diag.build(declared, optim.sgd({ learningRate: 1 }))).not.toBeAny();
  expectTypeOf(setBackend).returns.toEqualTypeOf<Promise<'cpu' | 'wasm' | 'webgpu'>>();
  expectTypeOf(metrics.accuracy).returns.toEqualTypeOf<number>();
  expectTypeOf(random.key(0)).toEqualTypeOf<Uint32Array>();
});

describe('wrong uses are errors', () => {
  const transform = sgmcmc.sghmc.build(declared, { learningRate: 0.1 });
  const state = transform.init(params);
  const batch = { inputs: zeros([1, 3]), targets: zeros([1, 2]) };
  const adam = optim.adam({ learningRate: 1 });

  test('batches, parameters and states of another type', () => {
    // @ts-expect-error the batch is an object
    transform.update(state, zeros([1, 3]));
    // @ts-expect-error the batch lacks its targets
    transform.update(state, { inputs: zeros([1, 3]) });
    // @ts-expect-error the parameters lack their bias
    transform.init({ weight: zeros([3, 2]) });
    // @ts-expect-error numbers are no parameters
    sgmcmc.sghmc.init({ weight: 1 });
    // @ts-expect-error a state of another algorithm
    vi.diag.build(declared, adam).update(state, batch);
    // @ts-expect-error the seed is a number
    transform.init(params, { seed: '0' });
  });

  test('trees that differ from the parameters', () => {
    // @ts-expect-error the momenta lack the bias
    sgmcmc.sghmc.build(declared, { learningRate: 0.1, momenta: { weight: zeros([3, 2]) } });
    // @ts-expect-error the log standard deviations are another tree
    vi.diag.build(declared, adam, { initLogSds: [zeros([3, 2])] });
    // @ts-expect-error likewise
    vi.diag.init(params, adam, { initLogSds: { weight: zeros([3, 2]) } });
  });

  test('unknown and missing options', () => {
    // @ts-expect-error the learning rate is missing
    sgmcmc.sghmc.build(declared, { alpha: 1 });
    // @ts-expect-error no such option
    sgmcmc.sghmc.build(declared, { learningRate: 1, lr: 1 });
    // @ts-expect-error no such option
    vi.diag.build(declared, adam, { temprature: 1 });
    // @ts-expect-error no such option
    transform.update(state, batch, { inPlace: true });
    // @ts-expect-error no such hyper-parameter
    transform.update(state, batch, { hyper: { momentum: 1 } });
    // @ts-expect-error a hyper-parameter is a number, a schedule or a tensor
    sgmcmc.sghmc.build(declared, { learningRate: '1' });
    // @ts-expect-error no such device
    setBackend('cuda');
  });

  test('log posteriors that return something else', () => {
    // @ts-expect-error no aux
    vi.diag.build((params: Params, _batch: Tensor) => sum(params.bias), adam);
    const array = (params: Params, _batch: Tensor) => [sum(params.bias), sum(params.bias)];
    // @ts-expect-error an array without an order: withAux keeps it
    vi.diag.build(array, adam);
    // @ts-expect-error async
    vi.diag.build(async (params: Params, _batch: Tensor) => withAux(sum(params.bias), []), adam);
    // @ts-expect-error the value is a number
    vi.diag.build((_params: Params, _batch: Tensor) => withAux(1, []), adam);
    // @ts-expect-error the optimiser is missing
    vi.diag.build(declared);
  });
});
