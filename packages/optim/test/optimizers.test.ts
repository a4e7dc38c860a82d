// What all optimisers share: torch's trajectories, and the same numbers eagerly, compiled and mapped.
import '@posteriors/backend/cpu';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { expectNoLeak } from '@posteriors/testing';
import { leaves, map, stack, type TensorTree, unstack } from '@posteriors/tree';
import {
  dispose,
  mul,
  outerProduct,
  scalar,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
  tensor2d,
  zeros,
} from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  type AdamWOptions,
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  applyUpdates,
  cosineDecaySchedule,
  type GradientTransformation,
  radam,
  rmsprop,
  type SgdOptions,
  type StepHyper,
  sgd,
} from '../src/index.ts';
import { descend, loss, startTrees } from './descent.ts';
import golden from './golden/optim.json' with { type: 'json' };

const learningRate = 0.05;
const cosine = cosineDecaySchedule(0.05, 50, { final: 0.01 });
const momentum = (options: Partial<SgdOptions>): GradientTransformation =>
  sgd({ learningRate, momentum: 0.9, ...options });
const penalised = { weightDecay: 0.3, maximize: true };
const decay = (options: AdamWOptions): GradientTransformation => adamw({ learningRate, weightDecay: 0.5, ...options });

const optimizers: { readonly [name in keyof typeof golden.trajectories]: GradientTransformation } = {
  sgd: sgd({ learningRate }),
  'sgd momentum': momentum({}),
  'sgd momentum dampening': momentum({ dampening: 0.4 }),
  'sgd nesterov': momentum({ momentum: 0.8, nesterov: true }),
  'sgd weightDecay': sgd({ learningRate, weightDecay: 0.3 }),
  'sgd maximize': sgd({ learningRate, maximize: true }),
  'sgd all': momentum({ momentum: 0.7, dampening: 0.2, weightDecay: 0.3, maximize: true }),
  'sgd cosine': sgd({ learningRate: cosine, momentum: 0.5 }),
  adam: adam({ learningRate }),
  'adam betas epsilon': adam({ learningRate, beta1: 0.7, beta2: 0.95, epsilon: 1e-2 }),
  'adam weightDecay': adam({ learningRate, weightDecay: 0.3 }),
  'adam maximize': adam({ learningRate, weightDecay: 0.3, maximize: true }),
  'adam cosine': adam({ learningRate: cosine }),
  adamw: adamw({ learningRate }),
  'adamw weightDecay': decay({}),
  'adamw maximize': decay({ maximize: true }),
  'adamw mask': decay({ mask: (_, path) => !path.endsWith('bias') }),
  rmsprop: rmsprop({ learningRate }),
  'rmsprop all': rmsprop({ learningRate, alpha: 0.9, epsilon: 1e-3, momentum: 0.7, centered: true, ...penalised }),
  'rmsprop nesterov': rmsprop({ learningRate, alpha: 0.9, momentum: 0.7, nesterov: true }),
  'rmsprop initialScale': rmsprop({ learningRate, initialScale: 0.5 }),
  adagrad: adagrad({ learningRate: 0.3 }),
  'adagrad all': adagrad({
    learningRate: 0.3,
    learningRateDecay: 0.1,
    initialAccumulator: 0.5,
    epsilon: 1e-3,
    ...penalised,
  }),
  adadelta: adadelta(),
  'adadelta all': adadelta({ learningRate: 0.5, rho: 0.7, epsilon: 1e-3, ...penalised }),
  adamax: adamax({ learningRate }),
  'adamax all': adamax({ learningRate, beta1: 0.7, beta2: 0.95, epsilon: 1e-2, ...penalised }),
  radam: radam({ learningRate }),
  'radam all': radam({ learningRate, beta1: 0.7, beta2: 0.8, epsilon: 1e-3, ...penalised }),
  'radam cosine': radam({ learningRate: cosine }),
};
const maximizing = new Set(Object.keys(optimizers).filter((name) => /(maximize|all)$/.test(name)));

type Kept = { readonly [tree: string]: { readonly [step: string]: unknown } };

describe.each(Object.entries(optimizers))('%s', (name, optimizer) => {
  const trees = golden.trajectories[name as keyof typeof golden.trajectories] as Kept;

  test.each(Object.keys(startTrees))('follows torch on the tree "%s"', (tree) => {
    const kept = trees[tree] as Kept[string];
    let compared = 0;
    const seen = (step: number, params: TensorTree): void => {
      if (kept[step] === undefined) return;
      compared++;
      expect(leaves(params), `step ${step}`).toBeAllClose(kept[step], { rtol: 1e-5, atol: 2e-6 });
    };
    descend(optimizer, startTrees[tree]!(), { steps: 50, maximize: maximizing.has(name), seen });
    expect(compared).toBe(5);
  });

  test('gives the same compiled, with one trace for all steps', () => {
    const step = jit((params: TensorTree, state: TensorTree, hyper: StepHyper) => {
      const [updates, next] = optimizer.update(grad(loss)(params), state, params, hyper);
      return [applyUpdates(params, updates), next] as [TensorTree, TensorTree];
    });
    let params = startTrees.nested!();
    let state = optimizer.init(params);
    for (let i = 0; i < 4; i++) {
      const [updates, next] = optimizer.update(grad(loss)(params), state, params, optimizer.hyper(i));
      const [compiledParams, compiledState] = step(params, state, optimizer.hyper(i));
      params = applyUpdates(params, updates);
      state = next;
      expect(compiledParams).toBeAllClose(params, { rtol: 1e-6, atol: 1e-7 });
      expect(compiledState).toBeAllClose(state, { rtol: 1e-6, atol: 1e-7 });
    }
    expect(step.traces).toBe(1);
    step.dispose();
  });

  test('leaks nothing and takes nothing', () => {
    const params = startTrees.nested!();
    const gradients = grad(loss)(params);
    const state = optimizer.init(params);
    expectNoLeak(() => {
      dispose(leaves(optimizer.init(params)));
      const [updates, next] = optimizer.update(gradients, state, params, optimizer.hyper(3));
      dispose([...leaves(applyUpdates(params, updates)), ...leaves(updates), ...leaves(next)]);
      dispose(leaves(descend(optimizer, params, { steps: 2 })));
    });
    for (const leaf of [...leaves(params), ...leaves(gradients), ...leaves(state)]) expect(leaf.isDisposed).toBe(false);
  });
});

test('torchopt on a quadratic', () => {
  const curvature = tensor2d([
    [2, 0.5],
    [0.5, 1],
  ]);
  const centre = tensor1d([1, -2]);
  const quadratic = (p: Tensor): Tensor => {
    const d = sub<Tensor1D>(p, centre);
    return mul(sum(mul(curvature, outerProduct(d, d))), 0.5);
  };
  const after = (optimizer: GradientTransformation): Tensor => {
    let params: Tensor = tensor1d([3, 0.5]);
    let state = optimizer.init(params);
    for (let step = 0; step < 5; step++) {
      const [updates, next] = optimizer.update(grad(quadratic)(params), state, params, optimizer.hyper(step));
      params = applyUpdates(params, updates);
      state = next;
    }
    return params;
  };
  expect(after(sgd({ learningRate: 0.1 }))).toBeAllClose([1.3536448, -0.747551]);
  expect(after(sgd({ learningRate: 0.1, momentum: 0.9 }))).toBeAllClose([-0.7583513, -2.4938321]);
  // What float64 gives; torchopt, whose bias corrections are float32, is off by 4e-6.
  expect(after(adam({ learningRate: 0.1 }))).toBeAllClose([2.5027748, 0.0024253]);
  const tolerance = { atol: 5e-6 };
  expect(after(adam({ learningRate: 0.1 }))).toBeAllClose([2.5027788, 0.0024292], tolerance);
  expect(after(adamw({ learningRate: 0.1 }))).toBeAllClose([2.4888916, 0.0009688], tolerance);
});

describe.each([
  ['sgd', (rate: number | Tensor) => sgd({ learningRate: rate, momentum: 0.9, dampening: 0.5 })],
  ['adam', (rate: number | Tensor) => adam({ learningRate: rate })],
  ['adamw', (rate: number | Tensor) => adamw({ learningRate: rate })],
] as const)('%s with learning rates as tensors', (_, make) => {
  const rates = [0.001, 0.05, 0.3];
  const twoSteps = (params: TensorTree, rate: number | Tensor): TensorTree => {
    const optimizer = make(rate);
    let [current, state] = [params, optimizer.init(params)];
    for (let step = 0; step < 2; step++) {
      const [updates, next] = optimizer.update(grad(loss)(current), state, current, optimizer.hyper(step));
      [current, state] = [applyUpdates(current, updates), next];
    }
    return current;
  };
  const params = startTrees.nested!();
  const expected = stack(rates.map((rate) => twoSteps(params, rate)));

  test('vmap over them equals one after the other', () => {
    const mapped = vmap(twoSteps, { inAxes: [null, 0] });
    expect(mapped(params, tensor1d(rates))).toBeAllClose(expected);
    expect(jit(mapped)(params, tensor1d(rates))).toBeAllClose(expected);
  });

  test('the loss after two steps can be differentiated in the learning rate', () => {
    const after = (rate: Tensor): Tensor => loss(twoSteps(params, rate));
    const at = (rate: number): number => loss(twoSteps(params, rate)).dataSync()[0] as number;
    const gradient = grad(after)(scalar(0.05)).dataSync()[0] as number;
    expect(gradient).toBeAllClose((at(0.052) - at(0.048)) / 0.004, { rtol: 0.01 });
  });

  test('vmap over parameters equals one after the other', () => {
    const many = stack([params, map((leaf: Tensor) => mul(leaf, -2), params)]);
    const each = stack(unstack(many).map((one) => twoSteps(one, 0.05)));
    expect(vmap((one: TensorTree) => twoSteps(one, 0.05))(many)).toBeAllClose(each);
  });
});

test('adam with epsilonRoot, by the formula', () => {
  const [b1, b2, epsilon, epsilonRoot] = [0.9, 0.99, 0.01, 0.3];
  const optimizer = adam({ learningRate: 0.1, beta1: b1, beta2: b2, epsilon, epsilonRoot });
  let [m, v] = [0, 0];
  const params = { x: tensor1d([0]) };
  let state = optimizer.init(params);
  [2, -0.5, 0.1].forEach((g, step) => {
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    const [mean, meanSquare] = [m / (1 - b1 ** (step + 1)), v / (1 - b2 ** (step + 1))];
    const [updates, next] = optimizer.update({ x: tensor1d([g]) }, state, params, optimizer.hyper(step));
    expect(updates.x).toBeAllClose([(-0.1 * mean) / (Math.sqrt(meanSquare + epsilonRoot) + epsilon)]);
    state = next;
  });
});

describe('adamw', () => {
  const params = { layers: [{ bias: tensor1d([1]), weight: tensor1d([2]) }], scale: tensor1d([4]) };
  const still = map((leaf: Tensor) => zeros(leaf.shape), params);
  const updates = (optimizer: GradientTransformation): unknown =>
    optimizer.update(still, optimizer.init(params), params, optimizer.hyper(0))[0];

  test('decays what the mask chooses: a tree of booleans, whole subtrees of it, or a predicate', () => {
    const options = { learningRate: 0.1, weightDecay: 0.5 };
    const expected = { layers: [{ bias: [0], weight: [-0.1] }], scale: [-0.2] };
    expect(updates(adamw({ ...options, mask: { layers: [{ bias: false, weight: true }], scale: true } }))).toBeAllClose(
      expected,
    );
    expect(updates(adamw({ ...options, mask: (_, path) => path !== '$.layers[0].bias' }))).toBeAllClose(expected);
    expect(updates(adamw({ ...options, mask: { layers: false, scale: true } }))).toBeAllClose({
      layers: [{ bias: [0], weight: [0] }],
      scale: [-0.2],
    });
    // Of leaves without elements too, and of two leaves that are one tensor.
    const leaf = tensor1d([1]);
    const shared = { decays: leaf, empty: zeros([0]), stays: leaf };
    const optimizer = adamw({ ...options, mask: { decays: true, empty: false, stays: false } });
    const [moved] = optimizer.update(map((p: Tensor) => zeros(p.shape), shared), optimizer.init(shared), shared, optimizer.hyper(0)); // biome-ignore format: one line
    expect(moved).toBeAllClose({ decays: [-0.05], empty: [], stays: [0] });
    expect(updates(adamw(options))).toBeAllClose({ layers: [{ bias: [-0.05], weight: [-0.1] }], scale: [-0.2] });
  });

  test('a mask of another structure is an error that shows both', () => {
    expect(() => updates(adamw({ mask: { layers: true } }))).toThrow(
      /the mask at \$ is {layers}, expected boolean or {layers, scale}/,
    );
  });
});

describe('errors', () => {
  test('options that do not exist, such as those of torch', () => {
    const makers: { readonly [name: string]: (options: never) => unknown } = { adadelta, adagrad, adam, adamax, adamw, radam, rmsprop, sgd }; // biome-ignore format: one line
    for (const [name, make] of Object.entries(makers)) {
      for (const option of ['lr', 'betas', 'eps', 'weight_decay']) {
        expect(() => make({ learningRate: 0.1, [option]: 0.5 } as never)).toThrow(
          `optim.${name}: there is no option ${option}; there are learningRate, weightDecay, maximize`,
        );
      }
      expect(() => make(0.1 as never)).toThrow(`optim.${name}: the options are 0.1 and must be an object with`);
    }
    expect(() => adam({ mask: true } as never)).toThrow('there is no option mask');
  });

  test('options out of range', () => {
    expect(() => sgd({ learningRate: -1 })).toThrow(
      'optim.sgd: learningRate is -1 and must be a number that is not negative',
    );
    expect(() => adam({ learningRate: tensor1d([1]) })).toThrow(
      'optim.adam: learningRate has shape [1] and must be a scalar',
    );
    expect(() => sgd({ learningRate: 1, momentum: -0.1 })).toThrow('optim.sgd: momentum is -0.1');
    expect(() => adam({ beta1: 1 })).toThrow('optim.adam: beta1 is 1 and must be a number of at least 0 and below 1');
    expect(() => adamw({ beta2: Number.NaN })).toThrow('optim.adamw: beta2 is NaN');
    expect(() => adam({ epsilon: -1 })).toThrow('optim.adam: epsilon is -1');
    expect(() => rmsprop({ alpha: 1 })).toThrow('optim.rmsprop: alpha is 1');
    expect(() => rmsprop({ nesterov: true })).toThrow('optim.rmsprop: nesterov needs a positive momentum');
    expect(() => adagrad({ learningRateDecay: -1 })).toThrow('optim.adagrad: learningRateDecay is -1');
    expect(() => adadelta({ rho: 2 })).toThrow('optim.adadelta: rho is 2');
    expect(() => adamax({ beta2: -1 })).toThrow('optim.adamax: beta2 is -1');
    expect(() => radam({ epsilon: 0 })).toThrow('optim.radam: epsilon is 0 and must be a positive number');
    expect(() => adamw({ weightDecay: Infinity })).toThrow('optim.adamw: weightDecay is Infinity');
  });

  test('nesterov without momentum, or with dampening', () => {
    expect(() => sgd({ learningRate: 1, nesterov: true })).toThrow(/nesterov needs .* momentum is 0, dampening is 0/);
    expect(() => momentum({ nesterov: true, dampening: 0.1 })).toThrow(/momentum is 0.9, dampening is 0.1/);
  });

  test('steps that are none, and schedules that leave the range', () => {
    for (const step of [-1, 0.5, Number.NaN])
      expect(() => adam().hyper(step)).toThrow(`optim.adam: the step is ${step} and must be`);
    const optimizer = sgd({ learningRate: (step) => 1 - step });
    expect(() => optimizer.hyper(1)).not.toThrow();
    expect(() => optimizer.hyper(2)).toThrow('optim.sgd: learningRate is -1');
  });

  test('trees that differ', () => {
    const optimizer = adam();
    const state = optimizer.init({ a: tensor1d([1]) });
    const [gradients, params] = [{ a: tensor1d([1]) }, { b: tensor1d([1]) }] as unknown as [TensorTree, TensorTree];
    expect(() => optimizer.update(params, state, params, optimizer.hyper(0))).toThrow(
      /differ in structure at \$: {b} vs {a}/,
    );
    expect(() => applyUpdates(params, gradients)).toThrow(/differ in structure at \$: {b} vs {a}/);
  });
});

test('applyUpdates adds', () => {
  const [params, updates] = [{ a: tensor1d([1, 2]) }, { a: tensor1d([10, -1]) }];
  expect(applyUpdates(params, updates)).toBeAllClose({ a: [11, 1] });
});
