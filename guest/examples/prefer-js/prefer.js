// An override: prefers the source that the setting `prefer` names in sessions
// in which nobody can answer, and is content with the first usable one
// elsewhere. What may not be used it need not know: the engine sees to that.
//
// A record of the contract is an object here, an enum a string, and no choice
// is `undefined`. `./build FILE` makes the component.

class Chooser {
  constructor(settings) {
    this.source = settings.find(({ name }) => name === 'prefer')?.text;
  }

  choose(session, candidates) {
    const place = (wanted) => {
      const found = candidates.findIndex((candidate) => usable(candidate) && wanted(candidate));
      return found < 0 ? undefined : found;
    };
    const preferred = session.interactive
      ? undefined
      : place(({ id }) => id === this.source);
    return preferred ?? place(() => true);
  }
}

function usable({ state, consent }) {
  return (state === 'ready' || state === 'held') && consent !== 'declined';
}

export const chooser = { Chooser };
