/** Whether the numbers of a state are finite. */

import { allFinite, allFiniteOnHost } from '@posteriors/backend';
import type { Key } from '@posteriors/random';
import { leaves, paths } from '@posteriors/tree';
import { backend, Tensor } from '@tensorflow/tfjs-core';
import { named } from './named.ts';
import type { StateBase } from './state.ts';

/** An element of a state that is NaN or infinite. */
export interface NotFinite {
  /** The field of the state that it lies in. */
  readonly field: string;
  /** The tensor that it is in, and which of its elements it is, in words. */
  readonly place: string;
  readonly value: number;
}

/**
 * The first element of the tensors of a state that is not finite, looked for on cpu or wasm, where they can be read at once. One in the field
 * `first` goes before all others.
 */
export function findNotFinite(tensors: object, first?: string): NotFinite | undefined {
  const device = backend();
  const isBad = (leaf: unknown): boolean => isFloat(leaf) && !allFinite(device, leaf);
  const all = leaves<unknown>(tensors);
  if (!all.some(isBad)) return undefined;
  const found = paths(tensors).flatMap((path, i): NotFinite[] => {
    const leaf = all[i] as Tensor;
    if (!isBad(leaf)) return [];
    const values = leaf.dataSync();
    const element = indexOfNotFinite(values);
    return [{ field: fieldOf(path), place: placeOf(path, element, leaf.size), value: values[element] as number }];
  });
  return found.find(({ field }) => field === first) ?? found[0];
}

/**
 * {@link findNotFinite} for the tensors of one chain or of several, in words: where the first element is that is not finite, what it is, and in
 * which chains.
 */
export function describeNotFinite(tensors: object, chains: number): string | undefined {
  const all = leaves<unknown>(tensors);
  const bad = all.findIndex((leaf) => isFloat(leaf) && !allFinite(backend(), leaf));
  return bad < 0 ? undefined : inWords(paths(tensors)[bad] as string, (all[bad] as Tensor).dataSync(), chains);
}

/** How many chains a state with this key is of. */
export function chainsOf(key: Key): number {
  return key instanceof Tensor && key.rank > 1 ? key.size / 2 : 1;
}

/**
 * Reads a state and looks whether it is sound, on any device. `update` does so by itself where it can read at once; this is for WebGPU, for
 * states that were mapped with `vmap`, and after `check: false`. A state that has not been updated is sound.
 *
 * @param state that of one chain, or of chains with stacked tensors and keys `[chains, 2]`.
 * @throws (rejects) if one of its numbers is NaN or infinite, with the tensor and the chains. The state is not changed.
 */
export async function check(state: StateBase): Promise<void> {
  const { key, step, ...tensors } = state;
  if (step === 0) return;
  const values = await Promise.all(leaves<unknown>(tensors).map((leaf) => (isFloat(leaf) ? leaf.data() : [])));
  named('check', () => {
    for (const [i, path] of paths(tensors).entries()) {
      const found = inWords(path, values[i] as ArrayLike<number>, chainsOf(key));
      if (found === undefined) continue;
      throw new Error(
        `after ${step} updates ${found}. What was computed since is lost: go back to ` +
          'an earlier state, and look there at the learning rate, at the scale of the log density and its derivatives, and for NaN in the batches.',
      );
    }
  });
}

function inWords(path: string, values: ArrayLike<number>, chains: number): string | undefined {
  const element = indexOfNotFinite(values);
  if (element < 0) return undefined;
  const size = values.length / chains;
  const bad = new Set<number>();
  for (let i = element; i < values.length; i++) if (!Number.isFinite(values[i])) bad.add(Math.floor(i / size));
  const [first] = bad;
  const where = chains === 1 ? '' : ` in chain ${first}`;
  const others = bad.size === 1 ? '' : `, as in ${bad.size} of ${chains} chains: ${[...bad].join(', ')}`;
  return `${placeOf(path, element % size, size)}${where} is ${values[element]}${others}`;
}

function isFloat(leaf: unknown): leaf is Tensor {
  return leaf instanceof Tensor && leaf.dtype === 'float32';
}

/** Where the first element lies that is not finite; -1 if all are. */
function indexOfNotFinite(values: ArrayLike<number>): number {
  return allFiniteOnHost(values) ? -1 : Array.prototype.findIndex.call(values, (value) => !Number.isFinite(value));
}

function fieldOf(path: string): string {
  return path.match(/\w+/)?.[0] ?? path;
}

function placeOf(path: string, element: number, size: number): string {
  const tensor = path.replace(/^\$\.?/, '');
  return size === 1 ? tensor : `element ${element} of ${tensor}`;
}
