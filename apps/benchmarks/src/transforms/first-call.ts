/** Prints how many milliseconds the first step of W4 takes on the device that is named. */
import * as tf from '@tensorflow/tfjs';
import { setBackend } from 'posteriors';
import { type Device, startDevices } from '../devices.ts';
import { ours } from '../ours.ts';
import { loadWorkload } from '../workloads/index.ts';

tf.env().set('PROD', true);
const device = process.argv[2] as Device;
await startDevices([device]);
await setBackend('cpu'); // where the data come from, so that the device has done nothing yet
const workload = await loadWorkload('W4');
await setBackend(device);
console.log(await ours(workload, true).time(1));
