import type { Workload } from '../workloads/workload.ts';
import { jaxJs } from './jax-js.ts';
import { loops } from './loops.ts';
import type { Peer } from './peer.ts';
import { type PythonPeer, startPython } from './python.ts';
import { tfjsEager } from './tfjs.ts';

const posteriors: PythonPeer = {
  name: 'PyTorch posteriors',
  script: './posteriors_peer.py',
  runs: () => true,
  quirks({ algorithm }: Workload, way) {
    if (algorithm.name === 'ekf.denseFisher') return ['curvatureSubtracted'];
    // In place, its vi.diag loses the count of steps that torchopt returns: 0.1.2 and torchopt 0.7.3.
    return algorithm.name === 'vi.diag' && way === 'in place' ? ['adamAsFirst'] : [];
  },
};

const jax: PythonPeer = {
  name: 'JAX',
  script: './jax_peer.py',
  loops: 'lax.scan',
  runs: ({ kind, model }) => kind === 'posterior' && ['doubleWell', 'logistic', 'network'].includes(model.name),
};

/** All peers, those in Python with the one at a path. */
export async function startPeers(python: string): Promise<Peer[]> {
  return [tfjsEager, loops, jaxJs, await startPython(python, posteriors), await startPython(python, jax)];
}
