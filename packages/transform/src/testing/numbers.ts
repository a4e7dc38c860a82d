import { vmap } from '@posteriors/autodiff';
import { type DeviceName, setBackend } from '@posteriors/backend';
import { keyTensor, split, key as toKey } from '@posteriors/random';
import { flatten, leaves, type TensorTree, unflatten } from '@posteriors/tree';
import { getBackend, scalar, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { disposeTensors, makeState } from '../state.ts';
import { memory, require, requireDifferent, requireMemory, requireSame, toPlain, valuesOf } from './expect.ts';
import type { Aux, Batch } from './problem.ts';
import { type Property, type State, updated } from './property.ts';

/** Numbers: what any parameters show. */
export function ofAllParameters<S extends State>(): Property<S>[] {
  return [
    [
      'update is a function of state and batch: it changes neither and gives the same bits again',
      async ({ transform, params, batch }) => {
        const state = transform.init(params, { seed: 2 });
        require(`the step of the first state is ${state.step} and must be 0`, state.step === 0);
        const before = await valuesOf([state, batch]);
        const [first, firstAux] = transform.update(state, batch);
        const [second, secondAux] = transform.update(state, batch);
        requireSame('a second update', await valuesOf([second, secondAux]), await valuesOf([first, firstAux]));
        requireSame('state and batch after an update', await valuesOf([state, batch]), before);
        require(`the step after an update is ${first.step} and must be 1`, first.step === 1);
        disposeTensors([state, first, second, firstAux, secondAux]);
      },
    ],
    [
      'in place equals pure bit for bit, and gives the same object',
      async ({ transform, params, batch }) => {
        const pure = updated(transform, transform.init(params, { seed: 1 }), batch, 5);
        const state = transform.init(params, { seed: 1 });
        for (let i = 0; i < 5; i++) {
          const [same, aux] = transform.update(state, batch, { inplace: true });
          require('in place, update returns another object than the state', same === state);
          disposeTensors(aux);
        }
        requireSame('in place', await valuesOf(state), await valuesOf(pure));
        disposeTensors([state, pure]);
      },
    ],
    [
      'a seed decides the numbers, as does its key; another seed gives others if the algorithm draws',
      async ({ transform, params, batch, options }) => {
        const starts = [{ seed: 3 }, { seed: 3 }, { key: toKey(3) }, ...[4, 5, 6, 7].map((seed) => ({ seed }))];
        const states = starts.map((start) => updated(transform, transform.init(params, start), batch, 3));
        const [first, same, byKey, ...others] = await Promise.all(states.map(({ params: now }) => valuesOf(now)));
        requireSame('the same seed', same!, first!);
        requireSame('the key of the seed', byKey!, first!);
        if (options.draws === 'never') for (const other of others) requireSame('another seed', other, first!);
        else requireDifferent('other seeds', [first!, ...others]);
        disposeTensors(states);
      },
    ],
    [
      'a run resumed from plain data equals one that was not interrupted',
      async ({ transform, params, batch }) => {
        const whole = updated(transform, transform.init(params, { seed: 5 }), batch, 6);
        const half = updated(transform, transform.init(params, { seed: 5 }), batch, 3);
        const { key, ...fields } = half;
        const text = JSON.stringify({ key: [...(key as Uint32Array)], fields: await toPlain(fields) });
        const { structure } = flatten<unknown>(fields);
        half.dispose();
        const stored = JSON.parse(text) as { key: number[]; fields: Awaited<ReturnType<typeof toPlain>> };
        const loaded = stored.fields.map(({ values, shape }) => (shape ? tensor([...values], [...shape]) : values[0]));
        const state = makeState({ ...(unflatten(structure, loaded) as S), key: Uint32Array.from(stored.key) });
        const resumed = updated(transform, state as unknown as S, batch, 3);
        requireSame('the resumed run', await valuesOf(resumed), await valuesOf(whole));
        disposeTensors([resumed, whole]);
      },
    ],
    [
      'compile: false gives the same numbers',
      async ({ transform, params, batch, options: { tolerance } }) => {
        const compiled = updated(transform, transform.init(params, { seed: 7 }), batch, 3);
        const traced = updated(transform, transform.init(params, { seed: 7 }), batch, 3, { compile: false });
        requireSame('compile: false', await valuesOf(traced), await valuesOf(compiled), tolerance);
        disposeTensors([compiled, traced]);
      },
    ],
    [
      'vmap over states, with keys [chains, 2], equals the loop over chains',
      async ({ transform, params, batch, options: { tolerance } }) => {
        const keys = split(toKey(8), 3);
        const single = keys.map((key) => updated(transform, transform.init(params, { key }), batch, 2));
        const stacked = keyTensor(keys);
        let chains = vmap((key: Tensor) => transform.init(params, { key }) as never)(stacked) as unknown as S;
        const step = vmap((state: never, data: Batch) => transform.update(state, data) as never, { inAxes: [0, null] });
        for (let i = 0; i < 2; i++) {
          const [next, aux] = step(chains as never, batch) as unknown as [S, Aux];
          disposeTensors([chains, aux]);
          chains = next;
        }
        require(`the step of mapped states is ${chains.step} and must be 2`, chains.step === 2);
        const together = [...(await valuesOf(chains.params))];
        for (const [i, { params: alone }] of single.entries()) {
          const expected = await valuesOf(alone);
          const chain = together.map(([path, values]) => {
            const size = values.length / single.length;
            return [path, values.slice(i * size, (i + 1) * size)] as const;
          });
          requireSame(`chain ${i} of a map`, new Map(chain), expected, tolerance);
        }
        disposeTensors([single, stacked, chains]);
      },
    ],
  ];
}

/** Numbers: what the settings of an algorithm show. */
export function ofSettings<S extends State>(): Property<S>[] {
  return [
    [
      'aux: false leaves aux out and changes nothing else',
      async ({ transform, params, batch }) => {
        const state = transform.init(params, { seed: 6 });
        const [withIt, aux] = transform.update(state, batch);
        const [without, none] = transform.update(state, batch, { aux: false });
        require('there is no aux', leaves<unknown>(aux).length > 0);
        require('with aux: false, aux must be []', Array.isArray(none) && (none as unknown[]).length === 0);
        requireSame('aux: false', await valuesOf(without), await valuesOf(withIt));
        disposeTensors([state, withIt, aux, without]);
      },
    ],
    [
      'a state with a key on the device equals one with a key on the host, and outlives the state before it',
      async ({ transform, params, batch }) => {
        const host = updated(transform, transform.init(params, { key: toKey(9) }), batch, 3);
        const key = keyTensor(toKey(9));
        const before = memory();
        const onDevice = updated(transform, transform.init(params, { key }), batch, 3);
        requireSame('a key on the device', await valuesOf(onDevice.params), await valuesOf(host.params));
        onDevice.dispose();
        requireMemory('after the states are gone', memory(), before);
        disposeTensors([host, key]);
      },
    ],
    [
      'a schedule is called with 0, 1, 2 ... and equals its numbers, given one by one',
      async ({ problem, params, batch, options: { build, hyper } }) => {
        for (const [name, first] of Object.entries(hyper)) {
          const at = (step: number): number => first / (step + 1);
          const asked: number[] = [];
          const scheduled = build(problem.logPosterior, {
            [name]: (step: number) => {
              asked.push(step);
              return at(step);
            },
          });
          const whole = scheduled.init(params, { seed: 10 });
          asked.length = 0;
          const after = updated(scheduled, whole, batch, 3);
          let state = build(problem.logPosterior, { [name]: at(0) }).init(params, { seed: 10 });
          for (let i = 0; i < 3; i++) state = updated(build(problem.logPosterior, { [name]: at(i) }), state, batch, 1);
          const steps = [...new Set(asked)].join(', ');
          require(`the schedule of ${name} was called with ${steps} and must be with 0, 1, 2`, steps === '0, 1, 2');
          requireSame(`a schedule of ${name}`, await valuesOf(after), await valuesOf(state));
          const [overridden, aux] = scheduled.update(after, batch, { hyper: { [name]: first } as object });
          const [set, auxOfSet] = build(problem.logPosterior, { [name]: first }).update(after, batch);
          requireSame(`${name} given to an update`, await valuesOf(overridden), await valuesOf(set));
          disposeTensors([after, state, overridden, set, aux, auxOfSet]);
        }
      },
    ],
    [
      'a hyper-parameter may be a scalar tensor, which stays the caller’s',
      async ({ problem, params, batch, options: { build, hyper, tolerance } }) => {
        for (const [name, value] of Object.entries(hyper)) {
          const given = scalar(value);
          const byTensor = build(problem.logPosterior, { [name]: given });
          const byNumber = build(problem.logPosterior, { [name]: value });
          const states = [byTensor, byNumber].map((each) => updated(each, each.init(params, { seed: 11 }), batch, 2));
          requireSame(`${name} as a tensor`, await valuesOf(states[0]), await valuesOf(states[1]), tolerance);
          disposeTensors([states, given]);
        }
      },
    ],
    [
      'at temperature 0 all is finite, and a sampler does not depend on the seed',
      async ({ problem, params, batch, options: { build, hyper, draws } }) => {
        if (hyper.temperature === undefined) return;
        const cold = build(problem.logPosterior, { temperature: 0 });
        const states = [1, 2].map((seed) => updated(cold, cold.init(params, { seed }), batch, 3));
        const [a, b] = await Promise.all(states.map(({ params: now }) => valuesOf(now)));
        for (const values of a!.values()) require('not all parameters are finite', values.every(Number.isFinite));
        if (draws !== 'always') requireSame('another seed at temperature 0', b!, a!);
        disposeTensors(states);
      },
    ],
  ];
}

/** Numbers of another device. */
export function ofDevices<S extends State>(): Property<S>[] {
  return [
    [
      'it agrees with cpu',
      async ({ transform, params, batch, options: { tolerance } }) => {
        const here = updated(transform, transform.init(params, { seed: 12 }), batch, 10);
        const values = await valuesOf(here.params);
        here.dispose();
        const [copies, data] = [await toPlain(params), await toPlain(batch)];
        const device = getBackend() as DeviceName;
        await setBackend('cpu');
        const remade = [
          [params, copies],
          [batch, data],
        ].map(([tree, plain]) =>
          unflatten(
            flatten<unknown>(tree).structure,
            (plain as typeof copies).map((each) => tensor([...each.values], [...(each.shape as readonly number[])])),
          ),
        ) as [TensorTree, Batch];
        const onCpu = updated(transform, transform.init(remade[0], { seed: 12 }), remade[1], 10);
        requireSame('cpu', values, await valuesOf(onCpu.params), tolerance);
        disposeTensors([onCpu, remade]);
        await setBackend(device);
      },
    ],
  ];
}
