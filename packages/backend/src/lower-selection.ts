/** Kernels that order, search and replace elements, as a tfjs device has them. */
import { checkedWithin, withIndicesChecked } from './indices-on-host.ts';
import type { Lowering } from './lower.ts';
import { type Atom, newValue, sizeOf, type Value } from './program.ts';

export const selectionLowerings: { readonly [kernel: string]: Lowering } = {
  // tfjs's kernel returns the elements first, and on some devices the input itself where there is nothing to choose.
  TopKIndices(equation) {
    const [x] = equation.inputs;
    const [indices] = equation.outputs as readonly [Value];
    const { shape, dtype } = indices;
    if (x!.shape[x!.shape.length - 1] === 1)
      return [{ ...equation, kernel: 'Fill', inputs: [], attributes: { shape, value: 0, dtype } }];
    const elements = newValue({ shape, dtype: x!.dtype });
    const attributes = { k: equation.attributes['k'] as number, sorted: true };
    return [{ ...equation, kernel: 'TopK', attributes, outputs: [elements, indices] }];
  },

  SearchSorted(equation) {
    const [sequence] = equation.inputs;
    const { shape, dtype } = equation.outputs[0] as Value;
    if (sizeOf(sequence!.shape) > 0) return [equation];
    return [{ ...equation, kernel: 'Fill', inputs: [], attributes: { shape, value: 0, dtype } }];
  },

  TensorScatterUpdate(equation, device) {
    const [tensor, indices, updates] = equation.inputs as readonly [Atom, Atom, Atom];
    if (sizeOf(updates.shape) === 0) return [{ ...equation, kernel: 'Identity', inputs: [tensor] }];
    if (device !== 'cpu') return withIndicesChecked(equation, 1, tensor.shape, device);
    // tfjs's kernel on cpu writes into its first input: give it a copy.
    const copy = newValue(tensor);
    return [
      {
        ...equation,
        kernel: 'Tile',
        inputs: [tensor],
        attributes: { reps: tensor.shape.map(() => 1) },
        outputs: [copy],
      },
      ...withIndicesChecked({ ...equation, inputs: [copy, indices, updates] }, 1, tensor.shape, device),
    ];
  },

  IndicesWithin: (equation, device) => [checkedWithin(equation, device)],
  GatherNd: (equation, device) => withIndicesChecked(equation, 1, equation.inputs[0]!.shape, device),
  ScatterNd: (equation, device) =>
    withIndicesChecked(equation, 0, equation.attributes['shape'] as readonly number[], device),
};
