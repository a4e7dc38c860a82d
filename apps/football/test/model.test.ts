import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { setBackend } from 'posteriors';
import { describe, expect, test } from 'vitest';
import { type Match, results } from '../src/data.ts';
import { type FilterName, follow, makeFilter } from '../src/filters.ts';
import { batchOf, constantRates, cutsOf, differenceOf, forecast, forecastAt, logProbs, rates } from '../src/model.ts';
import { logLosses, meanOf } from '../src/scores.ts';

await setBackend('cpu');

const cuts = { lower: -0.7, upper: 0.2 };
const match = (result: Match['result'], day = 0, home = 0, away = 1): Match => ({
  day,
  season: 2013,
  home,
  away,
  result,
});

describe('the model', () => {
  test('equal teams have the rates that the cuts are made of', () => {
    const expected = { home: 0.47, draw: 0.24, away: 0.29 };
    expect(forecastAt(0, cutsOf(expected))).toBeAllClose(expected);
    expect(rates([match('home'), match('home'), match('draw'), match('away')])).toEqual({ home: 0.5, draw: 0.25, away: 0.25 }); // biome-ignore format: one line
  });

  test.each([-3, -0.4, 0, 1.5])(
    'log probabilities of tensors are those of the forecast, at a difference of %d',
    (difference) => {
      for (const result of results) {
        const batch = batchOf(match(result));
        const [at] = differenceOf(tf.tensor1d([difference + 1, 1]), batch);
        expect(logProbs(at, batch, cuts)).toBeAllClose([Math.log(forecastAt(difference, cuts)[result])], {
          rtol: 1e-5,
        });
      }
    },
  );

  test('a forecast is the mean over the uncertainty of the skills, and sums to one', () => {
    expect(forecast(0.5, 0, cuts)).toBeAllClose(forecastAt(0.5, cuts));
    const wide = forecast(0.5, 2, cuts);
    expect(wide.home + wide.draw + wide.away).toBeCloseTo(1, 12);
    let [sum, weight] = [0, 0];
    for (let x = -15; x < 15; x += 0.01) {
      const density = Math.exp(-((x - 0.5) ** 2) / 4);
      sum += density * forecastAt(x, cuts).home;
      weight += density;
    }
    expect(wide.home).toBeCloseTo(sum / weight, 6);
  });

  test('constant rates know only what was before', () => {
    const forecasts = constantRates([match('home'), match('home'), match('away')]);
    expect(forecasts).toBeAllClose([
      { home: 1 / 3, draw: 1 / 3, away: 1 / 3 },
      { home: 2 / 4, draw: 1 / 4, away: 1 / 4 },
      { home: 3 / 5, draw: 1 / 5, away: 1 / 5 },
    ]);
  });
});

test('scores', () => {
  const forecasts = [{ home: 0.5, draw: 0.25, away: 0.25 }, { home: 0.1, draw: 0.2, away: 0.7 }]; // biome-ignore format: one line
  expect(logLosses([match('home'), match('draw')], forecasts)).toBeAllClose([Math.log(2), Math.log(5)]);
  expect(meanOf([1, 2, 3, 6])).toBeAllClose({ mean: 3, standardError: Math.sqrt(14 / 12) });
});

describe.each<FilterName>(['diagFisher', 'denseFisher', 'diagGgn', 'denseGgn'])('%s', (name) => {
  const settings = { spread: 0.7, drift: 0.05 };
  const matches = [match('home', 0), match('home', 7), match('away', 14, 2, 0), match('home', 114, 1, 2)];
  const steps = [...follow(makeFilter(name, cuts, settings), { teams: ['A', 'B', 'C'], matches }, cuts, settings)];
  const [first, second, third, last] = steps;

  test('teams that win rise, those that lose fall', () => {
    expect(first?.means[0]).toBeGreaterThan(0);
    expect(first?.means[1]).toBeLessThan(0);
    expect(third?.means[0]).toBeGreaterThan(second?.means[0] as number);
  });

  test('what is known of a team becomes surer with its matches, and less sure with time', () => {
    expect(first?.sds[0]).toBeLessThan(0.7);
    const drifted = Math.hypot(third?.sds[0] as number, 0.05 * Math.sqrt(100));
    expect(last?.sds[0]).toBeCloseTo(drifted, name.startsWith('diag') ? 5 : 1);
  });

  test('forecasts are made before the match', () => {
    expect(first?.forecast).toBeAllClose(forecast(0, 2 * 0.7 ** 2, cuts), { rtol: 1e-6 });
    expect(second?.forecast.home).toBeGreaterThan(first?.forecast.home as number);
  });

  test('leaves no tensor', () => {
    const live = tf.memory().numTensors;
    for (const _ of follow(makeFilter(name, cuts, settings), { teams: ['A', 'B', 'C'], matches }, cuts, settings));
    expect(tf.memory().numTensors).toBe(live);
  });
});
