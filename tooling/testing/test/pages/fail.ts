export default async function run(): Promise<void> {
  throw new RangeError('from the page');
}
