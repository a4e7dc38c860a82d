// The conformance suite accepts what keeps the protocol, and catches what breaks it.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { currentTrace } from '@posteriors/backend';
import { leaves, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import type { HyperParameter, LogProbFn, Transform } from '../src/index.ts';
import { type Aux, type Batch, type ConformanceOptions, conformance } from '../src/testing/index.ts';
import * as sgld from './sgld.ts';

type State = sgld.State<TensorTree>;
type Algorithm = Transform<TensorTree, State, Batch, Aux>;

const hyper = { learningRate: 0.01, temperature: 0.5 };
const build = (
  logPosterior: LogProbFn<TensorTree, Batch, Aux>,
  given: { readonly [name: string]: HyperParameter },
): Algorithm => sgld.build(logPosterior, { ...hyper, ...given });
const options: ConformanceOptions<State> = { name: 'sgld', build, hyper, draws: 'unless cold' };

for (const { name, run } of conformance({ ...options, devices: ['cpu', 'wasm'] })) test(name, run);

/** Runs all checks of an algorithm; returns the messages of those that fail. What they leave behind goes with them. */
async function failures(broken: Partial<ConformanceOptions<State>>): Promise<string[]> {
  const messages: string[] = [];
  for (const { name, run } of conformance({ ...options, ...broken })) {
    tf.engine().startScope();
    await run().catch((error: Error) => messages.push(`${name}: ${error.message}`));
    tf.engine().endScope();
  }
  return messages;
}

/** sgld whose update is changed. */
const changed =
  (update: (algorithm: Algorithm, ...args: Parameters<Algorithm['update']>) => readonly [State, Aux]) =>
  (...args: Parameters<typeof build>): Algorithm => {
    const algorithm = build(...args);
    return { ...algorithm, update: (...given) => update(algorithm, ...given) as [State, Aux] };
  };

const broken: { readonly [what: string]: readonly [Partial<ConformanceOptions<State>>, RegExp] } = {
  'an update that changes the state it was given': [
    {
      build: changed((algorithm, state, batch, given) => {
        const result = algorithm.update(state, batch, given);
        return currentTrace() === null ? [Object.assign(state, result[0]), result[1]] : result;
      }),
    },
    /gives the same bits again: a second update: \$\S*, element 0, is /,
  ],
  'an update that leaks a tensor': [
    {
      build: changed((algorithm, state, batch, given) => {
        const result = algorithm.update(state, batch, given);
        if (currentTrace() === null) tf.scalar(1);
        return result;
      }),
    },
    /1,000 updates .*: an update makes 7 tensors more, and its state and aux have 6/,
  ],
  'an update in place that is another step': [
    {
      build: changed((algorithm, state, batch, given) =>
        algorithm.update(state, batch, given?.inplace ? { ...given, hyper: { learningRate: 0.02 } as object } : given),
      ),
    },
    /in place equals pure bit for bit, and gives the same object: in place: \$\.\S*, element 0, is /,
  ],
  'an update in place that returns a copy': [
    {
      build: changed((algorithm, state, batch, given) => {
        const [same, aux] = algorithm.update(state, batch, given);
        return [given?.inplace ? Object.assign(Object.create(Object.getPrototypeOf(same)), same) : same, aux];
      }),
    },
    /in place, update returns another object than the state/,
  ],
  'an update that keeps what is NaN': [
    { build: changed((algorithm, state, batch, given) => algorithm.update(state, batch, { ...given, check: false })) },
    /a step that gives NaN throws .*: a derivative that is NaN/,
  ],
  'an init that takes the tensors it is given': [
    {
      build: (...args) => {
        const algorithm = build(...args);
        const init: Algorithm['init'] = (params, given) => {
          const state = algorithm.init(params, given);
          if (currentTrace() !== null) return state;
          for (const leaf of leaves(state.params)) (leaf as tf.Tensor).dispose();
          return Object.assign(state, { params });
        };
        return { ...algorithm, init };
      },
    },
    /what the caller made is disposed; only its owner may|is disposed/,
  ],
  'a seed that decides nothing': [
    {
      build: (...args) => {
        const algorithm = build(...args);
        return { ...algorithm, init: (params) => algorithm.init(params) };
      },
    },
    /a seed decides the numbers.*: the same seed: \$\S*, element 0, is /,
  ],
  'a seed that is forgotten': [
    {
      build: (...args) => {
        const algorithm = build(...args);
        return { ...algorithm, init: (params, given) => algorithm.init(params, { ...given, seed: 0 }) };
      },
    },
    /the keys of two states: the numbers are the same and must differ/,
  ],
  'a schedule that starts from 1': [
    {
      build: (logPosterior, given) => {
        const later = (value: HyperParameter): HyperParameter =>
          typeof value === 'function' ? (step) => value(step + 1) : value;
        return build(
          logPosterior,
          Object.fromEntries(Object.entries(given).map(([key, value]) => [key, later(value)])),
        );
      },
    },
    /the schedule of learningRate was called with 1, 2, 3 and must be with 0, 1, 2/,
  ],
  'a temperature that is not used': [
    { build: (logPosterior, given) => build(logPosterior, { ...given, temperature: 1 }) },
    /another seed at temperature 0: \$\S*, element 0, is /,
  ],
  'updates that depend on more than their arguments': [
    {
      build: (...args) => {
        let calls = 0;
        const algorithm = build(...args);
        return {
          ...algorithm,
          update: (state, batch, given) => {
            calls += currentTrace() === null ? 1 : 0;
            return algorithm.update(state, batch, { ...given, hyper: { learningRate: 0.01 / (1 + calls) } as object });
          },
        };
      },
    },
    /gives the same bits again: a second update: /,
  ],
};

describe.each(Object.entries(broken))('%s', (_, [subject, message]) => {
  test('is caught', async () => {
    const messages = await failures(subject);
    expect(
      messages.some((each) => message.test(each)),
      messages.slice(0, 5).join('\n'),
    ).toBe(true);
  });
});

test('checks leave the parameters of an algorithm that is right alone', async () => {
  const before = tf.memory().numTensors;
  expect(await failures({})).toEqual([]);
  expect(tf.memory().numTensors).toBe(before);
});
