import { leaves, type TensorTree } from '@posteriors/tree';
import { add, mul, scalar, sqrt, square, sum, Tensor, tidy } from '@tensorflow/tfjs-core';
import { readsAtOnce } from '../reads-at-once.ts';
import { disposeTensors } from '../state.ts';
import { check } from '../status.ts';
import { withAux } from '../transform.ts';
import { memory, require, requireDifferent, requireMemory, requireSame, requireThrow, valuesOf } from './expect.ts';
import { makeBatch } from './problem.ts';
import { type Property, type State, updated } from './property.ts';

/** Who owns which tensor, and that none is left over. */
export function ofOwnership<S extends State>(): Property<S>[] {
  return [
    [
      'in place inside of tf.tidy: the state lives on, aux ends',
      async ({ transform, params, batch }) => {
        const state = transform.init(params, { seed: 1 });
        const expected = updated(transform, transform.init(params, { seed: 1 }), batch, 3);
        const { numTensors } = memory();
        for (let i = 0; i < 3; i++) tidy(() => void transform.update(state, batch, { inplace: true }));
        requireSame('in place in tf.tidy', await valuesOf(state), await valuesOf(expected));
        require('aux of an update in place outlives tf.tidy', memory().numTensors === numTensors);
        disposeTensors([state, expected]);
      },
    ],
    [
      'init takes nothing, and without a seed gives a key of its own',
      async ({ transform, params }) => {
        const before = await valuesOf(params);
        const [a, b] = [transform.init(params), transform.init(params)];
        requireDifferent('the keys of two states', [await valuesOf(a.key), await valuesOf(b.key)]);
        disposeTensors([a, b]);
        requireSame('the parameters after the states are gone', await valuesOf(params), before);
      },
    ],
    [
      '1,000 updates leave tensors, buffers and bytes as expected: pure, in place, with aux and without',
      async ({ transform, params, batch }) => {
        const outside = memory();
        const state = transform.init(params, { seed: 1 });
        disposeTensors(transform.update(state, batch, { inplace: true })[1]);
        const kept = memory();
        let current = transform.init(params, { seed: 1 });
        for (let i = 0; i < 1_000; i++) {
          const { numTensors } = memory();
          const [next, aux] = transform.update(current, batch, { aux: i % 2 === 0 });
          const made = leaves<unknown>([next, aux]).filter((leaf) => leaf instanceof Tensor).length;
          const more = memory().numTensors - numTensors;
          require(`an update makes ${more} tensors more, and its state and aux have ${made}`, more === made);
          disposeTensors([aux, current]);
          current = next;
        }
        current.dispose();
        requireMemory('after 1,000 updates', memory(), kept);
        for (let i = 0; i < 1_000; i++)
          disposeTensors(transform.update(state, batch, { inplace: true, aux: i % 2 === 0 })[1]);
        requireMemory('after 1,000 updates in place', memory(), kept);
        state.dispose();
        requireMemory('after the state was disposed', memory(), outside);
      },
    ],
    [
      'updates that throw, before, while and after the program runs, leave the state and the memory as they were',
      async ({ problem, params, batch, options: { build } }) => {
        const captured = scalar(1);
        let failing = false;
        const transform = build((p, data, context) => {
          if (failing) throw new Error('as it was told');
          const [value, { prediction, error }] = problem.logPosterior(p, data, context);
          return withAux(mul(value, captured), { prediction: mul(prediction, captured), error });
        }, {});
        const state = transform.init(params, { seed: 1 });
        disposeTensors(transform.update(state, batch, { inplace: true })[1]);
        const values = await valuesOf(state);
        const gone = makeBatch(4);
        disposeTensors(gone);
        captured.dispose();
        const larger = makeBatch(5);
        const before = memory();
        for (let i = 0; i < 250; i++) {
          for (const inplace of [false, true]) {
            requireThrow('a disposed batch', () => transform.update(state, gone, { inplace }), 'disposed');
            requireThrow('a disposed constant', () => transform.update(state, batch, { inplace }), 'disposed');
          }
        }
        failing = true;
        for (let i = 0; i < 20; i++) {
          requireThrow('a throwing function', () => transform.update(state, larger), 'as it was told');
          requireThrow(
            'a throwing function',
            () => transform.update(state, larger, { compile: false }),
            'as it was told',
          );
        }
        requireMemory('after updates that threw', memory(), before);
        requireSame('the state after updates that threw', await valuesOf(state), values);
        disposeTensors([state, larger]);
      },
    ],
    [
      'a step that gives NaN throws and leaves the state, pure and in place; where it cannot be read at once, check finds it',
      async ({ problem, params, batch, options: { build } }) => {
        const transform = build((p, data, context) => {
          const [value, { prediction, error }] = problem.logPosterior(p, data, context);
          // 0, whose derivative is 0 / 0.
          const cusps = leaves(p).map((leaf) => sum<Tensor>(sqrt(square(mul(leaf as Tensor, 0)))));
          const cusp = cusps.reduce((a, b) => add(a, b));
          return withAux(add(value, cusp), { prediction: add(prediction, cusp), error });
        }, {});
        const state = transform.init(params, { seed: 1 });
        const update = (inplace: boolean) => (): unknown => transform.update(state, batch, { inplace });
        if (readsAtOnce()) {
          const values = await valuesOf(state);
          requireThrow('a derivative that is NaN', update(false), 'NaN');
          const before = memory();
          for (const inplace of [false, true]) requireThrow('a derivative that is NaN', update(inplace), 'NaN');
          requireMemory('after steps that gave NaN', memory(), before);
          requireSame('the state after steps that gave NaN', await valuesOf(state), values);
          require('the step of the state after steps that gave NaN must be 0', state.step === 0);
        } else {
          disposeTensors(transform.update(state, batch, { inplace: true })[1]);
          const sound = await check(state).then(
            () => true,
            () => false,
          );
          require('check does not find NaN', !sound);
        }
        state.dispose();
      },
    ],
    [
      'an init that throws leaves nothing behind',
      async ({ transform, params }) => {
        const wrong = scalar(1, 'int32');
        const before = memory();
        for (let i = 0; i < 100; i++)
          requireThrow(
            'an int32 parameter',
            () => transform.init({ params, wrong } as TensorTree, { seed: 1 }),
            'int32',
          );
        requireMemory('after inits that threw', memory(), before);
        wrong.dispose();
      },
    ],
  ];
}
