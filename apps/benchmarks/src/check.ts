/** Whether a contender does the work of a workload. */
import { checkEkf } from './checks/ekf.ts';
import { checkLaplace } from './checks/laplace.ts';
import { checkSghmc } from './checks/sghmc.ts';
import { checkViDiag } from './checks/vi-diag.ts';
import type { Contender } from './contender.ts';
import type { Ekf, Laplace, Workload } from './workloads/workload.ts';

/** @throws if the numbers of the contender are not those of the workload. */
export async function checkContender(contender: Contender, workload: Workload): Promise<void> {
  try {
    await check(contender, workload);
  } catch (error) {
    const message = `${workload.name}, ${contender.name} ${contender.version}: ${(error as Error).message}`;
    throw new Error(message, { cause: error });
  }
}

async function check(contender: Contender, workload: Workload): Promise<void> {
  if (workload.kind === 'posterior') {
    const { model, algorithm } = workload;
    if (algorithm.name === 'sghmc') await checkSghmc(contender, model, algorithm);
    else await checkViDiag(contender, model, algorithm);
    return;
  }
  const { model, algorithm } = workload;
  if (isEkf(algorithm)) await checkEkf(contender, model, algorithm);
  else await checkLaplace(contender, model, algorithm);
}

function isEkf(algorithm: Ekf | Laplace): algorithm is Ekf {
  return algorithm.name.startsWith('ekf.');
}
