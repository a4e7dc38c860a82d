/** Passes over programs that leave their outputs as they are. */
import type { Program } from '../program.ts';
import { absorbBroadcasts } from './broadcasts.ts';
import { shareCommonSubexpressions } from './common-subexpressions.ts';
import { computeConstants } from './constants.ts';
import { removeDeadCode } from './dead-code.ts';
import { removeIdentities } from './identities.ts';
import { liftConstants } from './lift-constants.ts';
import { takeOutInvariants } from './loop-invariants.ts';
import { joinMovements } from './movement.ts';
import { removeNeutralElements } from './neutral-elements.ts';
import { rewriteEquations } from './rewrite.ts';
import { contractSums } from './sums-of-products.ts';

export { removeDeadCode } from './dead-code.ts';

const passes = [
  shareCommonSubexpressions,
  computeConstants,
  removeNeutralElements,
  joinMovements,
  absorbBroadcasts,
  contractSums,
];

/** What a pass leaves for those before it is seen in the second round. */
const rounds = 2;

const simplified = new WeakSet<Program>();

/** What is done to every program, and to the bodies of its loops, before it is run. */
export function simplify<Source>(program: Program<Source>): Program<Source> {
  if (simplified.has(program)) return program;
  let result = removeDeadCode(removeIdentities(liftConstants(program)));
  for (let round = 0; round < rounds; round++) {
    for (const pass of passes) result = pass(result);
    result = removeDeadCode(result);
  }
  result = shareCommonSubexpressions(simplifyLoops(result));
  simplified.add(result);
  return result;
}

function simplifyLoops<Source>(program: Program<Source>): Program<Source> {
  if (program.equations.every(({ type }) => type !== 'scan')) return program;
  return rewriteEquations(program, (equation) => [
    ...(equation.type === 'scan' ? takeOutInvariants({ ...equation, body: simplify(equation.body) }) : [equation]),
  ]);
}
