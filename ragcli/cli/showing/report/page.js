"use strict";
// The map and its list: typing narrows both, the arrow keys walk through the list, pointing shows which file a dot is.
const search = document.getElementById("search");
const list = document.getElementById("files");
const count = document.getElementById("count");
const items = Array.from(list.children);
const dots = items.map((item) => document.getElementById(item.dataset.dot));
const texts = items.map((item) => item.textContent.toLowerCase());
let chosen = -1;

function choose(number) {
  if (chosen >= 0) {
    items[chosen].setAttribute("aria-selected", "false");
    dots[chosen].classList.remove("on");
  }
  chosen = number;
  if (number < 0) {
    list.removeAttribute("aria-activedescendant");
    return;
  }
  items[number].setAttribute("aria-selected", "true");
  items[number].scrollIntoView({ block: "nearest" });
  list.setAttribute("aria-activedescendant", items[number].id);
  dots[number].classList.add("on");
  dots[number].parentNode.appendChild(dots[number]);
}

function narrow() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  items.forEach((item, number) => {
    const fits = words.every((word) => texts[number].includes(word));
    item.hidden = !fits;
    dots[number].classList.toggle("off", !fits);
    shown += fits ? 1 : 0;
  });
  if (chosen >= 0 && items[chosen].hidden) choose(-1);
  count.textContent = shown === items.length ? `${shown} files` : `${shown} of ${items.length} files`;
}

function step(by) {
  let next = chosen;
  do next += by; while (next >= 0 && next < items.length && items[next].hidden);
  if (next >= 0 && next < items.length) choose(next);
}

search.addEventListener("input", narrow);
for (const place of [search, list]) {
  place.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Escape") { search.value = ""; narrow(); choose(-1); }
    else return;
    event.preventDefault();
  });
}
list.addEventListener("click", (event) => {
  const item = event.target.closest("li");
  if (item) choose(items.indexOf(item));
});
dots.forEach((dot, number) => dot.addEventListener("mouseenter", () => choose(number)));
narrow();
