"use strict";

// Sliders: an output over its input, divided where a range input says.

const sliderParts = document.getElementById("slider").content;

function addSlider(frame) {
  frame.append(sliderParts.cloneNode(true));
  return frame.querySelector("input");
}

function divide(frame, range, share) {
  range.value = share;
  frame.style.setProperty("--at", `${share}%`);
  frame.classList.toggle("divided", share > 0);
  range.setAttribute("aria-valuetext", `${Math.round(share)} % input`);
}

// The input's image is added when it is first needed, because most never are.
function layOver(frame, input) {
  if (frame.querySelector(".before")) return;
  const before = input.cloneNode();
  before.className = `before ${input.className}`;
  before.alt = "";
  before.loading = "eager";
  frame.prepend(before);
}

function makeDivisible(figure) {
  const frame = figure.querySelector(".frame");
  const input = figure.closest("tr").querySelector("th img");
  const range = addSlider(frame);
  range.setAttribute("aria-label", `Input over ${figure.dataset.label} of ${figure.dataset.input}`);
  const set = (share) => {
    layOver(frame, input);
    divide(frame, range, share);
  };
  range.addEventListener("input", () => set(Number(range.value)));
  return set;
}

const figures = [...document.querySelectorAll("figure.made")];
const setters = figures.map(makeDivisible);
const all = document.getElementById("all");
all.addEventListener("input", () => setters.forEach((set) => set(Number(all.value))));

// The large view.

const large = document.getElementById("large");
const largeFrame = large.querySelector(".frame");
const largeRange = addSlider(largeFrame);
let current = 0;

largeRange.autofocus = true;
largeRange.addEventListener("input", () => divide(largeFrame, largeRange, Number(largeRange.value)));

function show(index) {
  current = (index + figures.length) % figures.length;
  const figure = figures[current];
  const { label, input } = figure.dataset;
  const output = figure.querySelector(".output").cloneNode();
  output.loading = "eager";
  largeFrame.querySelectorAll("img").forEach((image) => image.remove());
  largeFrame.prepend(output);
  layOver(largeFrame, figure.closest("tr").querySelector("th img"));
  largeFrame.style.setProperty("--width", output.getAttribute("width"));
  largeFrame.style.setProperty("--height", output.getAttribute("height"));
  largeRange.setAttribute("aria-label", `Input over ${label} of ${input}`);
  document.getElementById("large-title").textContent = `${label} of ${input}`;
  document.getElementById("large-label").textContent = label;
  const numbers = figure.querySelector("dl")?.cloneNode(true).children ?? [];
  large.querySelector("dl").replaceChildren(...numbers);
}

function open(index) {
  show(index);
  divide(largeFrame, largeRange, 50);
  large.showModal();
}

const openers = figures.map((figure, index) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "open";
  button.setAttribute("aria-label", `Enlarge ${figure.dataset.label} of ${figure.dataset.input}`);
  button.addEventListener("click", () => open(index));
  figure.querySelector(".output").after(button);
  return button;
});

document.getElementById("previous").addEventListener("click", () => show(current - 1));
document.getElementById("next").addEventListener("click", () => show(current + 1));
document.getElementById("close").addEventListener("click", () => large.close());
large.addEventListener("close", () => openers[current].focus());

// Tables that sort by a column: the better first, at the next click the worse; rows without a number stay last.

const opposite = { ascending: "descending", descending: "ascending" };

function compare(one, other, numeric) {
  if (!numeric) return one.textContent.localeCompare(other.textContent, "en", { numeric: true });
  return Number(one.dataset.key) - Number(other.dataset.key);
}

function sort(table, heading, rows) {
  const column = heading.cellIndex;
  const numeric = heading.classList.contains("number");
  const { first } = heading.dataset;
  const direction = heading.getAttribute("aria-sort") === first ? opposite[first] : first;
  const sign = direction === "ascending" ? 1 : -1;
  const absent = (row) => numeric && !("key" in row.cells[column].dataset);
  const sorted = rows.toSorted(
    (one, other) =>
      absent(one) - absent(other) ||
      (absent(one) ? 0 : sign * compare(one.cells[column], other.cells[column], numeric)),
  );
  table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", direction);
  table.tBodies[0].append(...sorted);
}

function makeSortable(table) {
  const rows = [...table.tBodies[0].rows];
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(table, heading, rows));
    heading.append(button);
  }
}

document.querySelectorAll("table.sortable").forEach(makeSortable);

document.documentElement.classList.add("lively");
document.querySelectorAll(".scripted").forEach((element) => element.removeAttribute("hidden"));
