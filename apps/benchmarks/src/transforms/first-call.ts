/** Prints how many milliseconds the first step of W4 takes on the device that is named. */
import * as tf from '@tensorflow/tfjs';
import { type Device, loadOnCpu, startDevices } from '../devices.ts';
import { ours } from '../ours.ts';
import { loadWorkload } from '../workloads/index.ts';

tf.env().set('PROD', true);
const device = process.argv[2] as Device;
await startDevices([device]);
const workload = await loadOnCpu(device, () => loadWorkload('W4')); // the device has done nothing yet
console.log(await ours(workload, 'in place').time(1));
