/**
 * Shows the sessions of `sandbox.mjs` in `example.html`. All texts are inserted
 * as text, none as markup.
 */

import { sessions } from './sandbox.mjs';

const main = document.querySelector('main');

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} inside
 */
function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...inside);
  return made;
}

/** @param {string} text What is between back-ticks is code. */
const prose = (text) =>
  text.split('`').map((part, index) => (index % 2 ? element('code', {}, part) : part));

try {
  for (const { name, surface, summary, sources } of await sessions()) {
    const rows = sources.map(({ id, description, used, looked }) => {
      const how = used ? 'used' : looked ? 'looked at' : 'not looked at';
      return element('tr', { class: used ? 'used' : looked ? 'seen' : 'unseen' },
        element('th', { scope: 'row' }, element('code', {}, id)),
        element('td', {}, ...prose(description)),
        element('td', {}, element('span', {}, how)));
    });
    main?.append(element('section', { 'data-policy': name, 'data-surface': surface },
      element('h2', {}, element('code', {}, name), ` in a ${surface} session`),
      element('p', {}, ...prose(summary)),
      element('table', {}, element('tbody', {}, ...rows))));
  }
} catch (error) {
  main?.append(element('section', { role: 'alert' }, String(error)));
} finally {
  main?.setAttribute('aria-busy', 'false');
}
