"use strict";

// The cart may grow in another tab. A tab that is not looked at does not ask.
const badge = document.querySelector("#count");
setInterval(async () => {
	if (document.hidden) return;
	const answer = await fetch("/cart/count").catch(() => null);
	if (!answer?.ok) return;
	badge.textContent = await answer.text();
	badge.hidden = badge.textContent === "0";
}, 5000);

if (document.querySelector("#orders")) {
	followOrders();
	openChat();
}

// A stream that breaks comes back by itself. One that is told that there is no
// user any more does not.
function followOrders() {
	const stream = new EventSource("/account/orders");
	stream.onmessage = event => {
		for (const [number, status] of Object.entries(JSON.parse(event.data))) {
			const shown = document.querySelector(`[data-order="${number}"]`);
			if (shown) shown.textContent = status;
		}
	};
	stream.onerror = () => {
		if (stream.readyState === EventSource.CLOSED) document.querySelector("#ended").hidden = false;
	};
}

function openChat() {
	const form = document.querySelector("#ask"), question = document.querySelector("#question");
	const socket = new WebSocket(new URL("/account/chat", location.href.replace(/^http/, "ws")));
	socket.onopen = () => { form.hidden = false; };
	socket.onclose = () => {
		const wasOpen = !form.hidden;
		form.hidden = true;
		if (wasOpen) setTimeout(openChat, 2000); // it may have been a log-in in another tab
	};
	socket.onmessage = event => say(event.data, "shop");
	form.onsubmit = event => {
		event.preventDefault();
		say(question.value, "me");
		socket.send(question.value);
		form.reset();
	};
}

function say(text, who) {
	const line = document.createElement("li");
	line.textContent = text;
	line.className = who;
	document.querySelector("#chat").append(line);
}
