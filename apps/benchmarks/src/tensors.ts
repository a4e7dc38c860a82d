import * as tf from '@tensorflow/tfjs';
import { mapNamed, type Named, type Values } from './workloads/workload.ts';

/** The values as tensors on the current device. */
export function toTensors(values: Named<Values>): Named<tf.Tensor> {
  return mapNamed(values, ({ shape, values }) =>
    tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32'),
  );
}

/** Float32 tensors with the numbers of a state, in the shapes of the parameters. */
export function stateTensors(numbers: Named<Float64Array>, like: Named<Values>): Named<tf.Tensor> {
  return mapNamed(numbers, (leaf, name) => tf.tensor(Float32Array.from(leaf), [...(like[name] as Values).shape]));
}

/** What the tensors hold. */
export async function readTensors(tensors: Named<tf.Tensor>): Promise<Named<Float64Array>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => [name, Float64Array.from(await tensor.data())]);
  return Object.fromEntries(await Promise.all(entries));
}

/** Waits until the device has computed the tensor, of which it reads one element. */
export async function ready(tensor: tf.Tensor): Promise<void> {
  const element = tf.tidy(() => tf.slice(tf.reshape(tensor, [-1]), 0, 1));
  await element.data();
  element.dispose();
}

export function disposeTensors(tensors: Named<tf.Tensor>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
