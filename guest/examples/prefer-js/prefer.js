// An override: prefers the source that the setting `prefer` names in sessions
// in which nobody can answer, and is content with the first usable one
// elsewhere. What may not be used it need not know: the engine sees to that.
//
// A record of the contract is an object here, an enum a string, and no choice
// is `undefined`. `./build FILE` makes the component.

function choose(settings, session, candidates) {
  const source = settings.find(({ name }) => name === 'prefer')?.text;
  const index = (wanted) => {
    const found = candidates.findIndex((candidate) => usable(candidate) && wanted(candidate));
    return found < 0 ? undefined : found;
  };
  const preferred = session.interactive ? undefined : index(({ id }) => id === source);
  return preferred ?? index(() => true);
}

function usable({ state, consent }) {
  return (state === 'ready' || state === 'fetched') && consent !== 'declined';
}

export const chooser = { choose };
