/**
 * Checks values against the contract's types before they enter the engine. A
 * message names the field and what it has to be, never the value: a secret in
 * the wrong field must not end up in a log.
 */

export const SURFACES = ['terminal', 'desktop', 'remote', 'web'];
export const CONSENTS = ['undecided', 'approved', 'declined'];
export const STATES = [
  'unknown', 'unavailable', 'forbidden', 'ready', 'fetched', 'failed', 'fatal',
];
export const TIERS = ['managed', 'user', 'project'];
export const STORE_KINDS = ['keyring', 'file'];
export const DOCUMENT_ORIGINS = [
  'builtin', 'embedder', 'tool-file', 'managed', 'managed-restriction', 'managed-tool-file',
  'managed-other', 'user', 'user-restriction', 'project', 'choice',
];
export const FAILURE_KINDS = [
  'unreadable', 'invalid', 'untrusted', 'bad-character', 'not-started', 'exit-status',
  'timed-out', 'no-output', 'more-than-one-token', 'not-printable', 'too-long', 'expired',
  'locked', 'no-store', 'unreachable', 'rejected', 'unsupported', 'vanished', 'no-credentials',
  'malformed-answer', 'nested',
];

/** A value is not of the contract's type. */
export class FieldError extends TypeError {}

export function oneOf(field, names, value) {
  if (names.includes(value)) return value;
  throw new FieldError(`\`${field}\` is not one of ${names.join(', ')}`);
}

export function string(field, value) {
  return typed(field, 'a string', typeof value === 'string', value);
}

export function boolean(field, value) {
  return typed(field, 'a boolean', typeof value === 'boolean', value);
}

export function object(field, value) {
  return typed(field, 'an object', typeof value === 'object' && value !== null, value);
}

/** Checks every element; each has the list's name and its index. */
export function list(field, value, element) {
  typed(field, 'an array', Array.isArray(value), value);
  return Array.from(value, (one, index) => element(`${field}[${index}]`, one));
}

/** What is not there is `undefined`; anything else has to pass the check. */
export function optional(value, check) {
  return value === undefined || value === null ? undefined : check(value);
}

/** A case without a value may be written as its name alone. */
export function variant(field, cases, given) {
  const tag = oneOf(field, Object.keys(cases), typeof given === 'string' ? given : given?.tag);
  return cases[tag] === null ? { tag } : { tag, val: cases[tag](`${field}.val`, given.val) };
}

/** A signed integer of 64 bits; a number is rounded down. */
export function s64(field, value) {
  const whole = Number.isFinite(value) ? BigInt(Math.floor(value)) : value;
  const fits = typeof whole === 'bigint' && BigInt.asIntN(64, whole) === whole;
  return typed(field, 'a number of 64 bits', fits, whole);
}

/** An unsigned integer of 64 bits. */
export function u64(field, value) {
  const fits = typeof value === 'bigint' && BigInt.asUintN(64, value) === value;
  return typed(field, 'an unsigned bigint of 64 bits', fits, value);
}

/** A session is interactive only where that is `true`. */
export function circumstances(given) {
  return { surface: oneOf('surface', SURFACES, given?.surface), interactive: given?.interactive === true };
}

export function fact(field, given) {
  const { state, consent } = object(field, given);
  return {
    state: oneOf(`${field}.state`, STATES, state),
    consent: oneOf(`${field}.consent`, CONSENTS, consent),
  };
}

export function document(field, given) {
  const { origin, path, text } = object(field, given);
  return {
    origin: oneOf(`${field}.origin`, DOCUMENT_ORIGINS, origin),
    path: string(`${field}.path`, path),
    text: string(`${field}.text`, text),
  };
}

function typed(field, what, is, value) {
  if (is) return value;
  throw new FieldError(`\`${field}\` is not ${what}`);
}
