/** States of single chains, and one state of many. */
import { keyTensor } from '@posteriors/random';
import { stack as stackTrees, type TensorTree, unstack as unstackTree } from '@posteriors/tree';
import { stack, Tensor, tidy, unstack } from '@tensorflow/tfjs-core';
import { named } from './named.ts';
import { disposeTensors, makeState, requireState, type StateBase } from './state.ts';
import { describeGiven } from './transform.ts';

/**
 * One state of many chains, for `chains(transform)` and `vmap`, from states of single chains at the same step: tensors with an axis of chains
 * in front, and their keys as an int32 tensor `[chains, 2]`. The states given stay as they are, and the new one belongs to the caller.
 *
 * @throws if there are none, their steps differ, or they differ in structure or shapes.
 */
export function stackStates<S extends StateBase>(states: readonly S[]): S {
  return named('stackStates', () => {
    if (!Array.isArray(states)) throw new Error(`the states are ${describeGiven(states)} and must be an array`);
    for (const state of states) requireState('stackStates', state);
    const [first] = states;
    if (first === undefined) throw new Error('there are no states; give at least one');
    const odd = states.findIndex(({ step }) => step !== first.step);
    if (odd >= 0) {
      if (typeof first.step !== 'number')
        throw new Error('the steps are not known while a function is compiled: stack the states outside of it');
      throw new Error(
        `state 0 is at step ${first.step} and state ${odd} at step ${states[odd]?.step}; one program updates them all, so that their steps must be equal`,
      );
    }
    const parts = states.map(({ key, step: _, ...tensors }) => ({ key, tensors: tensors as TensorTree }));
    const single = parts.findIndex(({ key }) => key instanceof Tensor && key.rank !== 1);
    if (single >= 0) throw new Error(`state ${single} is of several chains already; splitStates takes it apart`);
    const tensors = stackTrees(parts.map((part) => part.tensors)) as object;
    try {
      const key = tidy(() => stack(parts.map((part) => keyTensor(part.key))));
      return makeState({ ...tensors, key, step: first.step }) as unknown as S;
    } catch (error) {
      disposeTensors(tensors);
      throw error;
    }
  });
}

/**
 * The states of the single chains of a state of many, with their keys as tensors `[2]`: the inverse of {@link stackStates}. Of chains of chains
 * it takes the outer ones apart. The state given stays as it is, and the new ones belong to the caller.
 *
 * @throws if the state is that of a single chain.
 */
export function splitStates<S extends StateBase>(state: S): S[] {
  return named('splitStates', () => {
    const { key, step, ...tensors } = requireState('splitStates', state);
    if (!(key instanceof Tensor && key.rank > 1))
      throw new Error('the state is that of a single chain, and cannot be split');
    if (key.isDisposed) throw new Error('the state was disposed');
    const keys = unstack(key);
    try {
      return unstackTree(tensors as TensorTree).map(
        (fields, i) => makeState({ ...(fields as object), key: keys[i] as Tensor, step }) as unknown as S,
      );
    } catch (error) {
      disposeTensors(keys);
      throw error;
    }
  });
}
