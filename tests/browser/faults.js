// The faults of the page as it is shown now, a sentence each. Takes the width of the window in pixels, and whether it is
// paper.
const [width, paper] = arguments;
const faults = new Set();
const short = (text) => JSON.stringify(text.trim().slice(0, 60));
const all = [...document.querySelectorAll("*")];

// what could run or load
if (window.__owned !== undefined) faults.add(`a script of the log ran: ${window.__owned}`);
const barred = "script iframe frame object embed link img picture source video audio track form input button base area " +
  "portal template slot image use animate set foreignObject";
for (const element of all) {
  if (barred.split(" ").includes(element.localName)) faults.add(`there is a <${element.localName}>`);
  if (element.localName === "meta" && element.httpEquiv.toLowerCase() === "refresh") faults.add("there is a refresh");
  for (const { name, value } of element.attributes) {
    if (name.startsWith("on")) faults.add(`<${element.localName}> has ${name}`);
    if (/^(.*:)?(href|src|srcset|srcdoc|action|formaction|data|background|poster|ping)$/.test(name) && !value.startsWith("#"))
      faults.add(`<${element.localName}> has ${name} ${short(value)}`);
    if (name === "href" && value.startsWith("#") && !document.getElementById(value.slice(1)))
      faults.add(`${value} leads nowhere`);
    if (name === "style" && /url\(|expression/i.test(value)) faults.add(`<${element.localName}> has style ${short(value)}`);
  }
}
if ([...document.styleSheets].some((sheet) => /url\(|@import/i.test([...sheet.cssRules].map((rule) => rule.cssText).join())))
  faults.add("the style sheet loads something");

// what sticks out
const title = document.querySelector("h1");
const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
const scroller = (element) => (!element || scrolls(element) ? element : scroller(element.parentElement));
if (document.documentElement.scrollWidth > width)
  faults.add(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${width}`);
for (const cell of document.querySelectorAll("td, th"))
  if (cell.scrollWidth > cell.clientWidth + 1) faults.add(`the text of a cell sticks out of it: ${short(cell.textContent)}`);
if (!title?.textContent.trim()) faults.add("there is no heading");
else {
  window.scrollTo(0, 0);
  const box = title.getBoundingClientRect();
  const top = document.elementFromPoint(box.left + 2, box.top + Math.min(box.height, 20) / 2);
  if (!paper && !(top && title.contains(top))) faults.add("the heading cannot be seen");
}

// what cannot be read
const channel = (n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const colour = (text) => (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
const behind = (element) => {
  const back = element ? colour(getComputedStyle(element).backgroundColor) : [255, 255, 255];
  return element && back[3] === 0 ? behind(element.parentElement) : back;
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const range = document.createRange();
const labels = new Map();
for (let node = texts.nextNode(); node; node = texts.nextNode()) {
  const holder = node.parentElement;
  if (!node.data.trim() || !holder.checkVisibility({ contentVisibilityAuto: true }) || holder.localName === "title") continue;
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  const style = getComputedStyle(holder);
  const drawn = holder.closest("svg");
  const [ink, back] = [light(colour(drawn ? style.fill : style.color)), light(behind(holder))];
  const contrast = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
  if (contrast < 4.5) faults.add(`too little contrast, ${contrast.toFixed(1)}: ${short(node.data)}`);
  if (parseFloat(style.fontSize) < 10 && !paper) faults.add(`${style.fontSize} is too small: ${short(node.data)}`);
  if (drawn) labels.set(drawn, [...(labels.get(drawn) ?? []), { box, text: node.data }]);
  const room = (scroller(holder) ? null : holder.closest(".card"))?.getBoundingClientRect();
  if (room && (box.right > room.right + 1 || box.left < room.left - 1)) faults.add(`cut at the edge: ${short(node.data)}`);
}
for (const drawn of labels.values())
  for (const [place, { box, text }] of drawn.entries())
    for (const other of drawn.slice(place + 1))
      if (
        Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left) > 1 &&
        Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top) > 3
      )
        faults.add(`${short(text)} lies over ${short(other.text)}`);

// paper does not unfold: all but quiet findings and commands to paste must be open
if (paper)
  for (const fold of document.querySelectorAll("details:not(.low *, .info *, .next, [hidden] *)"))
    if (!fold.lastElementChild.checkVisibility({ contentVisibilityAuto: true }) || fold.lastElementChild.getBoundingClientRect().height < 1)
      faults.add(`stays folded on paper: ${short(fold.firstElementChild.textContent)}`);
return [...faults];
