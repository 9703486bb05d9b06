/**
 * One text for everything that a policy decides, and its digest: the same as
 * `tests/src/digest.rs` makes, which describes the form.
 */

const SURFACES = ['terminal', 'desktop', 'remote', 'web'];
const STATES = ['unknown', 'out', 'barred', 'ready', 'held', 'failed'];
const LOOKED_AT = ['out', 'barred', 'ready', 'failed'];
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
  sources.forEach(({ id, reads, asks }, place) => {
    lines.push(`source ${place} ${json(id)} ${json(reads)} ${asks ? 'asks' : 'never-asks'}`);
  });
  table(lines, policy.table());
  for (const session of SESSIONS) every(lines, session, policy);
  for (const session of SESSIONS) steps(lines, session, policy);
  return `${lines.join('\n')}\n`;
}

function table(lines, { conditions, rows, endings }) {
  conditions.forEach((of, source) => of.forEach((condition, place) => {
    const { state, reason, at, seen } = condition;
    lines.push(
      `condition ${source} ${place} ${state} ${reason} ${where(at)} ${json(condition.text)}`,
      `seen ${source} ${place} ${sight(seen)}`,
    );
  }));
  for (const { session, source, condition, consent, effect, reason, at } of rows) {
    lines.push(`row ${words(session)} ${source} ${condition} ${consent} ${valued(effect)} ${reason} ${where(at)}`);
  }
  for (const { session, reason, at } of endings) {
    lines.push(`ending ${words(session)} ${reason} ${at ? where(at) : '-'}`);
  }
}

function every(lines, session, policy) {
  let product = 1;
  let within = true;
  const lists = policy.sources.map(({ asks }) => {
    const list = facts(LOOKED_AT, asks);
    within &&= product * list.length <= BOUND;
    if (!within) return facts(['out'], false);
    product *= list.length;
    return list;
  });
  const verdicts = policy.decideEvery(session, lists).map(verdict);
  lines.push(`every ${words(session)} ${verdicts.join(' ')}`);
}

function steps(lines, session, policy) {
  policy.sources.forEach(({ asks }, place) => {
    const here = facts(STATES, asks);
    const verdicts = policy.decideEvery(session, policy.sources.map((_, other) => {
      if (other === place) return here;
      return facts([other < place ? 'out' : 'unknown'], false);
    }));
    here.forEach(({ state, consent }, index) => {
      lines.push(`step ${words(session)} ${place} ${state} ${consent} ${verdict(verdicts[index])}`);
    });
  });
}

const facts = (states, asks) =>
  states.flatMap((state) => CONSENTS.slice(0, asks ? 3 : 1).map((consent) => ({ state, consent })));

const words = ({ surface, interactive }) => `${surface} ${interactive ? 'interactive' : 'alone'}`;

const where = ({ path, line, column, offset, length }) =>
  `${json(path)}:${line}:${column}:${offset}:${length}`;

function verdict({ tag, val }) {
  if (tag === 'consult') return tag;
  if (tag !== 'refuse') return `${tag}:${val}`;
  return val.source === undefined ? `refuse:${val.reason}` : `refuse:${val.reason}:${val.source}`;
}

const sight = (seen) => [
  seen.got ? 'got' : 'looked',
  valued(seen.outcome),
  free(seen.detail),
  free(seen.foundIn),
  seen.tier ?? '-',
  valued(seen.destination, json),
  seen.expiresIn ?? '-',
  seen.renewable ? 'renewable' : 'lasts',
  free(seen.account),
  free(seen.organization),
  seen.keptIn ?? '-',
  valued(seen.lifetime),
].join(' ');

const valued = ({ tag, val }, say = String) => (val === undefined ? tag : `${tag}:${say(val)}`);

const free = (given) => (given === undefined ? '-' : json(given));

const json = (given) => JSON.stringify(given);
