'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { daysBetween } = require('../src/days.js');

test('a leap year has a 29th of February', () => {
  assert.equal(daysBetween('2024-02-28', '2024-03-01'), 2);
  assert.equal(daysBetween('2023-02-28', '2023-03-01'), 1);
});

test('clocks that change do not change the count', () => {
  assert.equal(daysBetween('2024-03-09', '2024-03-11'), 2);
});

test('the order of the dates is the sign', () => {
  assert.equal(daysBetween('2024-01-02', '2024-01-01'), -1);
});

test('a day that does not exist is refused', () => {
  assert.throws(() => daysBetween('2023-02-29', '2023-03-01'), RangeError);
});
