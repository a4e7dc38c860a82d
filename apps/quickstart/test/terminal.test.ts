import { afterEach, expect, test, vi } from 'vitest';
import { allowsColour, isInteractive } from '../src/terminal.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  [true, 'xterm', '', true, true],
  [true, 'xterm', '1', true, false],
  [true, 'dumb', '', false, false],
  [false, 'xterm', '', false, false],
])('terminal %s, TERM=%s, NO_COLOR=%s', (isTTY, term, noColour, interactive, colour) => {
  vi.stubEnv('TERM', term);
  vi.stubEnv('NO_COLOR', noColour);
  const terminal = { isTTY, write: () => true };
  expect([isInteractive(terminal), allowsColour(terminal)]).toEqual([interactive, colour]);
});
