// A browser for one page: runs the script of a node's /docs in a small DOM, with real requests to the node.
//
//   node docs_page.js URL [--ca FILE --cert FILE --key FILE]  < STEPS
//
// STEPS is a JSON array of [what, ...arguments]: ["open", operationId], ["fill", name, text], ["example", title],
// ["body", text], ["send"], ["press", keys]. What the page then shows of the open operation is printed as JSON. It allows what the
// page's Content-Security-Policy allows, so that a script or a request that a browser would refuse fails here too.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const vm = require('vm');

const [url, ...options] = process.argv.slice(2);
const page = new URL(url);
const tls = {};
for (let i = 0; i < options.length; i += 2) tls[options[i].slice(2)] = fs.readFileSync(options[i + 1]);

function request(target, {method = 'GET', headers = {}, body} = {}) {
  return new Promise((resolve, reject) => {
    const call = (target.startsWith('https:') ? https : http).request(target, {method, headers, ...tls}, answer => {
      const parts = [];
      answer.on('data', part => parts.push(part));
      answer.on('end', () => resolve({answer, text: Buffer.concat(parts).toString()}));
    });
    call.on('error', reject);
    call.end(body);
  });
}

// ---- the DOM, as far as the page uses it

const submitted = []; // what runs since a form was submitted by the page itself

class Element {
  constructor(tag) {
    this.tagName = tag.toUpperCase();
    this.attributes = {};
    this.nodes = [];
    this.listeners = {};
    const classes = new Set();
    this.classList = {
      add: name => classes.add(name),
      remove: name => classes.delete(name),
      toggle: name => classes.delete(name) || classes.add(name),
    };
  }
  get id() { return this.attributes.id; }
  get children() { return this.nodes.filter(node => node instanceof Element); }
  get textContent() { return this.nodes.map(node => node instanceof Element ? node.textContent : node).join(''); }
  set textContent(text) { this.nodes = [String(text)]; }
  setAttribute(name, value) {
    this.attributes[name] = String(value);
    if (name === 'value') this.value = String(value);
    if (name === 'open') this.open = true;
  }
  getAttribute(name) { return this.attributes[name] ?? null; }
  removeAttribute(name) { delete this.attributes[name]; }
  append(...nodes) {
    for (const node of nodes) {
      if (node instanceof Element) node.parent = this;
      this.nodes.push(node instanceof Element ? node : String(node));
    }
  }
  replaceChildren(...nodes) {
    this.nodes = [];
    this.append(...nodes);
  }
  addEventListener(type, listener) { (this.listeners[type] ||= []).push(listener); }
  scrollIntoView() {}
  focus() { document.activeElement = this; }
  requestSubmit() { submitted.push(this.fire('submit')); }
  all() { return this.children.flatMap(child => [child, ...child.all()]); }
  find(test) { return this.all().find(test); }
  querySelector(tag) { return this.find(element => element.tagName === tag.toUpperCase()); }
  // Runs the listeners here and above, and waits for them.
  async fire(type, more = {}) {
    const event = {type, target: this, preventDefault() {}, ...more};
    for (let element = this; element; element = element.parent) {
      for (const listener of element.listeners[type] || []) await listener(event);
    }
  }
}

const root = new Element('body');
const document = {
  title: '',
  activeElement: root,
  createElement: tag => new Element(tag),
  getElementById: id => root.find(element => element.id === id),
};
for (const id of ['side', 'main']) {
  const element = new Element('div');
  element.setAttribute('id', id);
  root.append(element);
}

function allowed(target) {
  if (new URL(target).origin !== page.origin) throw new TypeError(`the Content-Security-Policy forbids ${target}`);
}

async function fetch(target, options = {}) {
  allowed(target);
  const {answer, text} = await request(String(target), options);
  return {
    ok: answer.statusCode >= 200 && answer.statusCode < 300,
    status: answer.statusCode,
    statusText: answer.statusMessage,
    headers: Object.entries(answer.headers),
    text: async () => text,
    json: async () => JSON.parse(text),
  };
}

// ---- the steps

const visible = () => root.find(element => element.tagName === 'DETAILS' && element.id && element.open);
const labelled = name => {
  const label = visible().find(element => element.tagName === 'LABEL' && element.nodes[0] === name);
  if (!label) throw new Error(`no field ${name}`);
  return document.getElementById(label.getAttribute('for'));
};

const steps = {
  async open(id) {
    const operation = document.getElementById(id);
    operation.open = true;
    await operation.fire('toggle');
  },
  async fill(name, text) {
    labelled(name).value = text;
    await labelled(name).fire('input');
  },
  async example(title) {
    const chooser = visible().querySelector('select');
    chooser.value = chooser.find(element => element.textContent === title).value;
    await chooser.fire('change');
  },
  async body(text) { await steps.fill('body', text); },
  async press(key) { await visible().querySelector('textarea').fire('keydown', {key, ctrlKey: true}); },
  async send() {
    const form = visible().querySelector('form');
    const missing = form.all().filter(element => 'required' in element.attributes && !element.value);
    if (missing.length === 0) await form.fire('submit');
  },
};

function shown() {
  const form = visible().querySelector('form');
  const pres = form.all().filter(element => element.tagName === 'PRE');
  const status = form.find(element => (element.getAttribute('class') || '').startsWith('status'));
  return {
    title: document.title,
    curl: pres[0].textContent,
    canSend: form.all().some(element => element.getAttribute('type') === 'submit'),
    note: (form.find(element => element.getAttribute('class') === 'note') || new Element('p')).textContent,
    failure: (form.find(element => element.getAttribute('class') === 'failure') || new Element('p')).textContent,
    status: status ? status.textContent : '',
    headers: pres.length > 1 ? pres[1].textContent : '',
    answer: pres.length > 2 ? pres[2].textContent : '',
    focus: document.activeElement.tagName,
  };
}

(async () => {
  const {answer, text} = await request(url);
  const policy = answer.headers['content-security-policy'];
  const script = text.match(/<script>([^]*?)<\/script>/)[1];
  const hash = crypto.createHash('sha256').update(script).digest('base64');
  const sources = Object.fromEntries(policy.split(/;\s*/).map(part => [part.split(' ')[0], part.split(' ').slice(1).join(' ')]));
  if (sources['script-src'] !== `'sha256-${hash}'`) throw new Error(`the script is not allowed by ${policy}`);
  if (sources['connect-src'] !== "'self'" || sources['default-src'] !== "'none'") throw new Error(`too much is allowed by ${policy}`);

  const location = {href: page.href, origin: page.origin, hostname: page.hostname, hash: page.hash};
  const listeners = {};
  const context = {
    document, location, fetch, URL, Blob, AbortSignal, setTimeout, performance, console,
    history: {replaceState: (state, title, hash) => { location.hash = hash; }},
    navigator: {}, getSelection: () => ({selectAllChildren() {}}),
    addEventListener: (type, listener) => { listeners[type] = listener; },
  };
  vm.runInNewContext(script, context);
  for (let waits = 0; !root.find(element => element.tagName === 'DETAILS' && element.id); ++waits) {
    if (waits > 500) throw new Error('the page shows no operation: ' + root.textContent.slice(0, 500));
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  for (const [what, ...more] of JSON.parse(fs.readFileSync(0, 'utf-8'))) await steps[what](...more);
  await Promise.all(submitted);
  console.log(JSON.stringify(shown()));
})().catch(error => {
  console.error(error);
  process.exit(1);
});
