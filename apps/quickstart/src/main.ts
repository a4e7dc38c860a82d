/** The quick start: trains a Bayesian neural network on the MNIST digits and shows what it is unsure of. */
import { PIXELS } from './data.ts';
import { OptionError, type Options, parseOptions, usage } from './options.ts';
import { formatReport, writeJson } from './report.ts';
import { mostDoubtful, study } from './study.ts';
import { allowsColour } from './terminal.ts';
import { drawDigits } from './terminal-digits.ts';

const DIGITS_SHOWN = 8;

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await main(options);
} catch (error) {
  if (!(error instanceof OptionError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

async function main(options: Options): Promise<void> {
  const found = await study(options);
  const doubtful = mostDoubtful(found, DIGITS_SHOWN);
  const pictures = doubtful.map(({ digit }) => found.test.images.subarray(digit * PIXELS, (digit + 1) * PIXELS));
  const captions = doubtful.map(({ caption }) => caption);
  const terminal = { columns: process.stdout.columns ?? 120, colour: allowsColour(process.stdout) };
  console.log(`\nThe test digits it is least sure of:\n\n${drawDigits(pictures, captions, terminal)}\n`);
  console.log(formatReport(found.result, found.digits, found.clothes));
  if (options.json !== undefined) await writeJson(options.json, found.result);
}
