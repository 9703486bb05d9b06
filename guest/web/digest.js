/**
 * One text for everything that a policy decides, and its digest: the same as
 * `tests/src/digest.rs` makes, which describes the form.
 */

const SURFACES = ['terminal', 'desktop', 'remote', 'web'];
const STATES = ['unknown', 'unavailable', 'forbidden', 'ready', 'fetched', 'failed'];
const LOOKED_AT = ['unavailable', 'forbidden', 'ready', 'failed'];
const CONSENTS = ['undecided', 'approved', 'declined'];

/** The most combinations for one session. */
const BOUND = 65_536;

const SESSIONS = SURFACES.flatMap((surface) =>
  [true, false].map((interactive) => ({ surface, interactive })));

/** The SHA-256 of a text, in lower-case hexadecimal digits. */
export async function digest(text) {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Everything that the policy decides. */
export function text(policy) {
  const { sources } = policy;
  const lines = ['keyrule decisions 1', `policy ${json(policy.name)}`];
  sources.forEach(({ id, reads, needsConsent }, index) => {
    lines.push(`source ${index} ${json(id)} ${json(reads)} ${needsConsent ? 'asks' : 'never-asks'}`);
  });
  table(lines, policy.table());
  for (const session of SESSIONS) every(lines, session, policy);
  for (const session of SESSIONS) steps(lines, session, policy);
  return `${lines.join('\n')}\n`;
}

function table(lines, { conditions, rows, endings }) {
  conditions.forEach((of, source) => of.forEach((condition, index) => {
    const { state, reason, rule, observation } = condition;
    lines.push(
      `condition ${source} ${index} ${state} ${reason} ${where(rule)} ${json(condition.text)}`,
      `seen ${source} ${index} ${sight(observation)}`,
    );
  }));
  for (const { session, source, condition, consent, effect, reason, rule } of rows) {
    lines.push(`row ${words(session)} ${source} ${condition} ${consent} ${valued(effect)} ${reason} ${where(rule)}`);
  }
  for (const { session, reason, rule } of endings) {
    lines.push(`ending ${words(session)} ${reason} ${rule ? where(rule) : '-'}`);
  }
}

function every(lines, session, policy) {
  let product = 1;
  let within = true;
  const lists = policy.sources.map(({ needsConsent }) => {
    const list = facts(LOOKED_AT, needsConsent);
    within &&= product * list.length <= BOUND;
    if (!within) return facts(['unavailable'], false);
    product *= list.length;
    return list;
  });
  const verdicts = policy.decideEvery(session, lists).map(verdict);
  lines.push(`every ${words(session)} ${verdicts.join(' ')}`);
}

function steps(lines, session, policy) {
  policy.sources.forEach(({ needsConsent }, index) => {
    const here = facts(STATES, needsConsent);
    const verdicts = policy.decideEvery(session, policy.sources.map((_, other) => {
      if (other === index) return here;
      return facts([other < index ? 'unavailable' : 'unknown'], false);
    }));
    here.forEach(({ state, consent }, row) => {
      lines.push(`step ${words(session)} ${index} ${state} ${consent} ${verdict(verdicts[row])}`);
    });
  });
}

const facts = (states, needsConsent) =>
  states.flatMap((state) => CONSENTS.slice(0, needsConsent ? 3 : 1).map((consent) => ({ state, consent })));

const words = ({ surface, interactive }) => `${surface} ${interactive ? 'interactive' : 'alone'}`;

const where = ({ path, line, column, offset, length }) =>
  `${json(path)}:${line}:${column}:${offset}:${length}`;

function verdict({ tag, val }) {
  if (tag === 'consult') return tag;
  if (tag !== 'refuse') return `${tag}:${val}`;
  return val.source === undefined ? `refuse:${val.reason}` : `refuse:${val.reason}:${val.source}`;
}

const sight = (seen) => [
  seen.fetched ? 'fetched' : 'looked',
  valued(seen.outcome),
  free(seen.detail),
  free(seen.location),
  seen.tier ?? '-',
  valued(seen.destination, json),
  ...seen.redirections.map(({ name, origin, carries }) =>
    `${carries ? 'carries' : 'brings'}:${json(name)}:${free(origin)}`),
  seen.expiresIn ?? '-',
  seen.refreshable ? 'refreshable' : 'lasts',
  free(seen.account),
  free(seen.organization),
  seen.storedIn ?? '-',
  valued(seen.lifetime),
].join(' ');

const valued = ({ tag, val }, say = String) => (val === undefined ? tag : `${tag}:${say(val)}`);

const free = (given) => (given === undefined ? '-' : json(given));

const json = (given) => JSON.stringify(given);
