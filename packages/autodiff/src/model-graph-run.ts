/** A converted model as a pure function: tfjs runs its graph, while it is traced, with tensors in the place of weights. */

import { currentTrace, type HostValues, literalOf, removeDeadCode, type Trace, theEngine } from '@posteriors/backend';
import { Tensor } from '@tensorflow/tfjs-core';
import { describeLeaf } from './arguments.ts';
import { evaluate } from './evaluate.ts';
import { executorOf, type GraphExecutor, type GraphModel, type GraphNode, usedNodes } from './model-graph.ts';
import { requireTraceable } from './model-graph-ops.ts';
import { knownValues } from './model-graph-values.ts';
import { boundWeights, type GraphParameters } from './model-graph-weights.ts';

/** What a converted model takes: a tensor, several in the order of `model.inputNodes`, or several by name. */
export type GraphInputs = Tensor | readonly Tensor[] | { readonly [name: string]: Tensor };

/** What a converted model's function may be given beside parameters and inputs. */
export interface GraphContext {
  /** Used in the place of the model's own, see `modelStatistics`. */
  readonly statistics?: GraphParameters;
}

/** A converted model as a function. */
export type GraphModelFunction<Y> = (parameters: GraphParameters, inputs: GraphInputs, context?: GraphContext) => Y;

/** @throws if the graph has ops that cannot be traced. */
export function graphToFunction(model: GraphModel): GraphModelFunction<unknown> {
  const executor = executorOf('modelToFunction', model);
  requireTraceable(usedNodes(executor));
  let running: GraphNode | undefined;
  // What tfjs asks first of a node that it is about to run is its category.
  const observed = (node: GraphNode): GraphNode =>
    Object.create(node, {
      category: {
        get() {
          running = node;
          return node.category;
        },
      },
    });
  const { graph } = executor;
  const nodes = Object.fromEntries(Object.entries(graph.nodes).map(([name, node]) => [name, observed(node)]));
  const shared = { graph: { value: { ...graph, nodes } }, compiledMap: { value: new Map() } };

  return (parameters, inputs, { statistics } = {}) =>
    evaluate('modelToFunction', () => {
      const weightMap = boundWeights('modelToFunction', model, parameters, statistics);
      const given = [...tensorsOf(inputs), ...Object.values({ ...parameters, ...statistics })];
      // Views of the executor and the model, on which tfjs leaves all that it notes while it runs.
      const own: GraphExecutor = Object.create(executor, {
        ...shared,
        weightMap: { value: weightMap },
        clonedTensorsMap: { value: undefined, writable: true },
      });
      const view: GraphModel = Object.create(model, {
        executor: { value: own },
        // What tables would be in.
        resourceIdToCapturedInput: { value: {} },
      });
      try {
        return recording(
          () => running?.op,
          new Set(given),
          (readable) => view.predict(mapInputs(inputs, readable) as never),
        );
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        const where = running === undefined ? '' : `node ${running.name} (${running.op}): `;
        throw new Error(`modelToFunction: ${where}${error.message}`, { cause: error });
      } finally {
        running = undefined;
      }
    });
}

/** @throws if there are none, or one is no tensor. */
function tensorsOf(inputs: GraphInputs): readonly Tensor[] {
  if (inputs instanceof Tensor) return [inputs];
  if (typeof inputs !== 'object' || inputs === null) {
    throw new Error(
      `modelToFunction: the inputs are ${describeLeaf(inputs)}; give a tensor, or several in an array or by name`,
    );
  }
  return Object.entries<unknown>(inputs).map(([name, x]) => {
    if (x instanceof Tensor) return x;
    throw new Error(
      `modelToFunction: the input ${name} is not a tensor but ${describeLeaf(x)}; make it one with tf.tensor`,
    );
  });
}

/** New inputs, which tfjs may add to. */
function mapInputs(inputs: GraphInputs, f: (x: Tensor) => Tensor): unknown {
  if (inputs instanceof Tensor) return f(inputs);
  if (Array.isArray(inputs)) return inputs.map(f);
  return Object.fromEntries(Object.entries<Tensor>(inputs as never).map(([name, x]) => [name, f(x)]));
}

/**
 * Runs `run`, within which a tensor that follows from constants alone has values to read: graphs compute the shapes of reshapes as tensors.
 * `run` has a function that makes what is `given` such tensors. `StopGradient`, which tfjs runs as the identity, is recorded as what it is.
 */
function recording<T>(
  op: () => string | undefined,
  given: ReadonlySet<Tensor>,
  run: (readable: (x: Tensor) => Tensor) => T,
): T {
  const makeReadable = (tensor: Tensor): Tensor => {
    if (literalOf(tensor) !== undefined) return tensor;
    const trace = currentTrace() as Trace;
    const dataSync = tensor.dataSync.bind(tensor);
    const read = (): HostValues => knownValues(removeDeadCode(trace.program([tensor])), given) ?? dataSync();
    return Object.defineProperty(tensor, 'dataSync', { configurable: true, value: read });
  };
  const engine = theEngine();
  const { runKernel } = engine;
  engine.runKernel = (kernel, inputs, attributes) => {
    const stops = kernel === 'Identity' && op() === 'StopGradient';
    const results = runKernel.call(engine, stops ? 'StopGradient' : kernel, inputs, attributes);
    for (const tensor of [results].flat()) makeReadable(tensor);
    return results;
  };
  try {
    return run((x) => {
      const trace = currentTrace() as Trace;
      return makeReadable(trace.tensor(trace.atom(x)));
    });
  } finally {
    engine.runKernel = runKernel;
  }
}
