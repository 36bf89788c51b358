// The page works without this script. With it, parts keep themselves up to date.
"use strict";

// Light or dark, before anything is drawn. What the system says is the default.
const root = document.documentElement;
const remembered = (value) => {
	try {
		if (value !== undefined) localStorage.setItem("sesame-theme", value);
		return localStorage.getItem("sesame-theme") || "";
	} catch { return ""; }
};
if (remembered()) root.dataset.theme = remembered();

document.addEventListener("DOMContentLoaded", () => {
	const $ = (id) => document.getElementById(id);

	const theme = $("theme");
	theme.hidden = false;
	theme.addEventListener("click", () => {
		const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
		root.dataset.theme = remembered(dark ? "light" : "dark") || (dark ? "light" : "dark");
	});

	// Confirmations: "Keep it" and Escape close them. "/" is for the search.
	for (const keep of document.querySelectorAll("button.keep")) keep.hidden = false;
	const close = (details) => {
		details.open = false;
		details.querySelector("summary").focus();
	};
	document.addEventListener("click", (e) => {
		if (e.target.matches("button.keep")) close(e.target.closest("details"));
	});
	document.addEventListener("keydown", (e) => {
		const details = e.target.closest?.("details.end[open]");
		if (e.key === "Escape" && details) close(details);
		if (e.key === "/" && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.matches("input")) {
			e.preventDefault();
			$("q").focus();
		}
	});

	// The chart names the counts of the minute under the pointer, or of the one
	// that the arrow keys have chosen.
	const chart = $("chart"), minutes = 60;
	let chosen = -1;
	const mark = () => {
		for (const old of chart.querySelectorAll(".cursor")) old.remove();
		const newest = Number(chart.querySelector(".chart")?.dataset.newest);
		if (chosen < 0 || !newest) {
			$("readout").textContent = "";
			return;
		}
		const counts = [];
		for (const svg of chart.querySelectorAll("svg")) {
			const rect = document.createElementNS(svg.namespaceURI, "rect");
			for (const [name, value] of Object.entries({class: "cursor", x: chosen * 4 - .5, width: 4, height: 24})) rect.setAttribute(name, value);
			svg.append(rect);
			const n = Number(svg.dataset.counts.split(" ")[chosen]);
			if (n) counts.push(n.toLocaleString("en") + " " + svg.dataset.kind);
		}
		const at = new Date((newest - (minutes - 1 - chosen) * 60) * 1000);
		$("readout").textContent = at.toISOString().slice(11, 16) + " — " + (counts.join(", ") || "nothing");
	};
	if (chart) {
		chart.addEventListener("pointermove", (e) => {
			const svg = chart.querySelector("svg");
			if (!svg) return;
			const box = svg.getBoundingClientRect(), x = (e.clientX - box.left) / box.width;
			chosen = x < 0 || x >= 1 ? -1 : Math.floor(x * minutes);
			mark();
		});
		for (const leave of ["pointerleave", "blur"]) chart.addEventListener(leave, () => { chosen = -1; mark(); });
		chart.addEventListener("focus", () => { if (chart.matches(":focus-visible")) { chosen = minutes - 1; mark(); } });
		chart.addEventListener("keydown", (e) => {
			const to = {ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: minutes - 1}[e.key];
			if (to === undefined || e.target !== chart) return;
			e.preventDefault();
			chosen = Math.min(Math.max(to, 0), minutes - 1);
			mark();
		});
	}

	// Live parts.
	const address = document.body.dataset.live, live = $("live"), pause = $("pause"), tail = $("tail");
	if (!address || !live || !window.EventSource) return;
	let source, gap, held = [], paused = false, last = "";

	const say = (text) => { if (live.textContent !== text) live.textContent = text; };

	// A part is not replaced while its text is selected, or a form in it open.
	const replace = ({id, html}) => {
		const part = $(id), selection = getSelection();
		if (!part || paused || !selection.isCollapsed && part.contains(selection.anchorNode)) return;
		const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
		part.innerHTML = html;
		if (focused) $(focused)?.focus();
		if (id === "chart") mark();
	};

	// New rows come above what is being read, which stays where it is.
	const add = ({html, reset, limit}) => {
		if (reset) tail.replaceChildren();
		const rows = document.createElement("tbody"), before = tail.offsetHeight;
		rows.innerHTML = html;
		for (const row of rows.rows) if (!reset) row.classList.add("new");
		tail.prepend(...rows.rows);
		if (tail.getBoundingClientRect().top < 0) scrollBy(0, tail.offsetHeight - before);
		while (tail.rows.length > limit) tail.rows[tail.rows.length - 1].remove();
		$("none").hidden = tail.rows.length > 0;
	};
	const count = () => held.reduce((n, rows) => n + rows.html.split("<tr").length - 1, 0);

	const open = () => {
		source?.close();
		const url = new URL(address, location.href);
		if (last) url.searchParams.set("after", last);
		source = new EventSource(url);
		// A stream ends each minute; the browser opens the next. Only a longer gap is told.
		source.onopen = () => {
			clearTimeout(gap);
			say(paused ? "paused" : "live");
		};
		source.onerror = () => {
			clearTimeout(gap);
			if (source.readyState === EventSource.CLOSED) say("not live: reload the page");
			else gap = setTimeout(() => say("connecting…"), 4000);
		};
		source.addEventListener("part", (e) => replace(JSON.parse(e.data)));
		source.addEventListener("rows", (e) => {
			last = e.lastEventId;
			const rows = JSON.parse(e.data);
			if (rows.reset) $("process").textContent = rows.process;
			if (!paused) return add(rows);
			if (rows.reset) held = [];
			held.push(rows);
			while (held.length > 1 && count() > rows.limit) held.shift();
			pause.textContent = "Resume (" + count() + " new)";
		});
	};
	pause.hidden = false;
	pause.addEventListener("click", () => {
		paused = !paused;
		pause.textContent = paused ? "Resume" : "Pause";
		pause.setAttribute("aria-pressed", paused);
		say(paused ? "paused" : "live");
		if (!paused) held.forEach(add);
		held = [];
	});

	// A page that is not looked at needs no stream.
	document.addEventListener("visibilitychange", () => {
		if (!document.hidden) return open();
		source.close();
		say("asleep");
	});
	addEventListener("pagehide", () => source.close());
	addEventListener("pageshow", (e) => { if (e.persisted) open(); });
	open();
});
