/**
 * What was seen of a source, as the engine takes it. What goes in is what an
 * embedder says, with what goes without saying left out; what comes out has
 * every field of the contract and no other, so that a secret which lies
 * beside them never crosses.
 */

export function observation(seen, fetched) {
  return {
    fetched,
    outcome: variant(seen.outcome),
    detail: seen.detail ?? undefined,
    location: seen.location ?? undefined,
    tier: seen.tier ?? undefined,
    destination: variant(seen.destination ?? 'default'),
    endpointLocation: seen.endpointLocation ?? undefined,
    endpointTier: seen.endpointTier ?? undefined,
    expiresIn: seconds(seen.expiresIn),
    refreshable: seen.refreshable === true,
    account: seen.account ?? undefined,
    organization: seen.organization ?? undefined,
    storedIn: seen.storedIn ?? undefined,
    lifetime: variant(seen.lifetime ?? 'unset'),
  };
}

/** A case without a value may be written as its name alone. */
function variant(given) {
  return typeof given === 'string' ? { tag: given } : { tag: given?.tag, val: given?.val };
}

/** Whole seconds, rounded towards less time. */
function seconds(given) {
  if (given === undefined || given === null || typeof given === 'bigint') return given ?? undefined;
  if (typeof given !== 'number') throw new TypeError('`expiresIn` is not a number');
  return BigInt(Math.floor(given));
}
