/** Many chains as one state, all updated by one program. */
import { checkOptions, evaluate, jit, vmap } from '@posteriors/autodiff';
import { currentTrace } from '@posteriors/backend';
import { foldIn } from '@posteriors/random';
import { leaves, paths, type TensorTree } from '@posteriors/tree';
import { clone, range, Tensor } from '@tensorflow/tfjs-core';
import { clockOf } from './clock.ts';
import { atStep, type HyperParameter } from './hyper.ts';
import { keyFrom } from './init.ts';
import { named } from './named.ts';
import { readsAtOnce } from './reads-at-once.ts';
import { disposeTensors, makeState, requireState, type StateBase } from './state.ts';
import { chainsOf, describeNotFinite } from './status.ts';
import { replace, requireWritable, stepCache } from './step.ts';
import { requireTransform, type Transform, type UpdateOptions } from './transform.ts';

/**
 * The algorithm for many chains at once: a state has tensors with an axis of chains in front, and keys `[chains, 2]`; its update is one program,
 * in which all chains see the same batch. `run`, `sampleChain` and `scan` take it as any other.
 *
 * `init` takes parameters with an axis of chains in front, as `tree.stack` makes them, and gives chain i the key `foldIn(key, i)`, one of
 * `split(key, chains)`: what it computes is what the algorithm would alone, with that key. `update` returns aux with an axis of chains in
 * front. A hyper-parameter in `options.hyper` may also be a tensor `[chains]`, one number for each; numbers there are as tensors to the
 * algorithm, which does not look whether they are in their range. `stackStates` and `splitStates` go between states of one chain and of
 * many. The result is the same object for the same transform.
 *
 * @throws (its `update`) if the new state is not finite, with the chains, on devices that can be read at once; the state is as it was.
 */
export function chains<P extends TensorTree, S extends StateBase, B, A, H>(
  transform: Transform<P, S, B, A, H>,
): Transform<P, S, B, A, H> {
  requireTransform('chains', transform);
  return made([transform], '', () => manyOf(transform));
}

const made = stepCache();

/** Hyper-parameters at a step, numbers and tensors. */
type Values = { readonly [name: string]: number | Tensor };

function manyOf<P extends TensorTree, S extends StateBase, B, A, H>(
  transform: Transform<P, S, B, A, H>,
): Transform<P, S, B, A, H> {
  /** `shared` and `own` are hyper-parameters of all chains, and of each. */
  const updateAll = (state: S, batch: B, shared: Values, own: Values, aux: boolean) => {
    const update = (of: S, data: B, same: Values, each: Values) => {
      const hyper = { ...same, ...each } as Partial<H>;
      const options = Object.keys(hyper).length === 0 ? { aux } : { aux, hyper };
      const [{ key: _, step, ...tensors }, given] = transform.update(of, data, options);
      return { tensors: tensors as object, step, aux: given };
    };
    return vmap(update, { inAxes: [0, null, null, 0] })(state, batch, shared, own);
  };
  const compiled = jit(updateAll, { name: 'chains.update' });

  const update = (state: S, batch: B, options: UpdateOptions<H> = {}): [state: S, aux: A] => {
    checkOptions('chains.update', options, ['inplace', 'aux', 'compile', 'check', 'hyper']);
    const { inplace = false, hyper = {}, aux: withAux = true, compile = true, check = true } = options;
    const traced = currentTrace() !== null;
    if (inplace && traced) throw new Error('inplace is not possible inside of a transform: leave it out');
    const { key, step, ...tensors } = requireState('chains.update', state);
    requireKeys(key);
    if (inplace) requireWritable(state);
    const values = clockOf(step).hyper((at) => atStep(hyper as { [name: string]: HyperParameter }, at)) as Values;
    const args = [state, batch, pick(values, isShared), pick(values, isOwn), withAux] as const;
    const next = compile && !traced ? compiled(...args) : evaluate('chains.update', () => updateAll(...args));
    if (check && readsAtOnce()) {
      const found = describeNotFinite(next.tensors, chainsOf(key));
      if (found !== undefined) {
        disposeTensors(next);
        throw new Error(
          `at step ${step} ${found}. Either the log density is not defined for this batch, or the parameters have diverged. ` +
            'The state is as it was; { check: false } goes on regardless.',
        );
      }
    }
    if (inplace) return [replace(state, tensors, next.tensors, next.aux), next.aux];
    return [makeState({ ...next.tensors, key: clone(key), step: next.step }) as unknown as S, next.aux];
  };

  return {
    init: (params, options = {}) =>
      named('chains.init', () => {
        const given = keyFrom(options);
        const count = requireChains(params);
        return evaluate('chains.init', () =>
          vmap((key: Tensor, each: P) => transform.init(each, { key }))(
            foldIn(given, range(0, count, 1, 'int32')),
            params,
          ),
        );
      }),
    update: (...args) => named('chains.update', () => update(...args)),
  };
}

function pick(values: Values, test: (value: number | Tensor) => boolean): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => test(value)));
}

/** Whether a hyper-parameter is a tensor with a number for each chain. */
const isOwn = (value: number | Tensor): boolean => value instanceof Tensor && value.rank > 0;
const isShared = (value: number | Tensor): boolean => !isOwn(value);

/** @throws unless the keys are those of several chains. */
function requireKeys(key: StateBase['key']): asserts key is Tensor {
  if (key instanceof Tensor && key.rank > 1) return;
  throw new Error(
    'the state is that of a single chain; init of chains(transform) makes one of several, as does stackStates',
  );
}

/** The number of chains. @throws unless all parameters have an axis of one length in front. */
function requireChains(params: TensorTree): number {
  const all = leaves(params);
  const count = all[0]?.shape[0];
  const odd = all.findIndex(({ shape }) => shape[0] === undefined || shape[0] !== count);
  if (odd < 0 && count !== undefined && count > 0) return count;
  const shapeOf = (i: number): string => `${paths(params)[i]} has shape [${all[i]?.shape}]`;
  const found = odd < 0 ? 'there is none' : odd === 0 ? shapeOf(0) : `${shapeOf(odd)} and ${shapeOf(0)}`;
  throw new Error(
    `the parameters must have an axis of chains in front, of one length, and ${found}; tree.stack makes it`,
  );
}
