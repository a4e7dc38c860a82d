/** The ops of a converted model that cannot be traced. */

import { leftOut } from '@posteriors/backend';
import type { GraphNode } from './model-graph.ts';

const onValues = 'Compute it outside and feed what follows it';

const byCategory: { readonly [category: string]: string } = {
  control:
    'tfjs branches, loops and keeps lists asynchronously, as values tell it. Convert the model with loops unrolled',
  hash_table: `it looks keys up in a table, which tfjs does asynchronously. ${onValues}`,
};

const byOp: { readonly [op: string]: string } = {
  Where: `how many indices it finds depends on values. ${onValues}`,
  ListDiff: `how many values it keeps depends on values. ${onValues}`,
  Print: 'it prints values, which are not known while a function is traced. Convert the model without it',
};

/** Ops that run a kernel of another name, where that may be left out; those of random numbers run none, and are left out for one reason. */
const kernels: { readonly [op: string]: string } = {
  NonMaxSuppressionV2: 'NonMaxSuppressionV3',
  UniqueV2: 'Unique',
  RandomStandardNormal: 'Multinomial',
  RandomUniform: 'Multinomial',
  RandomUniformInt: 'Multinomial',
  TruncatedNormal: 'Multinomial',
};

/** Why an op cannot be traced, if so. A custom op may do anything: what it records decides. */
function reasonAgainst({ op, category }: GraphNode): string | undefined {
  if (category === 'custom') return undefined;
  const known = byOp[op] ?? leftOut[kernels[op] ?? op] ?? byCategory[category ?? ''];
  if (known !== undefined || category !== undefined) return known;
  return 'tfjs has no such op. Register what it does with tf.registerOp before the model is loaded';
}

/** @throws if there are ops that cannot be traced, with all of them. */
export function requireTraceable(nodes: readonly GraphNode[]): void {
  const refused = new Map<string, { readonly reason: string; readonly names: string[] }>();
  for (const node of nodes) {
    const reason = reasonAgainst(node);
    if (reason === undefined) continue;
    const entry = refused.get(node.op) ?? { reason, names: [] };
    entry.names.push(node.name);
    refused.set(node.op, entry);
  }
  if (refused.size === 0) return;
  const lines = [...refused]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([op, { reason, names }]) => `\n  ${op} (${names.sort().join(', ')}): ${reason}.`);
  throw new Error(`modelToFunction: the model has ops that cannot be traced:${lines.join('')}`);
}
