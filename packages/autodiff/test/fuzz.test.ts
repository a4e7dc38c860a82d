// An error at any kernel, while it is recorded or while it runs, leaves everything as it was.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { currentTrace, setBackend, Trace, theEngine } from '@posteriors/backend';
import * as tree from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  cg,
  checkpoint,
  customJvp,
  customVjp,
  grad,
  hessian,
  hvp,
  jacrev,
  jit,
  jvp,
  linearize,
  modelParameters,
  modelToFunction,
  scan,
  valueAndGrad,
  vjp,
  vmap,
} from '../src/index.ts';

type Tensor = tf.Tensor;
type Result = tree.TensorTree;

/** Throws at the kernel or result it was set to; counts them otherwise. */
const fuse = { at: 0, count: 0 };
function tick(): void {
  if (++fuse.count === fuse.at) throw new Error(`on purpose, at kernel ${fuse.at}`);
}

const { record } = Trace.prototype;
function throwWhereRecorded(): void {
  Trace.prototype.record = function (this: Trace, ...args: Parameters<typeof record>) {
    tick();
    return record.apply(this, args);
  };
}

/** The kernels of tfjs and the loops that run on the current device count; on wasm what makes a result. The function returned undoes that. */
function throwWhereRun(): () => void {
  const name = tf.getBackend();
  const device = tf.backend() as unknown as { [method: string]: (...args: unknown[]) => unknown };
  const making = name === 'wasm' ? 'makeOutput' : 'makeTensorInfo';
  const make = device[making]!;
  const kernels = (name === 'wasm' ? [] : tf.getKernelsForBackend(name)).map((config) => ({
    config,
    kernelFunc: config.kernelFunc,
  }));
  let inKernel = false;
  for (const { config, kernelFunc } of kernels) {
    config.kernelFunc = (parameters) => {
      tick();
      inKernel = true;
      try {
        return kernelFunc(parameters);
      } finally {
        inKernel = false;
      }
    };
  }
  device[making] = (...args) => {
    if (!inKernel) tick();
    return make.apply(device, args);
  };
  return () => {
    device[making] = make;
    for (const { config, kernelFunc } of kernels) config.kernelFunc = kernelFunc;
  };
}

const own = {
  random: Math.random,
  getRandomValues: globalThis.crypto.getRandomValues,
  assign: tf.Variable.prototype.assign,
};

/** What tracing and running change while they last. */
function surroundings(): unknown {
  const engine = theEngine();
  const { gradientDepth, kernelDepth, scopeStack, activeScope } = engine.state;
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return {
    overridden: Object.keys(engine).sort(),
    depths: [gradientDepth, kernelDepth, scopeStack.length],
    scope: activeScope?.name,
    tape: engine.isTapeOn(),
    trace: currentTrace(),
    random: Math.random === own.random,
    crypto: globalThis.crypto.getRandomValues === own.getRandomValues,
    assign: tf.Variable.prototype.assign === own.assign,
    memory: [numTensors, numDataBuffers, numBytes],
  };
}

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  let x: tf.Tensor2D;
  let v: tf.Tensor1D;
  let one: tf.Scalar;
  let w: tf.Tensor2D;
  let images: tf.Tensor4D;
  let index: tf.Tensor1D;
  let variable: tf.Variable;
  let dense: tf.LayersModel;
  let convolution: tf.LayersModel;

  beforeAll(async () => {
    await setBackend(device);
    x = tf.tensor2d([0.1, -0.4, 0.7, 1, 0.2, -0.3], [2, 3]);
    v = tf.tensor1d([0.5, -1, 2]);
    w = tf.tensor2d([0.3, -0.2, 0.1, 0.4, 0.5, -0.6], [3, 2]);
    one = tf.scalar(1);
    images = tf.tidy(() => tf.reshape(tf.sin(tf.range(0, 32)), [2, 4, 4, 1]));
    index = tf.tensor1d([1, 0, 1], 'int32');
    variable = tf.variable(v);
    dense = tf.sequential({
      layers: [
        tf.layers.dense({ units: 2, activation: 'tanh', inputShape: [3] }),
        tf.layers.dense({ units: 2, activation: 'softmax' }),
      ],
    });
    convolution = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 2, kernelSize: 2, activation: 'relu', inputShape: [4, 4, 1] }),
        tf.layers.maxPooling2d({ poolSize: 2, strides: 1 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2 }),
      ],
    });
  });

  const loss = (p: Tensor): Tensor => tf.sum(tf.logSoftmax(tf.matMul(tf.tanh(tf.matMul(p, w)), w, false, true)));
  const inScopes = (p: Tensor): Tensor =>
    tf.tidy(() => {
      const chosen = tf.tidy(() => tf.mul(tf.gather(p, index), tf.tensor1d([1, 2, 3])));
      return tf.mean(tf.square(tf.sub(chosen, variable)));
    });
  const cubed = customVjp(
    (t: Tensor): Tensor => tf.pow(t, 3),
    ([t], dy): [Tensor] => [tf.mul(dy, tf.mul(3, tf.square(t)))],
  );
  const doubled = customJvp(
    (t: Tensor): Tensor => tf.mul(t, 2),
    (_, [t]) => tf.mul(t, 2),
  );
  const clipped = tf.customGrad((t, save) => {
    (save as (tensors: Tensor[]) => void)([t as Tensor]);
    return {
      value: tf.exp(t as Tensor),
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, tf.clipByValue(saved[0]!, -1, 1)),
    };
  });

  /** Compiles, runs and frees. */
  const once = <A extends readonly unknown[], Y>(f: (...args: A) => Y, ...args: A): Result => {
    const compiled = jit(f);
    try {
      return compiled(...args) as Result;
    } finally {
      compiled.dispose();
    }
  };

  const programs: readonly [string, () => Result][] = [
    ['grad', () => grad(loss)(x)],
    ['grad in scopes', () => grad(inScopes)(x)],
    [
      'valueAndGrad with aux',
      () => valueAndGrad((p: Tensor) => [loss(p), { p, y: tf.exp(p) }] as const, { hasAux: true })(x),
    ],
    ['jvp', () => jvp(loss, [x], [x])],
    [
      'vjp and its pullback',
      () => {
        const { value, pullback, dispose } = vjp((p: Tensor) => tf.softmax(p), [x]);
        try {
          return pullback(x);
        } finally {
          value.dispose();
          dispose();
        }
      },
    ],
    [
      'linearize and its pushforward',
      () => {
        const { value, pushforward, dispose } = linearize((p: Tensor) => tf.cumsum(tf.exp(p), 1), [x]);
        try {
          return pushforward(x);
        } finally {
          value.dispose();
          dispose();
        }
      },
    ],
    ['vmap', () => vmap((row: Tensor) => [tf.softmax(row), tf.matMul(tf.reshape(row, [1, 3]), w)])(x)],
    ['jit', () => once(inScopes, x)],
    [
      'jit of vmap of grad',
      () => once(vmap(grad((row: Tensor) => tf.sum(tf.prod(tf.matMul(tf.reshape(row, [1, 3]), w))))), x),
    ],
    ['vmap of jit in vmap', () => vmap(vmap(jit((t: Tensor) => tf.sigmoid(tf.mul(t, one)))))(x)],
    ['grad of grad', () => grad((p: Tensor) => tf.sum(tf.square(grad(inScopes)(p))))(x)],
    ['hessian', () => hessian((t: Tensor) => tf.logSumExp(tf.mul(t, t)))(v)],
    ['hvp', () => hvp(loss, [x], [x])],
    ['jacrev of vmap', () => jacrev(vmap((row: Tensor) => tf.softmax(row)))(x)],
    ['customVjp', () => grad((t: Tensor) => tf.sum(cubed(tf.sin(t))))(v)],
    ['customJvp', () => jvp((t: Tensor) => doubled(tf.exp(doubled(t))), [v], [v])],
    [
      'tf.customGrad',
      () =>
        once(
          grad((t: Tensor) => tf.sum(clipped(tf.mul(t, 2)))),
          v,
        ),
    ],
    ['tf.grad in jit', () => once((t: Tensor) => tf.grad((u) => tf.sum(tf.mul(tf.square(u), t)))(t), v)],
    [
      'jit under tf.grad',
      () => {
        const compiled = jit((t: Tensor) => tf.sum(tf.exp(t)));
        try {
          return tf.grad((t) => compiled(t))(v);
        } finally {
          compiled.dispose();
        }
      },
    ],
    [
      'jit of two under tf.grads',
      () => {
        const compiled = jit((a: Tensor, b: Tensor) => tf.sum(tf.mul(tf.exp(a), b)));
        try {
          return tf.grads((a, b) => compiled(a!, b!))([v, one]);
        } finally {
          compiled.dispose();
        }
      },
    ],
    [
      'a dense model',
      () => {
        const f = modelToFunction(dense);
        return once(
          grad((p: ReturnType<typeof modelParameters>) => tf.mean(tf.log(f(p, x)))),
          modelParameters(dense),
        );
      },
    ],
    [
      'per-sample gradients of a convolutional model',
      () => {
        const f = modelToFunction(convolution);
        const lossOf = (p: ReturnType<typeof modelParameters>, image: Tensor): Tensor =>
          tf.sum(tf.square(f(p, tf.expandDims(image))));
        return once(vmap(grad(lossOf), { inAxes: [null, 0] }), modelParameters(convolution), images);
      },
    ],
    [
      'grad of scan',
      () =>
        grad((t: Tensor) => tf.sum(scan((c: Tensor, row: Tensor) => [tf.sin(tf.add(c, row)), c] as const, t, x)[1]))(v),
    ],
    ['grad of checkpoint', () => grad((p: Tensor) => checkpoint(loss)(p))(x)],
    [
      'cg',
      () => {
        const [solution, info] = cg((t: Tensor) => tf.mul(t, tf.tensor1d([1, 2, 3])), v as Tensor, { maxiter: 3 });
        for (const leaf of tree.leaves(info as unknown as Result)) if (leaf instanceof tf.Tensor) leaf.dispose();
        return solution;
      },
    ],
  ];

  /** Runs a program with an error at each of its kernels in turn, then without. */
  function fuzz(program: () => Result): number {
    fuse.at = 0;
    const values = (): number[] =>
      tree.leaves(program()).flatMap((leaf: Tensor) => {
        const read = [...leaf.dataSync()];
        leaf.dispose();
        return read;
      });
    const expected = values();
    fuse.count = 0;
    expect(values()).toEqual(expected);
    const kernels = fuse.count;
    const before = surroundings();
    for (let at = 1; at <= kernels; at++) {
      Object.assign(fuse, { at, count: 0 });
      expect(() => program(), `kernel ${at} of ${kernels}`).toThrow(`on purpose, at kernel ${at}`);
      fuse.at = 0;
      expect(surroundings(), `after an error at kernel ${at} of ${kernels}`).toEqual(before);
      expect(tf.tidy(() => tf.sum(tf.square(v)).dataSync()[0])).toBe(5.25);
    }
    expect(
      tf.tidy(() => [
        ...tf
          .grad((t) => tf.sum(tf.square(t)))(v)
          .dataSync(),
      ]),
    ).toEqual([1, -2, 4]);
    expect(values()).toEqual(expected);
    expect(surroundings()).toEqual(before);
    return kernels;
  }

  let restore = (): void => {};
  afterEach(() => {
    restore();
    Trace.prototype.record = record;
  });

  test.each(programs)('%s, while it is recorded', (_, program) => {
    throwWhereRecorded();
    expect(fuzz(program)).toBeGreaterThan(1);
  });

  test.each(programs)('%s, while it runs', (_, program) => {
    restore = throwWhereRun();
    expect(fuzz(program)).toBeGreaterThan(0);
  });

  test('what is compiled once, while it runs again', () => {
    restore = throwWhereRun();
    const compiled = jit(vmap(grad((row: Tensor) => tf.sum(tf.tanh(tf.matMul(tf.reshape(row, [1, 3]), w))))));
    expect(fuzz(() => compiled(x))).toBeGreaterThan(0);
    compiled.dispose();
  });
});
