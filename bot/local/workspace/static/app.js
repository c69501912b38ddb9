"use strict";
// The page of the local workspace. All text goes in as text; the only HTML is what the server made safe (message.html).
const byId = (id) => document.getElementById(id);
const state = { me: sessionStorage.getItem("me") || "U0ALICE", channel: null, thread: null, users: new Map(), channels: [], commands: [], shortcuts: [], prompts: [], examples: [], statuses: new Map(), unread: new Set(), bot: null };

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user: state.me, ...body }) };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The workspace does not answer. Nothing was lost; try again.");
  }
  const said = await response.json().catch(() => ({}));
  if (!response.ok || said.error) throw new Error(said.error || `The workspace refused (${response.status}).`);
  return said;
}

const query = (extra = "") => `channel=${encodeURIComponent(state.channel)}&user=${state.me}${extra}`;
const size = (n) => n < 1000 ? `${n} bytes` : n < 1e6 ? `${(n / 1e3).toFixed(1)} KB` : n < 1e9 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(2)} GB`;
const time = (ts) => new Date(parseFloat(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const name = (user) => state.users.get(user)?.real_name || state.users.get(user)?.name || user || "somebody";

async function loadState() {
  const found = await ask(`/page/state?user=${state.me}`);
  for (const user of found.users) state.users.set(user.id, user);
  Object.assign(state, { channels: found.channels, commands: found.commands, shortcuts: found.shortcuts, prompts: found.suggested_prompts || [], examples: found.examples || [] });
  state.bot = found.users.find((u) => u.is_bot && u.id === "U0BOT") || found.users.find((u) => u.is_bot);
  byId("team").textContent = found.team.name;
  byId("presence").textContent = found.bot_online ? "● Workings is here" : "○ Workings is away";
  byId("notice").textContent = found.model_notice || "";
  byId("progress").textContent = found.progress ? `${found.progress[0].toUpperCase()}${found.progress.slice(1)}. What needs them is answered when they are there.` : "";
  byId("progress").hidden = !found.progress;
  const people = found.users.filter((u) => !u.is_bot);
  byId("me").replaceChildren(...people.map((u) => make("option", { value: u.id, textContent: u.real_name || u.name, selected: u.id === state.me })));
  if (!state.channels.some((c) => c.id === state.channel)) state.channel = null;
  state.channel ??= (state.channels.find((c) => c.is_im) || state.channels[0]).id;
  drawChannels();
}

function drawChannels() {
  const draw = (list, ims) => list.replaceChildren(...state.channels.filter((c) => c.is_im === ims).map((c) => {
    const button = make("button", { type: "button", textContent: ims ? name(c.user) : `# ${c.name}`, className: state.unread.has(c.id) ? "unread" : "" });
    if (c.id === state.channel) button.setAttribute("aria-current", "page");
    button.onclick = () => openChannel(c.id);
    return make("li", {}, button);
  }));
  draw(byId("channels"), false);
  draw(byId("directs"), true);
  const here = state.channels.find((c) => c.id === state.channel);
  byId("title").textContent = here.is_im ? name(here.user) : `# ${here.name}`;
  byId("invite").hidden = here.is_member;
  byId("invite").textContent = `Invite @${state.bot?.name || "workings"}`;
  const box = byId("composer").querySelector("textarea");
  if (box) box.placeholder = here.is_im ? `Message ${name(here.user)}` : `Message #${here.name}: mention @${state.bot?.name || "workings"}, or /runpy`;
}

// The address names the channel and the thread, so that a reload and the back button lead there.
const address = () => `#/${state.channel}${state.thread ? `/${state.thread}` : ""}`;
function remember() { if (location.hash !== address()) history.pushState(null, "", address()); }
async function goto(hash) {
  const [, channel, thread] = hash.split("/");
  const known = state.channels.some((c) => c.id === channel);
  show(known ? channel : state.channel, known && /^\d+\.\d+$/.test(thread || "") ? thread : null);
  history.replaceState(null, "", address());
  await drawAll();
}

// Show a channel and, unless null, one of its threads; the address is the caller's.
function show(channel, thread) {
  if (thread !== state.thread || channel !== state.channel) byId("replies").replaceChildren();
  Object.assign(state, { channel, thread });
  state.unread.delete(channel);
  byId("thread").hidden = !thread;
  drawChannels();
}

async function drawAll() {
  byId(state.thread ? "answer" : "composer").querySelector("textarea").focus();
  await Promise.all([drawMessages(), drawThread()]);
}

async function openChannel(id) {
  show(id, null);
  remember();
  await drawAll();
}

async function drawMessages() {
  const channel = state.channel;
  const { messages } = await ask(`/page/messages?${query()}`);
  if (channel !== state.channel) return;
  fill(byId("messages"), messages, false);
  const empty = state.prompts.length && !messages.some((m) => m.user === state.me);
  drawExamples(!messages.some((m) => m.user === state.me));
  byId("chips").replaceChildren(...(empty && !state.examples.length ? state.prompts.map((p) => make("button", { type: "button", textContent: p.title, onclick: () => suggest(p.message) })) : []));
}

function drawExamples(wide) {
  const here = state.channels.find((c) => c.id === state.channel), list = byId("examples");
  list.hidden = !here.is_im || !state.examples.length;
  list.className = wide ? "cards" : "cards small";
  if (list.dataset.count === String(state.examples.length)) return;
  list.dataset.count = state.examples.length;
  list.replaceChildren(...state.examples.map((e, n) => make("button", { type: "button", title: `Sends “${e.text}” with ${e.name}`, onclick: () => sendExample(e, n).catch(tell) },
    make("strong", { textContent: e.title }), make("small", { textContent: `“${e.text}” with ${e.name}` }))));
}

async function sendExample(example, number) {
  const content = await fetch(`/page/examples/${number}`);
  if (!content.ok) throw new Error("The example's file could not be read. Try again.");
  const kept = await fetch(`/page/upload?name=${encodeURIComponent(example.name)}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: await content.blob() });
  const file = await kept.json();
  if (!kept.ok) throw new Error(file.error || "The example's file could not be uploaded. Try again.");
  const sent = await ask("/page/message", { channel: state.channel, text: example.text, file_ids: [file.id] });
  await openThread(sent.ts);
}

function suggest(text) {
  const box = byId("composer").querySelector("textarea");
  const here = state.channels.find((c) => c.id === state.channel);
  box.value = (here.is_im ? "" : `@${state.bot.name} `) + text;
  box.focus();
}

async function drawThread() {
  const thread = state.thread;
  if (!thread) return;
  const { messages } = await ask(`/page/messages?${query(`&thread_ts=${thread}`)}`);
  if (thread !== state.thread) return;
  fill(byId("replies"), messages, true);
  drawStatus();
}

function fill(list, messages, inThread) {
  if (list.querySelector(".editing")) return;  // what is being written is not drawn over
  const follows = !list.childElementCount || list.scrollHeight - list.scrollTop - list.clientHeight < 80 || Math.abs(list.scrollTop - list.dataset.shown) < 2;
  const old = new Map([...list.children].map((e) => [e.dataset.ts, e]));
  const focused = document.activeElement.closest("li.message"), place = list.contains(focused) ? [...focused.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement) : -1;
  const wanted = [];
  let day = "";
  for (const m of together(messages)) {
    const key = JSON.stringify([m.html, m.files, m.actions, m.reply_count, m.edited, m.streaming, m.pictures]);
    const kept = old.get(m.ts), before = day;
    day = dayOf(m.ts);
    if (day !== before) { const divider = old.get(day) || make("li", { className: "day", textContent: day }); divider.dataset.ts = day; wanted.push(divider); }
    wanted.push(kept && kept.dataset.key === key ? kept : drawMessage(m, inThread, key));
  }
  // What stays is not touched, so that it keeps the focus and is not read out again.
  const staying = new Set(wanted);
  for (const child of [...list.children]) if (!staying.has(child)) child.remove();
  wanted.forEach((child, at) => { if (list.children[at] !== child) list.insertBefore(child, list.children[at] || null); });
  if (place >= 0 && !list.contains(focused)) wanted.find((e) => e.dataset.ts === focused.dataset.ts)?.querySelectorAll(FOCUSABLE)[place]?.focus();
  if (!follows) return;
  scrollToNewest(list);
  for (const image of list.querySelectorAll("img")) if (!image.complete) image.addEventListener("load", () => scrollToNewest(list), { once: true });
}

const FOCUSABLE = "a[href], button, img[tabindex]";

// The end of the list, but not past the beginning of the newest answer.
function scrollToNewest(list) {
  const newest = [...list.children].filter((e) => e.querySelector(".context")).pop();
  const later = newest && [...list.children].slice([...list.children].indexOf(newest) + 1).some((e) => (e.dataset.user && e.dataset.user !== newest.dataset.user) || e.querySelector(".actions"));
  list.scrollTop = list.scrollHeight;
  if (newest && !later) list.scrollTop = Math.min(list.scrollTop, newest.offsetTop - list.offsetTop);
  list.dataset.shown = list.scrollTop;
}

// Pictures come as a message of their own; each is shown above the figures of the message that it belongs to: the first
// one that names it (the card of app.log has app.log.png), else the one before.
function together(messages) {
  const shown = [];
  for (const message of messages) {
    const pictures = message.files.filter((f) => f.image_url), stem = pictures[0]?.name.replace(/\.\w+$/, "");
    const open = shown.filter((m) => m.user === message.user && m.html.includes("<pre") && !m.pictures);
    const owner = open.find((m) => m.html.includes(stem)) || (open.includes(shown[shown.length - 1]) ? shown[shown.length - 1] : null);
    if (pictures.length && !message.text && owner) {
      owner.pictures = pictures;
      message.files = message.files.filter((f) => !f.image_url);
      if (!message.files.length) continue;
    }
    shown.push(message);
  }
  return shown;
}

const dayOf = (ts) => {
  const then = new Date(parseFloat(ts) * 1000), days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(then).setHours(0, 0, 0, 0)) / 864e5);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : then.toLocaleDateString([], { weekday: "long", year: "numeric", month: "long", day: "numeric" });
};

function drawMessage(message, inThread, key) {
  const item = make("li", { className: `message${message.ephemeral ? " ephemeral" : ""}` });
  item.dataset.ts = message.ts;
  item.dataset.key = key;
  item.dataset.user = message.user;
  const body = make("div", { className: "body" });
  body.innerHTML = message.html;  // made safe by the server
  for (const code of body.querySelectorAll("pre")) {
    const copy = make("button", { type: "button", className: "copy", textContent: "Copy" });
    copy.onclick = async () => { copy.textContent = await copied(code.textContent) ? "Copied" : "Select and copy"; setTimeout(() => { copy.textContent = "Copy"; }, 2000); };
    const box = make("div", { className: "code" });
    code.replaceWith(box);
    box.append(code, copy);
  }
  if (message.pictures) (body.querySelector(".code") || body).before(make("div", { className: "files" }, ...message.pictures.map(drawFile)));
  item.append(make("div", { className: "by" }, make("strong", { textContent: message.name }), make("time", { textContent: time(message.ts), title: new Date(parseFloat(message.ts) * 1000).toLocaleString() }),
    message.edited && message.user === state.me ? make("span", { className: "mark", textContent: "(edited)" }) : null, message.ephemeral ? make("span", { className: "mark", textContent: "Only visible to you" }) : null), body);
  if (message.files.length) item.append(make("div", { className: "files" }, ...message.files.map(drawFile)));
  if (message.actions.length) item.append(make("div", { className: "actions" }, ...message.actions.map((a) => make("button", { type: "button", className: a.style || "", textContent: a.text, onclick: (e) => {
    e.target.disabled = true;
    ask("/page/action", { channel: state.channel, ts: message.ts, action_id: a.action_id, value: a.value }).catch((error) => { e.target.disabled = false; e.target.title = error.message; });
  } }))));
  if (!inThread && message.reply_count) item.append(make("button", { type: "button", className: "replies", textContent: message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`, onclick: () => openThread(message.ts) }));
  if (!message.ephemeral) item.append(drawMenu(message, inThread));
  return item;
}

async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const box = make("textarea", { value: text });  // a page of another machine has no clipboard
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done;
}

function drawFile(file) {
  const link = make("a", { className: "file", href: file.url, download: file.name }, make("span", { textContent: file.name }), make("small", { textContent: size(file.size) }));
  if (!file.image_url) return link;
  const image = make("img", { src: file.image_url, alt: file.name, title: "Show it larger", tabIndex: 0, role: "button" });
  image.onclick = () => { const large = byId("large"); const shown = large.querySelector("img"); shown.src = file.image_url; shown.alt = file.name; large.showModal(); };
  image.onkeydown = (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); image.onclick(); } };
  return make("div", {}, image, link);
}

function drawMenu(message, inThread) {
  const menu = make("div", { className: "menu" });
  const add = (text, act) => menu.append(make("button", { type: "button", textContent: text, onclick: act }));
  if (!inThread) add("Reply in thread", () => openThread(message.ts));
  if (message.files.length) for (const s of state.shortcuts) add(s.name, () => ask("/page/shortcut", { channel: state.channel, ts: message.ts, callback_id: s.callback_id }).catch(tell));
  if (message.user === state.me) {
    add("Edit", (e) => edit(message, e.target.closest(".message")));
    add("Delete", () => { if (confirm("Delete this message?")) ask("/page/delete", { channel: state.channel, ts: message.ts }).catch(tell); });
  }
  return menu;
}

function edit(message, item) {
  const box = make("textarea", { value: message.text, ariaLabel: "Edit the message", rows: Math.min(12, message.text.split("\n").length + 1) });
  const end = () => { form.remove(); item.querySelector(".body").hidden = false; refresh(); };
  const save = async () => { try { if (box.value.trim() && box.value !== message.text) await ask("/page/edit", { channel: state.channel, ts: message.ts, text: box.value }); end(); } catch (error) { tell(error); } };
  const form = make("div", { className: "editing" }, box, make("button", { type: "button", textContent: "Save", onclick: save }), make("button", { type: "button", textContent: "Cancel", onclick: end }));
  box.onkeydown = (e) => { if (e.key === "Escape") { e.stopPropagation(); end(); } if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); save(); } };
  item.querySelector(".body").hidden = true;
  item.querySelector(".body").after(form);
  box.focus();
}

const tell = (error) => { (state.thread ? byId("answer") : byId("composer")).querySelector(".problem").textContent = error.message; };

async function openThread(ts) {
  show(state.channel, ts);
  remember();
  await drawAll();
}

function closeThread() {
  const from = [...byId("messages").children].find((e) => e.dataset.ts === state.thread);
  show(state.channel, null);
  remember();
  (from?.querySelector(".replies") || byId("composer").querySelector("textarea")).focus();
}

function drawStatus() {
  const text = state.statuses.get(`${state.channel}:${state.thread}`) || "";
  byId("working").hidden = !text;
  byId("doing").textContent = text ? `${state.bot?.name || "workings"} ${text}` : "";
}

function compose(form, inThread) {
  form.append(byId("composer-parts").content.cloneNode(true));
  const box = form.querySelector("textarea"), staged = form.querySelector(".staged"), problem = form.querySelector(".problem"), hints = form.querySelector(".hints");
  if (inThread) box.placeholder = "Reply in the thread";
  const pane = form.closest(".pane"), input = form.querySelector("input[type=file]");
  let files = [], chosen = 0;
  const draw = () => staged.replaceChildren(...files.map((f) => make("li", {}, `${f.name} ${f.problem || (f.id ? size(f.size) : `${f.done || 0} %`)}`, make("button", { type: "button", textContent: "×", ariaLabel: `Remove ${f.name}`, onclick: () => { files = files.filter((o) => o !== f); draw(); } }))));
  const take = (list) => { for (const file of list) upload({ name: file.name || "pasted.txt", size: file.size, file }); };
  const upload = (entry) => {
    files.push(entry);
    entry.ready = new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", `/page/upload?name=${encodeURIComponent(entry.name)}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = (e) => { entry.done = Math.floor(100 * e.loaded / e.total); draw(); };
      request.onloadend = () => {
        let said = {};
        try { said = JSON.parse(request.responseText); } catch { said = {}; }
        if (request.status === 200 && said.id) entry.id = said.id; else entry.problem = said.error || "could not be uploaded";
        draw(); resolve();
      };
      request.send(entry.file);
    });
    draw();
  };
  input.onchange = () => { take(input.files); input.value = ""; };
  form.querySelector(".attach").onkeydown = (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); input.click(); } };
  box.onpaste = (e) => { if (e.clipboardData.files.length) { e.preventDefault(); take(e.clipboardData.files); } };
  pane.addEventListener("dragover", (e) => { e.preventDefault(); pane.classList.add("drop"); });
  pane.addEventListener("dragleave", (e) => { if (!pane.contains(e.relatedTarget)) pane.classList.remove("drop"); });
  pane.addEventListener("drop", (e) => { e.preventDefault(); pane.classList.remove("drop"); take(e.dataTransfer.files); });

  const options = () => {
    const word = box.value.slice(0, box.selectionStart).match(/(^\/\w*|(?:^|\s)@\w*)$/)?.[0].trim();
    if (word === undefined) return [];
    if (word.startsWith("/") && !inThread) return state.commands.filter((c) => c.command.startsWith(word)).map((c) => ({ put: `${c.command} `, word, text: c.command, more: `${c.usage_hint || ""} ${c.description || ""}` }));
    if (word.startsWith("@")) return [...state.users.values()].filter((u) => `@${u.name}`.startsWith(word)).slice(0, 6).map((u) => ({ put: `@${u.name} `, word, text: `@${u.name}`, more: u.real_name || "" }));
    return [];
  };
  const hint = () => {
    const found = options();
    chosen = Math.min(chosen, Math.max(0, found.length - 1));
    hints.hidden = !found.length;
    hints.replaceChildren(...found.map((o, n) => { const li = make("li", { role: "option", onmousedown: (e) => { e.preventDefault(); put(o); } }, o.text, make("small", { textContent: o.more })); li.setAttribute("aria-selected", n === chosen); return li; }));
    return found;
  };
  const put = (option) => { const at = box.selectionStart, before = box.value.slice(0, at - option.word.length) + option.put; box.value = before + box.value.slice(at); box.selectionStart = box.selectionEnd = before.length; hint(); };
  box.oninput = () => { problem.textContent = ""; hint(); };
  box.onblur = () => { hints.hidden = true; };
  box.onkeydown = (e) => {
    const found = hints.hidden ? [] : options();
    if (found.length && (e.key === "ArrowDown" || e.key === "ArrowUp")) { e.preventDefault(); chosen = (chosen + (e.key === "ArrowDown" ? 1 : found.length - 1)) % found.length; hint(); return; }
    if (found.length && (e.key === "Tab" || (e.key === "Enter" && found[chosen].text !== found[chosen].word))) { e.preventDefault(); put(found[chosen]); return; }
    if (e.key === "Escape" && found.length) { e.stopPropagation(); hints.hidden = true; return; }
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); form.requestSubmit(); }
  };
  let sending = false;
  form.onsubmit = async (e) => {
    e.preventDefault();
    const text = box.value.trim();
    if (sending || (!text && !files.length)) return;
    sending = true;
    problem.textContent = "";
    try {
      await Promise.all(files.map((f) => f.ready));
      const bad = files.find((f) => f.problem);
      if (bad) throw new Error(`${bad.name}: ${bad.problem}. Remove it, or try again.`);
      const here = state.channels.find((c) => c.id === state.channel), command = inThread ? null : text.match(/^(\/\w+)(?:\s+([\s\S]*))?$/);
      if (command && !(files.length && command[1] === "/runpy")) {
        if (!state.commands.some((c) => c.command === command[1])) throw new Error(`${command[1]} is not a command here.`);
        await ask("/page/command", { channel: state.channel, command: command[1], text: command[2] || "" });
      } else {
        // A file cannot go with a slash command: the two go as a message to the bot, which takes it as the command.
        const body = { channel: state.channel, text: command && !here.is_im ? `@${state.bot.name} ${text}` : text, file_ids: files.map((f) => f.id) };
        if (inThread) body.thread_ts = state.thread;
        const sent = await ask("/page/message", body);
        if (!inThread && here.is_member && (here.is_im || (state.bot && body.text.includes(`@${state.bot.name}`)))) await openThread(sent.ts);
      }
      box.value = "";
      files = [];
      draw();
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      sending = false;
    }
  };
}

let later = null;
function refresh() {  // many events come together: one look at the end of them
  later ??= setTimeout(() => { later = null; Promise.all([drawMessages(), drawThread()]).catch(() => {}); }, 60);
}

function listen() {
  const events = new EventSource(`/page/events?user=${state.me}`);
  events.onopen = () => { byId("away").hidden = true; loadState().then(refresh).catch(() => {}); };
  events.onerror = () => { byId("away").hidden = false; };
  events.onmessage = (e) => {
    const event = JSON.parse(e.data);
    if (event.type === "state") { loadState().then(refresh).catch(() => {}); return; }
    if (event.type === "status") { const key = `${event.channel}:${event.thread_ts}`; if (event.text) state.statuses.set(key, event.text); else state.statuses.delete(key); drawStatus(); return; }
    if (event.channel === state.channel) refresh(); else if (event.type === "message") { state.unread.add(event.channel); drawChannels(); }
  };
  return events;
}

async function start() {
  compose(byId("composer"), false);
  compose(byId("answer"), true);
  byId("close").onclick = closeThread;
  byId("stop").onclick = () => ask("/page/stop", { channel: state.channel, thread_ts: state.thread }).catch(tell);
  byId("large").onclick = () => byId("large").close();
  byId("invite").onclick = () => ask("/page/command", { channel: state.channel, command: "/invite", text: `@${state.bot.name}` }).then(loadState).catch(tell);
  document.addEventListener("keydown", (e) => { if (e.key === "Escape" && state.thread && !byId("large").open) closeThread(); });
  await loadState();
  window.addEventListener("popstate", () => { if (location.hash !== address()) goto(location.hash).catch(tell); });
  await goto(location.hash);
  let events = listen();
  byId("me").onchange = async () => { state.me = byId("me").value; sessionStorage.setItem("me", state.me); events.close(); state.channel = null; state.thread = null; await loadState(); await openChannel(state.channel); events = listen(); };
}
start().catch((error) => { byId("away").textContent = error.message; byId("away").hidden = false; });
