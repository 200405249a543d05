/** Numbers, money and times by the rules of the page's language. Pure: locale and time zone are arguments. */

export const MISSING = "–";

/** @typedef {ReturnType<typeof formats>} Formats */

/**
 * @param {string} locale
 * @param {string} [timeZone] the viewer's if left out
 */
export function formats(locale, timeZone) {
  const numbers = [0, 1, 2].map(
    (digits) =>
      new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
  const percent = new Intl.NumberFormat(locale, {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const wholePercent = new Intl.NumberFormat(locale, { style: "percent" });
  const signed = new Intl.NumberFormat(locale, {
    signDisplay: "exceptZero",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  /** @param {Intl.DateTimeFormatOptions} options */
  const dates = (options) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const clock = dates({ timeStyle: "medium" });
  const minute = dates({ timeStyle: "short" });
  const stamp = dates({ dateStyle: "medium", timeStyle: "medium" });
  const { hour12 } = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions();
  const hour = hour12 ? "numeric" : "2-digit";
  const short = dates({ day: "numeric", month: "short", hour, minute: "2-digit" });
  const day = dates({ dateStyle: "medium", timeZone: "UTC" });
  const dayShort = dates({ day: "numeric", month: "short", timeZone: "UTC" });
  const month = dates({ month: "short", year: "numeric", timeZone: "UTC" });
  const instantDay = dates({ dateStyle: "full" });

  /** @param {number | null | undefined} value @param {0 | 1 | 2} digits */
  const number = (value, digits) =>
    value === null || value === undefined ? MISSING : numbers[digits].format(value);
  /** @param {Intl.DateTimeFormat} format @param {string | null | undefined} iso */
  const date = (format, iso) => (iso ? format.format(new Date(iso)) : MISSING);

  return {
    /** @param {number | null | undefined} value */
    integer: (value) => number(value, 0),
    /** @param {number | null | undefined} value */
    decimal: (value) => number(value, 1),
    /** Whole numbers whole, others with one digit: points. @param {number | null | undefined} value */
    short: (value) => number(value, Number.isInteger(value) ? 0 : 1),
    /** @param {number | null | undefined} value 0 to 100 */
    percent: (value) => (value === null || value === undefined ? MISSING : percent.format(value / 100)),
    /** @param {number} value 0 to 100 */
    percentWhole: (value) => wholePercent.format(value / 100),
    /** @param {number} value */
    signed: (value) => signed.format(value),
    /** Events per second. @param {number | null | undefined} perSecond */
    rate: (perSecond) => number(perSecond, (perSecond ?? 0) < 100 ? 1 : 0),
    /** @param {number} minor in minor units @param {string | null} currency */
    money: (minor, currency) => money(locale, minor, currency),
    /** @param {string | null | undefined} iso */
    clock: (iso) => date(clock, iso),
    /** @param {string | null | undefined} iso */
    minute: (iso) => date(minute, iso),
    /** @param {string | null | undefined} iso */
    stamp: (iso) => date(stamp, iso),
    /** Day and minute, without the year. @param {string | null | undefined} iso */
    moment: (iso) => date(short, iso),
    /** The viewer's date of an instant, in full. @param {string} iso */
    instantDay: (iso) => instantDay.format(new Date(iso)),
    /** @param {string | null | undefined} date_ as 2026-11-22 */
    day: (date_) => date(day, date_),
    /** @param {string | null | undefined} date_ */
    dayShort: (date_) => date(dayShort, date_),
    /** @param {string} start @param {string} grain */
    period: (start, grain) => period(start, grain, { dayShort, month }),
  };
}

/**
 * @param {string} start
 * @param {string} grain day, week, month or quarter
 * @param {{dayShort: Intl.DateTimeFormat, month: Intl.DateTimeFormat}} formats_
 * @returns {string} short enough for the head of a column
 */
function period(start, grain, { dayShort, month }) {
  const at = new Date(start);
  if (grain === "quarter") return `Q${Math.floor(at.getUTCMonth() / 3) + 1} ${at.getUTCFullYear()}`;
  return (grain === "month" ? month : dayShort).format(at);
}

/**
 * @param {string} locale
 * @param {number} minor
 * @param {string | null} currency ISO 4217
 * @returns {string}
 */
export function money(locale, minor, currency) {
  if (!currency) return MISSING;
  try {
    const format = new Intl.NumberFormat(locale, { style: "currency", currency });
    return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  } catch (problem) {
    // A code that Intl does not know: say what was sent rather than guess its digits.
    if (problem instanceof RangeError) return `${minor} ${currency}`;
    throw problem;
  }
}

/**
 * @param {string} iso
 * @returns {string} as 2026-11-22 19:00:00 UTC
 */
export function utc(iso) {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/**
 * The largest unit that fits, whole: 59 → 59 second, 3600 → 1 hour.
 * @param {number} seconds
 * @returns {{value: number, unit: "second" | "minute" | "hour" | "day"}}
 */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return { value: whole, unit: "second" };
  if (whole < 3600) return { value: Math.floor(whole / 60), unit: "minute" };
  if (whole < 86_400) return { value: Math.floor(whole / 3600), unit: "hour" };
  return { value: Math.floor(whole / 86_400), unit: "day" };
}

/**
 * @param {string} locale
 * @returns {(seconds: number) => string} as "12 min"
 */
export function durations(locale) {
  /** @param {string} unit @returns {[string, Intl.NumberFormat]} */
  const named = (unit) => [
    unit,
    new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: unit === "day" ? "long" : "short" }),
  ];
  const units = new Map(["second", "minute", "hour", "day"].map(named));
  return (seconds) => {
    const { value, unit } = span(seconds);
    return units.get(unit)?.format(value) ?? MISSING;
  };
}

/**
 * @param {string} locale
 * @returns {(seconds: number) => string} as "12 min. ago", "now"
 */
export function agos(locale) {
  const past = new Intl.RelativeTimeFormat(locale, { style: "short", numeric: "always" });
  const now = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(0, "second");
  return (seconds) => {
    const { value, unit } = span(seconds);
    return value === 0 ? now : past.format(-value, unit);
  };
}
