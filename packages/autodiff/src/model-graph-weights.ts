/** The weights of a converted model by what they are for, and tensors in their place. */

import { currentTrace } from '@posteriors/backend';
import { clone, dispose, keep, Tensor, tidy } from '@tensorflow/tfjs-core';
import { describeLeaf } from './arguments.ts';
import {
  argumentOf,
  executorOf,
  type GraphExecutor,
  type GraphModel,
  type GraphNode,
  reach,
  readInputs,
  tensorInputs,
  usedNodes,
  withinGraph,
} from './model-graph.ts';
import { isFlat } from './rule.ts';

/** Tensors of a converted model by the name of their weight. */
export type GraphParameters = { readonly [weight: string]: Tensor };

/** Ops whose result does not depend on the values they are given. */
const ofShape = new Set(['Shape', 'ShapeN', 'Size', 'Rank', 'ZerosLike', 'OnesLike']);

/** Ops without a derivative, beside those of the kernels of their name. */
const flat = new Set([...ofShape, 'LowerBound', 'UpperBound']);

interface Roles<T> {
  /** All that tensors may stand in the place of: float32 weights whose values no op reads. */
  readonly replaceable: T;
  readonly parameters: T;
  readonly statistics: T;
}

const knownNames = new WeakMap<GraphExecutor, Roles<readonly string[]>>();

/** The weights that the model has now. */
function rolesOf(executor: GraphExecutor): Roles<GraphParameters> {
  const names = knownNames.get(executor) ?? namesOf(executor);
  knownNames.set(executor, names);
  const weights = (of: readonly string[]): GraphParameters =>
    Object.fromEntries(of.map((name) => [name, executor.weightMap[name]?.[0] as Tensor]));
  return {
    replaceable: weights(names.replaceable),
    parameters: weights(names.parameters),
    statistics: weights(names.statistics),
  };
}

function namesOf(executor: GraphExecutor): Roles<readonly string[]> {
  const { graph, weightMap } = executor;
  const used = usedNodes(executor);
  const read = reach(
    used.flatMap(readInputs),
    withinGraph(executor, (node) => (ofShape.has(node.op) ? [] : node.inputs)),
  );
  const moved = reach(
    graph.outputs,
    withinGraph(executor, (node) => (hasDerivative(node) ? tensorInputs(node) : [])),
  );
  const averages = reach(used.flatMap(averagesOf), (node) => (node.op === 'Identity' ? node.inputs : []));

  const weights = (accept: (node: GraphNode, weight: Tensor) => boolean): readonly string[] => {
    const nodes = new Map(used.filter((node) => !read.has(node)).map((node) => [node.name, node]));
    return Object.entries(weightMap).flatMap(([name, [weight]]) => {
      const node = nodes.get(name);
      if (node === undefined || weight?.dtype !== 'float32') return [];
      return accept(node, weight) ? [name] : [];
    });
  };
  return {
    replaceable: weights(() => true),
    parameters: weights((node, { rank }) => rank > 0 && moved.has(node) && !averages.has(node)),
    statistics: weights((node) => averages.has(node)),
  };
}

function hasDerivative({ op, attrParams }: GraphNode): boolean {
  return !flat.has(op) && !isFlat(op) && !(op === 'Cast' && attrParams.dtype?.value !== 'float32');
}

function averagesOf(node: GraphNode): readonly GraphNode[] {
  if (!node.op.startsWith('FusedBatchNorm')) return [];
  return ['mean', 'variance'].flatMap((name) => argumentOf(node, name) ?? []);
}

/** The weights that a derivative moves: see `modelParameters`. */
export function graphParameters(model: GraphModel): GraphParameters {
  return rolesOf(executorOf('modelParameters', model)).parameters;
}

/** The means and variances of batch normalisation. */
export function graphStatistics(model: GraphModel): GraphParameters {
  return rolesOf(executorOf('modelStatistics', model)).statistics;
}

/** All weights of the model, those that are given in the place of its own. */
export function boundWeights(
  name: string,
  model: GraphModel,
  parameters: GraphParameters,
  statistics: GraphParameters = {},
): GraphExecutor['weightMap'] {
  const executor = executorOf(name, model);
  const roles = rolesOf(executor);
  requireFit(name, 'parameters', parameters, roles.replaceable, roles.parameters);
  requireFit(name, 'statistics', statistics, roles.statistics);
  const given = Object.entries({ ...parameters, ...statistics });
  return { ...executor.weightMap, ...Object.fromEntries(given.map(([weight, tensor]) => [weight, [tensor]])) };
}

/**
 * @throws if there is no object of tensors, or a tensor is disposed, has no weight in `weights`, or another shape or dtype; an error lists the
 *   `usual` ones.
 */
function requireFit(
  name: string,
  what: 'parameters' | 'statistics',
  tensors: GraphParameters,
  weights: GraphParameters,
  usual: GraphParameters = weights,
): void {
  if (typeof tensors !== 'object' || tensors === null || tensors instanceof Tensor) {
    throw new Error(
      `${name}: the ${what} are ${describeLeaf(tensors)}; give an object that has a tensor for each name, {} for none`,
    );
  }
  for (const [key, tensor] of Object.entries(tensors)) {
    const weight = Object.hasOwn(weights, key) ? weights[key] : undefined;
    if (weight === undefined) {
      throw new Error(
        `${name}: the model has no weight ${key} among its ${what}; it has ${Object.keys(usual).join(', ')}`,
      );
    }
    if (!(tensor instanceof Tensor)) {
      throw new Error(
        `${name}: ${key} of the ${what} is not a tensor but ${describeLeaf(tensor)}; make it one with tf.tensor`,
      );
    }
    if (tensor.isDisposed) throw new Error(`${name}: ${key} of the ${what} is disposed: dispose it after its last use`);
    if (`${tensor.shape}` === `${weight.shape}` && tensor.dtype === weight.dtype) continue;
    const several = `${tensor.shape.slice(1)}` === `${weight.shape}`;
    throw new Error(
      `${name}: ${key} is ${tensor.dtype}[${tensor.shape}] in the ${what} and ${weight.dtype}[${weight.shape}] in the model` +
        (several
          ? '. To use many parameters at once, as draws are, map over them: vmap(network, { inAxes: [0, null] })'
          : ''),
    );
  }
}

/** Puts copies of tensors in the place of the model's weights, which are disposed. */
export function assignGraphParameters(
  model: GraphModel,
  parameters: GraphParameters,
  statistics: GraphParameters = {},
): void {
  if (currentTrace() !== null) {
    throw new Error(
      'assignModelParameters: a model cannot be changed while a function is traced: return the new values and assign them outside',
    );
  }
  const bound = boundWeights('assignModelParameters', model, parameters, statistics);
  const executor = executorOf('assignModelParameters', model);
  const { weightMap } = executor;
  const names = Object.keys({ ...parameters, ...statistics });
  const copies = tidy(() => names.map((name) => clone((bound[name] as Tensor[])[0] as Tensor)));
  names.forEach((name, i) => {
    dispose(weightMap[name] as Tensor[]);
    weightMap[name] = [keep(copies[i] as Tensor)];
  });
  // tfjs notes which tensors are weights when the map is set.
  executor.weightMap = weightMap;
}
