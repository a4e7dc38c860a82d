import { algorithmNames, compareUpdates, type Observed } from '../mnist-update.ts';

export default async function run(): Promise<{ [algorithm: string]: Observed }> {
  const observed: { [algorithm: string]: Observed } = {};
  for (const name of algorithmNames) observed[name] = await compareUpdates(name);
  return observed;
}
