/**
 * Carries out a resolution, as the host does in `host/src/resolve.rs`: asks
 * the engine for the next step, lets the embedder's hands carry out that one
 * step, reports what they saw, until a credential is used or refused. It
 * compares nothing and chooses nothing.
 */

import { CONSENTS, circumstances as circumstancesOf, FieldError, oneOf } from './contract.js';
import { HandsError } from './errors.js';
import { observation } from './observation.js';
import { checkFinding, Steps } from './steps.js';

export async function resolve(policy, session, hands) {
  // One answer for the whole resolution, whatever becomes of the object.
  const circumstances = circumstancesOf(session);
  const { sources } = policy;
  const resolution = {
    policy,
    facts: sources.map(() => ({ state: 'unknown', consent: 'undecided' })),
    evidence: sources.map(() => ({ consent: 'undecided', observation: undefined })),
    steps: [],
  };
  const { facts, evidence, steps } = resolution;
  const checked = new Steps(sources.length);
  for (;;) {
    const { tag, val } = checked.check(circumstances, facts, policy.decide(circumstances, facts));
    if (tag === 'use' || tag === 'refuse') {
      const end = tag === 'use'
        ? { source: sources[val], endpoint: endpoint(sources[val], evidence[val].observation) }
        : { refused: val };
      return { verdict: tag, ...end, steps, explanation: policy.explain(circumstances, evidence) };
    }
    steps.push({ step: tag, source: sources[val].id });
    const answer = await hand(hands, tag, sources[val]);
    if (tag === 'ask') consent(resolution, val, 'ask', answer);
    else judge(resolution, val, tag, answer);
  }
}

/** Lets a hand carry out its step. What it throws ends the resolution. */
async function hand(hands, name, source) {
  if (typeof hands[name] !== 'function') {
    throw new HandsError('hands-missing', name, source, 'is required and is missing');
  }
  return hands[name](source);
}

/** Lets the engine judge an observation, and remembers its finding. */
function judge({ policy, facts, evidence }, index, name, answer) {
  const source = policy.sources[index];
  const looked = evidence[index].observation;
  const seen = valid(name, source, () => observation(answer, name === 'fetch', looked));
  const finding = checkFinding(index, seen, policy.observe(index, seen));
  evidence[index].observation = seen;
  facts[index].state = finding.state;
  // Only what is there can have been approved or declined before.
  if (name === 'look' && source.needsConsent && seen.outcome.tag === 'present') {
    consent({ policy, facts, evidence }, index, 'look', answer.consent ?? 'undecided');
  }
}

function consent({ policy, facts, evidence }, index, name, answer) {
  const answers = name === 'ask' ? CONSENTS.filter((word) => word !== 'undecided') : CONSENTS;
  valid(name, policy.sources[index], () => oneOf('consent', answers, answer));
  facts[index].consent = answer;
  evidence[index].consent = answer;
}

/** Where the credential is to be sent, as the policy has allowed it. */
function endpoint(source, { destination, redirections }) {
  if (destination.tag === 'origin') return destination.val;
  const moved = redirections.find(({ carries }) => carries);
  return moved ? moved.origin : source.endpoint?.default;
}

/** Checks what a hand answered. */
function valid(name, source, check) {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new HandsError('hands-misbehaved', name, source, `gave an invalid answer: ${error.message}`);
  }
}
