/**
 * Turns what an embedder saw into an observation of the contract: every field
 * and no other, so that a secret which lies beside them never enters the
 * engine.
 */

import {
  boolean, FAILURE_KINDS, FieldError, list, object, oneOf, optional, s64, string, STORE_KINDS,
  TIERS, u64, variant,
} from './contract.js';

/** Each variant's cases, and the check of the value where a case has one. */
export const OUTCOMES = {
  absent: null,
  blank: null,
  off: null,
  present: null,
  recursion: null,
  failed: (field, value) => oneOf(field, FAILURE_KINDS, value),
};
export const DESTINATIONS = { default: null, origin: string, malformed: null };
export const LIFETIMES = { unset: null, milliseconds: u64, malformed: null };

/**
 * Without `fetched` the input itself says whether it was fetched. A fetch that
 * does not say where the credential is sent means what the look said: it must
 * not silently become the default.
 */
export function observation(given, fetched, looked) {
  return readable(() => {
    const seen = object('observation', given);
    const before = seen.destination ? undefined : looked;
    const text = (name) => optional(seen[name], (value) => string(name, value));
    const one = (name, names) => optional(seen[name], (value) => oneOf(name, names, value));
    return {
      fetched: fetched ?? seen.fetched === true,
      outcome: variant('outcome', OUTCOMES, seen.outcome),
      detail: text('detail'),
      location: text('location'),
      tier: one('tier', TIERS),
      destination: variant('destination', DESTINATIONS, seen.destination ?? before?.destination ?? 'default'),
      endpointLocation: text('endpointLocation') ?? before?.endpointLocation,
      endpointTier: one('endpointTier', TIERS) ?? before?.endpointTier,
      redirections: list('redirections', seen.redirections ?? looked?.redirections ?? [], redirection),
      expiresIn: optional(seen.expiresIn, (value) => s64('expiresIn', value)),
      refreshable: seen.refreshable === true,
      account: text('account'),
      organization: text('organization'),
      storedIn: one('storedIn', STORE_KINDS),
      lifetime: variant('lifetime', LIFETIMES, seen.lifetime ?? 'unset'),
    };
  });
}

/** What was seen of one item of the tool; whether the tool has the item is not
 *  checked here. */
export function itemObservation(field, given) {
  return readable(() => {
    const { item, outcome, location, tier } = object(field, given);
    return {
      item,
      outcome: variant(`${field}.outcome`, OUTCOMES, outcome),
      location: optional(location, (value) => string(`${field}.location`, value)),
      tier: optional(tier, (value) => oneOf(`${field}.tier`, TIERS, value)),
    };
  });
}

function redirection(field, given) {
  const { name, origin, carries } = object(field, given);
  return {
    name: string(`${field}.name`, name),
    origin: optional(origin, (value) => string(`${field}.origin`, value)),
    carries: boolean(`${field}.carries`, carries),
  };
}

/** What a getter throws could quote the value. */
function readable(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldError) throw error;
    throw new FieldError('a field cannot be read');
  }
}
