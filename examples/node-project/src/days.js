'use strict';

const DAY = 24 * 60 * 60 * 1000;

/** Midnight UTC of a date such as 2024-02-29: no local clock change can come between two days. */
function midnight(date) {
  const [year, month, day] = date.split('-').map(Number);
  const time = Date.UTC(year, month - 1, day);
  if (new Date(time).toISOString().slice(0, 10) !== date) {
    throw new RangeError(`there is no day ${date}`);
  }
  return time;
}

/** How many days lie between two dates; negative when the second comes first. */
function daysBetween(first, second) {
  return (midnight(second) - midnight(first)) / DAY;
}

module.exports = { daysBetween };
