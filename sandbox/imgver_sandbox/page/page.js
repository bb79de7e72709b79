// Draws the events of the sandbox. Only changed nodes are updated. Strings are set as text, never as markup.

const SHOWN_CALLS = 100;
const MAX_CALLS = 1000; // as many as the sandbox records
const LOWERED_MS = 10_000; // the longest time between the removal of an alias and its move to another version
const RETRY_MS = 2000;
const RESTARTED =
  "The sandbox does not respond. If it was started again, open the address that `imgver-sandbox status` shows.";

const $ = (selector, parent = document) => parent.querySelector(selector);
const templates = Object.fromEntries(
  [...document.querySelectorAll("template")].map((each) => [each.id, each.content.firstElementChild]),
);

let calls = []; // the latest first
let quiet = true; // the first event of each kind is not announced

// Drawing

function setText(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

function setTime(node, at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  node.dateTime = date.toISOString();
  setText(node, today ? date.toLocaleTimeString() : date.toLocaleString());
}

function tone(status) {
  if (/FAILED$/i.test(status) || status.includes("ROLLBACK")) return "bad";
  return /ING$|IN_PROGRESS$/i.test(status) ? "busy" : "good";
}

function setTone(node, status) {
  for (const each of ["good", "busy", "bad"]) node.classList.toggle(each, each === tone(status));
}

function setStatus(node, value) {
  setTone(node, value);
  setText(node, value);
}

/** Give `parent` one child for each item, in their order. Existing children keep the state that the user set. */
function list(parent, items, template, key, draw) {
  const wanted = new Map(items.map((item) => [String(key(item)), item]));
  for (const node of [...parent.children]) if (!wanted.has(node.dataset.key)) node.remove();
  const existing = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let next = parent.firstElementChild;
  for (const [name, item] of wanted) {
    const node = existing.get(name) ?? template.cloneNode(true);
    node.dataset.key = name;
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
    draw(node, item);
  }
}

function news(sentence) {
  if (!quiet) setText($("#news"), `${new Date().toLocaleTimeString()} ${sentence}`);
}

/** Announce the status of the item that `node` shows, if the status changed. */
function announce(node, value, subject) {
  if (node.dataset.status !== value) news(`${subject} is ${value}`);
  node.dataset.status = value;
}

// Images

const digest = (image) => image?.split("@sha256:")[1];
const tagged = (uri) => uri.replace(/^[^/]+\.dkr\.ecr\.[^/]+\//, "");

function drawImages(images) {
  $("#images .empty").hidden = images.length > 0;
  list($("#images .list"), images, templates.image, (image) => image.arn, drawImage);
  offer(images);
}

function drawImage(node, image) {
  const [, , , region, account] = image.arn.split(":");
  setText($("h3", node), image.name);
  setText($(".where", node), `${account} ${region}`);
  announce(node, image.status, `image ${image.name}`);
  setStatus($("header .status", node), image.status);
  setText($(".reason", node), image.failure_reason ?? "");
  $("button", node).ariaLabel = `Calls to ${image.name}`;
  press(node);
  $(".none", node).hidden = image.versions.length > 0;
  setText($(".more", node), image.more ? `and ${image.more} older versions` : "");
  list($(".versions", node), image.versions, templates.version, (version) => version.number, (child, version) =>
    drawVersion(child, version, image),
  );
  drawFlags(node, image);
}

function drawVersion(node, version, image) {
  const short = digest(version.container_image)?.slice(0, 12);
  announce(node, version.status, `version ${version.number} of ${image.name}`);
  setTone(node, version.status);
  node.value = version.number;
  setText($(".number", node), String(version.number));
  setStatus($(".status", node), version.status);
  $(".in-use", node).hidden = !version.in_use;
  setText($(".in-use", node), version.used_by.length ? `in use by ${version.used_by.join(", ")}` : "in use");
  setTime($("time", node), version.created_at * 1000);
  setText($(".reason", node), version.failure_reason ?? "");
  setText($(".digest", node), short ?? "no digest");
  setText($(".base", node), tagged(version.base_image));
  drawFacts($("dl", node), {
    BaseImage: version.base_image,
    ContainerImage: version.container_image,
    ...version.metadata,
    CreationTime: new Date(version.created_at * 1000).toLocaleString(),
    LastModifiedTime: new Date(version.modified_at * 1000).toLocaleString(),
  });
}

function drawFacts(node, facts) {
  const pairs = Object.entries(facts).filter(([, value]) => value !== null);
  const wanted = JSON.stringify(pairs);
  if (node.dataset.facts === wanted) return;
  node.dataset.facts = wanted;
  node.replaceChildren(
    ...pairs.flatMap(([name, value]) => {
      const [term, description] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      description.textContent = String(value);
      return [term, description];
    }),
  );
}

/** Each alias has one flag, which moves to the version that has the alias now. */
function drawFlags(node, image) {
  const left = new Map([...node.querySelectorAll(".flags > li")].map((flag) => [flag.dataset.key, flag]));
  const poles = new Map([...$(".versions", node).children].map((child) => [child.dataset.key, $(".flags", child)]));
  for (const version of image.versions) {
    for (const alias of version.aliases) {
      const pole = poles.get(String(version.number));
      const flag = left.get(alias) ?? newFlag(alias);
      left.delete(alias);
      raise(flag);
      if (flag.parentElement === pole) continue;
      move(flag, pole);
      news(`alias ${alias} of ${image.name} is at version ${version.number}`);
    }
  }
  for (const flag of left.values()) lower(flag);
}

function newFlag(alias) {
  const flag = document.createElement("li");
  flag.dataset.key = alias;
  flag.textContent = alias;
  return flag;
}

function move(flag, pole) {
  const from = flag.isConnected && flag.getBoundingClientRect();
  pole.append(flag);
  if (!from) return;
  const to = flag.getBoundingClientRect();
  flag.style.transition = "none";
  flag.style.transform = `translate(${from.x - to.x}px, ${from.y - to.y}px)`;
  flag.getBoundingClientRect(); // draws the flag at its old position; the style sheet then animates the move
  flag.style.transition = flag.style.transform = "";
}

/** An alias is removed from one version before another version gets it. In between, its flag is shown lowered. */
function lower(flag) {
  if (flag.classList.contains("lowered")) return;
  flag.classList.add("lowered");
  flag.ariaHidden = "true";
  flag.timer = setTimeout(() => flag.remove(), LOWERED_MS);
}

function raise(flag) {
  clearTimeout(flag.timer);
  flag.classList.remove("lowered");
  flag.ariaHidden = null;
}

// Studio

function drawDomains(domains) {
  $("#studio").hidden = domains.length === 0;
  list($("#studio .list"), domains, templates.domain, (domain) => domain.arn, drawDomain);
}

function drawDomain(node, domain) {
  const [, , , region, account, resource] = domain.arn.split(":");
  setText($("h3", node), domain.name);
  setText($(".where", node), `${resource.split("/")[1]} ${account} ${region}`);
  announce(node, domain.status, `domain ${domain.name}`);
  setStatus($("header .status", node), domain.status);
  setText($(".reason", node), domain.failure_reason ?? "");
  const button = $("button", node);
  button.ariaPressed = String(domain.fault !== null);
  button.dataset.fault = domain.fault ?? "";
  drawOffers($(".offers", node), domain.offers);
  $(".none", node).hidden = domain.members.length > 0;
  list($(".members", node), domain.members, templates.member, (member) => member.arn, drawMember);
}

function drawMember(node, member) {
  announce(node, member.status, `${member.kind} ${member.name}`);
  setText($(".name", node), member.name);
  setText($(".where", node), member.kind);
  setStatus($(".status", node), member.status);
  setText($(".reason", node), member.failure_reason ?? "");
  drawOffers($(".offers", node), member.offers);
  list($(".apps", node), member.apps, templates.app, (app) => app.arn, drawApp);
}

function drawApp(node, app) {
  announce(node, app.status, `app ${app.name}`);
  setText($(".name", node), app.name);
  setStatus($(".status", node), app.status);
  setText($(".version", node), app.version && `on ${app.version}`);
  setText($(".reason", node), app.failure_reason ?? "");
}

function drawOffers(node, offers) {
  list(node, offers, templates.offer, (offer) => offer, setText);
}

/** The button of a domain adds or removes the fault that lets an app run in it. */
$("#studio").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const fault = button.dataset.fault;
  const domain = button.closest("article").dataset.key.split("/")[1];
  fetch(fault ? `faults?${new URLSearchParams({ id: fault })}` : "faults", {
    method: fault ? "DELETE" : "POST",
    headers: { "X-Amz-Security-Token": location.hash.slice(1) },
    body: fault ? undefined : JSON.stringify({ kind: "in-service", domain }),
  });
});

// Deployments

function drawDeployments(deployments) {
  $("#deployments .empty").hidden = deployments.length > 0;
  list($("#deployments .list"), deployments, templates.deployment, (each) => each.arn, drawDeployment);
}

function drawDeployment(node, deployment) {
  // Opens and closes when the status changes; in between, the user decides.
  if (node.dataset.status !== deployment.status) $("details", node).open = tone(deployment.status) !== "good";
  announce(node, deployment.status, `stack ${deployment.name}`);
  setText($(".name", node), deployment.name);
  setStatus($("summary .status", node), deployment.status);
  setTime($("summary time", node), deployment.at);
  setText($("details > .reason", node), deployment.reason);
  list($(".events", node), deployment.events, templates.event, (event) => event.id, drawEvent);
}

function drawEvent(node, event) {
  setTime($("time", node), event.at);
  setStatus($(".status", node), event.status);
  setText($(".resource", node), event.path || event.logical_id);
  $(".resource", node).title = `${event.logical_id}, ${event.resource_type}`;
  setText($(".reason", node), event.reason);
  setTone($(".reason", node), event.status);
}

// Calls

const decisions = { allowed: "allowed", implicitDeny: "denied", explicitDeny: "explicitly denied" };
const filter = $("#filter");

function drawCalls() {
  const wanted = calls.filter(matches).slice(0, SHOWN_CALLS);
  setText($("#calls .empty"), calls.length ? "No such call." : "No call yet.");
  $("#calls .empty").hidden = wanted.length > 0;
  $("#calls table").hidden = wanted.length === 0;
  list($("#calls .list"), wanted, templates.call, (call) => call.number, drawCall);
}

function drawCall(node, call) {
  const [service, ...action] = call.action.split(":");
  const denied = call.decision !== null && call.decision !== "allowed";
  setTime($("time", node), call.at * 1000);
  setText($(".operation small", node), `${service}:`);
  setText($(".operation span", node), action.join(":"));
  setText($(".resource", node), inArn(call.resource).replace(UNIQUE, ""));
  $(".resource", node).title = call.resource;
  setText($(".caller", node), caller(call.caller));
  $(".caller", node).title = call.caller;
  setText($(".decision", node), decisions[call.decision] ?? "not evaluated");
  $(".decision", node).classList.toggle("bad", denied);
  setText($(".took", node), call.milliseconds === null ? "" : took(call.milliseconds));
  setText($(".error", node), call.error ?? "");
}

const UNIQUE = /\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/; // the suffix that CloudFormation adds to the name of a stack
const inArn = (arn) => arn.split(":").slice(5).join(":");
const took = (milliseconds) => (milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`);

/** The name of a user or role, or `root` for the root user. */
function caller(arn) {
  const [kind, ...names] = inArn(arn).split("/");
  return kind === "assumed-role" ? names[0] : names.at(-1) ?? (kind || arn);
}

function matches(call) {
  const wanted = filter.value;
  if (wanted === "failed") return call.error !== null || (call.decision ?? "allowed") !== "allowed";
  if (!wanted.startsWith("arn:")) return call.action.startsWith(wanted);
  const [image, named] = [wanted, call.resource].map((arn) => arn.split(":").slice(3).join(":"));
  return named === image || named.startsWith(`${image.replace(":image/", ":image-version/")}/`);
}

/** Offer each image as a filter, and keep the selected one after its image is deleted. */
function offer(images) {
  const names = new Map(images.map((image) => [image.arn, image.name]));
  for (const option of [...filter.options]) {
    if (!option.value.startsWith("arn:")) continue;
    if (!names.delete(option.value) && !option.selected) option.remove();
  }
  for (const [arn, name] of names) filter.add(new Option(name, arn));
}

function choose(value) {
  filter.value = value;
  for (const image of document.querySelectorAll("#images article")) press(image);
  drawCalls();
}

function press(image) {
  $("button", image).ariaPressed = String(image.dataset.key === filter.value);
}

filter.addEventListener("change", () => choose(filter.value));
$("#images").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const arn = button.closest("article").dataset.key;
  choose(filter.value === arn ? "" : arn);
});

// Events

function listen() {
  const token = location.hash.slice(1);
  const source = new EventSource(`events?${new URLSearchParams({ "X-Amz-Security-Token": token })}`);
  const received = new Set();

  function on(name, draw) {
    source.addEventListener(name, (event) => {
      quiet = !received.has(name);
      received.add(name);
      draw(JSON.parse(event.data), quiet);
    });
  }

  on("images", drawImages);
  on("domains", drawDomains);
  on("deployments", drawDeployments);
  on("calls", (added, all) => {
    calls = [...added.reverse(), ...(all ? [] : calls)].slice(0, MAX_CALLS);
    drawCalls();
  });
  source.addEventListener("open", () => {
    received.clear();
    connected(true);
  });
  source.addEventListener("error", () => {
    connected(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS); // else the browser connects again
  });
}

function connected(live) {
  setText($("#connection"), live ? "live" : RESTARTED);
  $("#connection").classList.toggle("live", live);
}

addEventListener("hashchange", () => location.reload()); // the token of another sandbox
listen();
