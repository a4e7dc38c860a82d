/** The graph of a converted model: its nodes, and what each of them does with the tensors that it is given. */

import type { Tensor } from '@tensorflow/tfjs-core';

/** What is used of a `tf.GraphModel`. */
export interface GraphModel {
  readonly inputNodes: readonly string[];
  readonly outputNodes: readonly string[];
  readonly weights: { readonly [name: string]: readonly Tensor[] };
  predict(inputs: never, config?: never): unknown;
}

/** A node of the graph, as tfjs reads it from a file. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** What kind of op it is; `custom` if it was registered, undefined if tfjs has no such op. */
  readonly category?: string;
  readonly inputs: readonly GraphNode[];
  readonly inputParams: { readonly [name: string]: InputRange };
  readonly attrParams: { readonly dtype?: { readonly value?: unknown } };
}

/** Which inputs an argument of the op is; one that has no start is an attribute. */
interface InputRange {
  readonly type: string;
  readonly inputIndexStart?: number;
  /** Behind the last input, 0 for all; without it the argument is one input. */
  readonly inputIndexEnd?: number;
}

interface Graph {
  readonly nodes: { readonly [name: string]: GraphNode };
  readonly inputs: readonly GraphNode[];
  readonly outputs: readonly GraphNode[];
}

/** What holds the graph and runs it; private in the types of tfjs. */
export interface GraphExecutor {
  readonly graph: Graph;
  weightMap: { [name: string]: Tensor[] };
}

/** @throws if the model is not loaded or was disposed. */
export function executorOf(name: string, model: GraphModel): GraphExecutor {
  const { executor } = model as unknown as { readonly executor?: GraphExecutor };
  if (executor === undefined) throw new Error(`${name}: the model has no graph yet: await its load()`);
  if (Object.values(executor.weightMap).some(([weight]) => weight?.isDisposed)) {
    throw new Error(`${name}: the model was disposed, and its weights with it: dispose it after its last use`);
  }
  return executor;
}

/** The nodes from which `starts` are reached, with themselves; `before` gives the nodes that one depends on. */
export function reach(
  starts: readonly GraphNode[],
  before: (node: GraphNode) => readonly GraphNode[],
): ReadonlySet<GraphNode> {
  const found = new Set<GraphNode>();
  const open = [...starts];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    open.push(...before(node));
  }
  return found;
}

/** The nodes on which others depend: none for weights and inputs of the model, whatever computes their defaults. */
export function withinGraph(
  { graph: { inputs }, weightMap }: GraphExecutor,
  before: (node: GraphNode) => readonly GraphNode[],
): (node: GraphNode) => readonly GraphNode[] {
  return (node) => (Object.hasOwn(weightMap, node.name) || inputs.includes(node) ? [] : before(node));
}

/** The nodes that the model's outputs need. */
export function usedNodes(executor: GraphExecutor): readonly GraphNode[] {
  return [
    ...reach(
      executor.graph.outputs,
      withinGraph(executor, ({ inputs }) => inputs),
    ),
  ];
}

/** The inputs that an op takes as tensors. A custom op takes all of them. */
export function tensorInputs(node: GraphNode): readonly GraphNode[] {
  return node.category === 'custom'
    ? node.inputs
    : inputsWhere(node, (type) => type === 'tensor' || type === 'tensors');
}

/** The inputs whose values an op reads, such as the shape of a reshape. */
export function readInputs(node: GraphNode): readonly GraphNode[] {
  return inputsWhere(node, (type) => type !== 'tensor' && type !== 'tensors');
}

/** The input that an op takes as the argument `name`. */
export function argumentOf(node: GraphNode, name: string): GraphNode | undefined {
  const range = node.inputParams[name];
  return range === undefined ? undefined : inputsIn(node, range)[0];
}

function inputsWhere(node: GraphNode, accept: (type: string) => boolean): readonly GraphNode[] {
  return Object.values(node.inputParams).flatMap((range) => (accept(range.type) ? inputsIn(node, range) : []));
}

function inputsIn(
  { inputs }: GraphNode,
  { inputIndexStart: start, inputIndexEnd: end }: InputRange,
): readonly GraphNode[] {
  return start === undefined ? [] : inputs.slice(start, (end ?? start + 1) || undefined);
}
