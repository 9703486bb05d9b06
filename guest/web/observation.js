/**
 * What was seen of a source, as the engine takes it. What goes in is what an
 * embedder says, with what goes without saying left out; what comes out has
 * every field of the contract and no other, so that a secret which lies
 * beside them never crosses.
 */

export function observation(seen, got) {
  return {
    got,
    outcome: variant(seen.outcome),
    detail: seen.detail ?? undefined,
    foundIn: seen.foundIn ?? undefined,
    tier: seen.tier ?? undefined,
    destination: variant(seen.destination ?? 'default'),
    expiresIn: seconds(seen.expiresIn),
    renewable: seen.renewable === true,
    account: seen.account ?? undefined,
    organization: seen.organization ?? undefined,
    keptIn: seen.keptIn ?? undefined,
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
