"use strict";
// Two things: pictures that answer to a pointer in place of still ones, and the what-if.  Formulas are trees of data
// that this walks; nothing is ever compiled from text.
(() => {
  const read = (id) => { const found = document.getElementById(id); return found && JSON.parse(found.textContent); };
  for (const figure of window.vegaEmbed ? document.querySelectorAll("figure[data-chart]") : []) {
    const live = figure.querySelector(".live");
    figure.classList.add("is-live");  // before it is drawn, so that there is a width to draw it in
    vegaEmbed(live, read(figure.dataset.chart), {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true },
    }).catch((fault) => { figure.classList.remove("is-live"); console.error(fault); });
  }

  const data = read("what-if");
  if (!data) return;
  const softplus = (d) => Math.max(d, 0) + Math.log1p(Math.exp(-Math.abs(d)));
  const WORDS = {
    "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "**": Math.pow,
    neg: (a) => -a, exp: Math.exp, expm1: Math.expm1, log: Math.log, log1p: Math.log1p, log2: Math.log2,
    log10: Math.log10, sqrt: Math.sqrt, sigmoid: (a) => Math.exp(-softplus(-a)),
    logit: (a) => Math.log(a) - Math.log1p(-a), softplus, logaddexp: (a, b) => b + softplus(a - b),
    minimum: Math.min, maximum: Math.max, step: (a) => (a > 0 ? 1 : a < 0 ? 0 : 0.5),
  };
  const LINKS = { identity: [(a) => a, (a) => a], log: [Math.log, Math.exp], logit: [WORDS.logit, WORDS.sigmoid] };
  // The value of a tree: a number, or an array with one for each draw.
  const value = (tree, names) => {
    if (typeof tree === "number") return tree;
    if (typeof tree === "string") return names[tree];
    const word = WORDS[tree[0]], args = tree.slice(1).map((each) => value(each, names));
    const drawn = args.find((each) => typeof each !== "number");
    if (drawn === undefined) return word(...args);
    const [a, b] = args.map((each) => (typeof each === "number" ? () => each : (i) => each[i]));
    return Float64Array.from(drawn, b ? (_, i) => word(a(i), b(i)) : (_, i) => word(a(i)));
  };
  const unpack = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  for (const law of data.laws) {
    for (const name in law.draws) law.draws[name] = law.draws[name].map(unpack);
    if (law.drift) law.drift.slopes = unpack(law.drift.slopes);
  }
  // The distance beyond the runs in e-folds: along compute, and in the quantity that is farthest outside.
  const distances = (far, at) => {
    let N = at[far.n_params], D = at[far.n_tokens], C = N && D ? 6 * N * D : at[far.flops], along = 1;
    if (far.C && C) along = C / far.C;
    else if (far.measure === "factor") along = at[far.only] / far.ends[1];
    else if (far.measure === "loss") along = at[far.only] > 0 ? far.ends[0] / at[far.only] : 1;
    along = Math.log(Math.max(along, 1));
    if (N && !D) D = C / (6 * N); else if (D && !N) N = C / (6 * D);
    if (!far.N || !N || !D) return [along, along];
    N = Math.max(N, far.N[0]); D = Math.max(D, far.D[0]);
    const off = far.off * Math.log(Math.max(D / N / far.ratio[1], far.ratio[0] / (D / N)));
    return [along, Math.max(along, off, Math.log(N / far.N[1]), Math.log(D / far.D[1]))];
  };
  const outcomes = (law, at, family) => {
    const names = { ...law.known, ...at };
    for (const [name, tree] of law.computed) if (!(name in at)) names[name] = value(tree, names);
    const inputs = { ...names }, luck = law.draws.luck[family] || law.draws.luck[0];
    for (const name in law.draws) names[name] = law.draws[name][family] || law.draws[name][0];
    for (const [name, tree] of law.terms) names[name] = value(tree, names);
    const [link, unlink] = LINKS[law.link], mean = value(law.formula, names);
    let shift = () => 0;
    if (law.drift) {
      const { slopes, direction, power, middle, far } = law.drift, [along, farthest] = distances(far, inputs);
      const whole = power === 1 ? farthest : middle * Math.pow(farthest / middle, power);
      shift = (i) => slopes[i] * along + (slopes[i] - direction) * (whole - along);
    }
    names.mean = Float64Array.from(luck, (_, i) => unlink(link(mean[i] ?? mean) + shift(i)));
    const scale = value(law.scale, names);
    return Float64Array.from(luck, (z, i) => unlink(link(names.mean[i]) + (scale[i] ?? scale) * z));
  };
  const quantile = (sorted, p) => {
    const at = p * (sorted.length - 1), low = Math.floor(at), high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
  };
  const answer = (at, family, target) => {
    const drawn = data.laws.map((law) => Array.from(outcomes(law, at, family))).flat();
    const missed = drawn.filter((y) => (data.side === "above" ? y > target : y < target)).length / drawn.length;
    const sorted = Float64Array.from(drawn).sort(), tail = (1 - data.level) / 2;
    return { chance: missed, median: quantile(sorted, 0.5), lower: quantile(sorted, tail), upper: quantile(sorted, 1 - tail) };
  };
  window.bayeslawAnswer = answer;  // for those who check the page

  const form = document.getElementById("what-if-form"), out = document.getElementById("what-if-answer");
  const SIZES = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };
  const number = (text) => {
    const found = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([KMBT]?)\s*$/i.exec(text);
    return found ? Number(found[1]) * (SIZES[found[2].toUpperCase()] || 1) : NaN;
  };
  const short = (v) => {
    const letter = Math.abs(v) < 1e15 && Object.keys(SIZES).reverse().find((key) => Math.abs(v) >= SIZES[key]);
    return letter ? `${Number((v / SIZES[letter]).toPrecision(3))}${letter}` : `${Number(v.toPrecision(3))}`;
  };
  const slider = (one) => form.elements[`slide-${one.name}`], box = (one) => form.elements[`input-${one.name}`];
  const scale = (one, v) => (one.log ? Math.log(v) : v), back = (one, v) => (one.log ? Math.exp(v) : v);
  const place = (one, v) => 1000 * (scale(one, v) - scale(one, one.low)) / (scale(one, one.high) - scale(one, one.low));
  const update = () => {
    const at = Object.fromEntries(data.inputs.map((one) => [one.name, one.now ?? one.value]));
    const target = number(form.elements.target.value), family = Number(form.elements.family?.value ?? 0);
    const wrong = data.inputs.find((one) => !(at[one.name] >= one.low && at[one.name] <= one.high));
    if (wrong || Number.isNaN(target)) {
      out.textContent = wrong ? `${wrong.name} from ${short(wrong.low)} to ${short(wrong.high)}, such as ${short(wrong.value)}.`
        : "The target is a number.";
      return;
    }
    const found = answer(at, family, target), width = found.upper - found.lower;
    const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(width)))), show = (v) => (Math.abs(v) >= 1e4 ? short(v) : v.toFixed(digits));
    const percent = found.chance <= 0.005 ? "less than 1 %" : found.chance >= 0.995 ? "more than 99 %" : `${(100 * found.chance).toFixed(1)} %`;
    form.elements.chance.value = found.chance;
    document.getElementById("what-if-chance").textContent = percent;
    out.textContent = `that it ends ${data.side} ${form.elements.target.value.trim()}: ${show(found.median)} [${show(found.lower)}, ${show(found.upper)}].`;
  };
  for (const one of data.inputs) {
    box(one).value = short(one.value);
    slider(one).value = place(one, one.value);
    slider(one).addEventListener("input", () => {
      one.now = back(one, scale(one, one.low) + (slider(one).value / 1000) * (scale(one, one.high) - scale(one, one.low)));
      box(one).value = short(one.now);
      one.now = number(box(one).value);
      update();
    });
    box(one).addEventListener("input", () => { one.now = number(box(one).value); slider(one).value = place(one, one.now); update(); });
  }
  form.elements.target.addEventListener("input", update);
  form.elements.family?.addEventListener("change", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { for (const one of data.inputs) { delete one.now; box(one).value = short(one.value); slider(one).value = place(one, one.value); } update(); }));
  form.hidden = false;
  update();
})();
