// Gradients of models, checked against float64, against the loop over samples, and compiled.
import '@posteriors/testing';
import * as tree from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { grad, jit, vmap } from '../src/index.ts';
import { difference, directions, type Input, largest, programOf, uniforms } from './float64.ts';

type Tensor = tf.Tensor;

/** A loss of a model with statistics and inputs, each of which has a batch axis. */
export type ModelLoss<P> = (parameters: P, statistics: P, inputs: Tensor[]) => Tensor;

const uniform = uniforms(23);

/** A number that depends on all outputs. */
export function energy(outputs: unknown): Tensor {
  const each = Object.values(outputs instanceof tf.Tensor ? [outputs] : (outputs as { [name: string]: Tensor }));
  return tf.addN(each.map((output) => tf.sum(tf.mul(output, tf.add(output, 0.3)))));
}

/**
 * Whether gradients equal differences in float64, mapped ones equal the loop and compiled ones the others. `samples` makes a batch of one
 * sample's inputs.
 */
export function expectModelGradients<P extends tree.TensorTree>(
  loss: ModelLoss<P>,
  parameters: P,
  statistics: P,
  inputs: Tensor[],
  samples: (row: Tensor[]) => Tensor[],
): void {
  const gradient = grad(loss)(parameters, statistics, inputs);
  expect(jit(grad(loss))(parameters, statistics, inputs)).toBeAllClose(gradient, { rtol: 1e-5, atol: 1e-6 });
  expectSlope(loss, gradient, parameters, statistics, inputs);

  const each = (p: P, s: P, row: Tensor[]): P => grad(loss)(p, s, samples(row));
  const mapped = vmap(each, { inAxes: [null, null, 0] });
  const rows = Array.from({ length: inputs[0]!.shape[0]! }, (_, i) =>
    each(
      parameters,
      statistics,
      inputs.map((input) => tf.gather(input, i)),
    ),
  );
  const looped = tree.map((_: Tensor, ...leaves: Tensor[]) => tf.stack(leaves), parameters, ...rows);
  expect(mapped(parameters, statistics, inputs)).toBeAllClose(looped, { rtol: 1e-4, atol: 1e-5 });
  expect(jit(mapped)(parameters, statistics, inputs)).toBeAllClose(looped, { rtol: 1e-4, atol: 1e-5 });
}

/** Whether a gradient is the slope, by differences in float64, along a direction of the parameters. */
export function expectSlope<P extends tree.TensorTree>(
  loss: ModelLoss<P>,
  gradient: P,
  parameters: P,
  statistics: P,
  inputs: Tensor[],
): void {
  const { leaves, structure } = tree.flatten({ parameters, statistics, inputs } as tree.TensorTree);
  const arrays = leaves.map(arrayOf);
  const program = programOf((symbols) => {
    const all = tree.unflatten(structure, symbols) as unknown as { parameters: P; statistics: P; inputs: Tensor[] };
    return [loss(all.parameters, all.statistics, all.inputs)];
  }, arrays);
  const moved = tree
    .paths({ parameters, statistics, inputs } as tree.TensorTree)
    .map((path) => path.startsWith('$.parameters'));
  const along = directions(arrays, uniform).map((direction, i) =>
    moved[i] ? direction : { ...direction, values: new Float64Array(direction.values.length) },
  );
  const constants = program.constants.map(({ source }) => arrayOf(source));
  const closed = {
    ...program,
    inputs: [...program.inputs, ...program.constants.map(({ value }) => value)],
    constants: [],
  };
  const expected = difference(closed, 0, [...arrays, ...constants], along)[0]!;
  const terms = along
    .filter((_, i) => moved[i])
    .flatMap(({ values }, i) => {
      const slopes = (tree.leaves(gradient)[i] as Tensor).dataSync();
      return [...values].map((value, k) => value * slopes[k]!);
    });
  const received = terms.reduce((sum, term) => sum + term, 0);
  expect(Math.abs(received - expected)).toBeLessThan(2e-5 * (largest(terms) + Math.abs(expected)) + 1e-5);
}

function arrayOf(tensor: Tensor): Input {
  const { shape, dtype } = tensor as Tensor & Pick<Input, 'dtype'>;
  return { shape, dtype, values: Float64Array.from(tensor.dataSync()) };
}
