/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "ring/order.h"
#include "tool/send.h"

/* However long there is nothing to do: signals and timers are looked at this often. */
#define NAP_NS_MAX (WN_SECOND_NS / 10)

/* At a rate, what was missed longer ago than this is not made up for by a flood. */
#define BACKLOG_NS_MAX (WN_SECOND_NS / 10)

/* Interrupts seen. Only the signal handler writes it; nothing is ordered by it. */
static uint32_t interrupts;

static void note_interrupt(int signal_number)
{
	(void)signal_number;
	wn_store_relaxed(&interrupts, wn_load_relaxed(&interrupts) + 1);
}

static void catch_signals(struct sigaction *interrupt, struct sigaction *terminate)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = note_interrupt; /* no SA_RESTART: blocking calls must end */
	sigemptyset(&action.sa_mask);
	wn_store_relaxed(&interrupts, 0);
	sigaction(SIGINT, &action, interrupt);
	sigaction(SIGTERM, &action, terminate);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* -- what is due -- */

/* A constant rate, counted from some packet on. */
struct pace {
	uint64_t rate;
	uint64_t sent_before;   /* packets sent when start_ns was set */
	int64_t start_ns;
};

static uint64_t due_packets(struct pace *pace, uint64_t sent, int64_t now_ns)
{
	const double seconds = (double)(now_ns - pace->start_ns) / 1e9;
	/* The first packet is due at once. */
	const uint64_t due = (uint64_t)(seconds * (double)pace->rate) + 1;
	const uint64_t done = sent - pace->sent_before;
	const uint64_t backlog_max = (uint64_t)((double)pace->rate * BACKLOG_NS_MAX / 1e9) + 1;

	if (due <= done)
		return 0;
	if (due - done > backlog_max) {
		pace->start_ns = now_ns;
		pace->sent_before = sent;
		return 1;
	}
	return due - done;
}

/* When the last packet of the next `train` is due. */
static int64_t next_due_ns(const struct pace *pace, uint64_t sent, uint32_t train)
{
	return pace->start_ns + (int64_t)((double)(sent - pace->sent_before + train - 1) * 1e9 /
					  (double)pace->rate);
}

/* Packets in the next train: gso, or what is left of the count. */
static uint32_t next_train(const struct wn_send *send)
{
	const struct wn_send_config *config = &send->config;
	const uint64_t left = config->count ? config->count - send->counters.sent : UINT64_MAX;

	return (uint32_t)lower(config->gso, left);
}

/* How many packets may go out now: by count, by rate, and by what is in flight. */
static uint64_t wanted_packets(const struct wn_send *send, struct pace *pace, int64_t now_ns)
{
	const struct wn_send_config *config = &send->config;
	uint64_t wanted = (uint64_t)config->gso * WN_SEND_BURST;

	if (config->count)
		wanted = lower(wanted, config->count - send->counters.sent);
	if (config->rate)
		wanted = lower(wanted, due_packets(pace, send->counters.sent, now_ns));
	if (config->awaits_replies)
		wanted = lower(wanted, wn_window_room(&send->window, config->window));
	/* Whole trains only, or a busy window would break up into single packets. */
	return wanted < next_train(send) ? 0 : wanted - wanted % next_train(send);
}

static int is_over(const struct wn_send *send, int64_t now_ns)
{
	const struct wn_send_config *config = &send->config;

	return wn_load_relaxed(&interrupts) ||
	       (config->count && send->counters.sent >= config->count) ||
	       (config->duration_ns && now_ns - send->start_ns >= config->duration_ns);
}

/* -- the bursts -- */

/* Takes what has arrived at any source, without waiting. */
static uint32_t receive_ready(struct wn_send *send)
{
	uint32_t messages = 0;

	if (!send->config.awaits_replies)
		return 0;
	if (send->config.sources == 1)
		return (uint32_t)wn_send_receive(send, 0, 0);
	for (uint32_t i = 0; i < send->config.sources; i++)
		send->polls[i].events = POLLIN;
	if (poll(send->polls, send->config.sources, 0) <= 0)
		return 0;
	for (uint32_t i = 0; i < send->config.sources; i++)
		if (send->polls[i].revents)
			messages += (uint32_t)wn_send_receive(send, i, 0);
	return messages;
}

static void sleep_until(struct wn_send *send, int64_t wake_ns, int64_t now_ns)
{
	const short events = (short)(POLLIN | (send->is_blocked ? POLLOUT : 0));
	const int64_t nap_ns = wake_ns - now_ns;

	if (nap_ns <= 0)
		return;
	for (uint32_t i = 0; i < send->config.sources; i++)
		send->polls[i].events = send->config.awaits_replies ? events : POLLOUT & events;
	wn_os_poll(send->polls, send->config.sources, nap_ns);
	send->is_blocked = 0;
}

/* Nothing can go out and nothing has come in: wait for whichever is first. */
static void wait_for_work(struct wn_send *send, const struct pace *pace, int is_sending,
			  int64_t now_ns)
{
	const int is_paced = send->config.rate && is_sending;
	const int is_full = send->config.awaits_replies &&
			    wn_window_room(&send->window, send->config.window) < send->config.gso;
	int64_t wake_ns = now_ns + NAP_NS_MAX;
	uint64_t sent_ns;

	if (send->config.awaits_replies && send->window.in_flight) {
		wn_window_oldest(&send->window, &sent_ns);
		wake_ns = (int64_t)lower((uint64_t)wake_ns,
					 sent_ns + (uint64_t)send->config.timeout_ns + 1);
	}
	if (is_paced && !is_full)
		wake_ns = (int64_t)lower((uint64_t)wake_ns,
					 (uint64_t)next_due_ns(pace, send->counters.sent, next_train(send)));
	/* One socket and nothing but replies to wait for: let the receive call itself wait. */
	if (send->config.awaits_replies && send->config.sources == 1 && !send->is_blocked &&
	    (is_full || !is_sending) && wake_ns == now_ns + NAP_NS_MAX)
		wn_send_receive(send, 0, 1);
	else
		sleep_until(send, wake_ns, now_ns);
}

static void show_progress(struct wn_send *send, int64_t now_ns)
{
	if (send->config.interval_ns &&
	    now_ns - send->progress.ns >= send->config.interval_ns)
		wn_send_progress(send, now_ns);
}

static int fail_send(const struct wn_send *send, int error, struct wn_error *failure)
{
	const struct wn_send_config *config = &send->config;

	if (error == EINVAL || error == EMSGSIZE || error == EIO)
		return wn_fail(failure, error, WN_FAILED,
			       "'%s': sending %u x %u bytes: %s; the packet is larger than the way "
			       "there takes%s",
			       config->target, config->gso, config->payload_bytes, strerror(error),
			       config->gso > 1 ? ", or it cannot send trains: try --gso 1" : "");
	return wn_fail(failure, error, error == EPERM || error == EACCES ? WN_UNAVAILABLE : WN_FAILED,
		       "'%s': sending: %s", config->target, strerror(error));
}

/* Sends until the end is reached. 0 or -errno. */
static int burst_loop(struct wn_send *send, struct wn_error *error)
{
	struct pace pace = {send->config.rate, 0, send->start_ns};
	int64_t now_ns = wn_clock_ns();

	while (!is_over(send, now_ns)) {
		const uint64_t wanted = wanted_packets(send, &pace, now_ns);
		const int64_t sent = wanted ? wn_send_burst(send, wanted) : 0;
		const uint32_t received = sent < 0 ? 0 : receive_ready(send);

		if (sent < 0)
			return fail_send(send, (int)-sent, error);
		if (!sent && !received) {
			wn_send_expire(send, now_ns);
			wait_for_work(send, &pace, 1, now_ns);
		}
		now_ns = wn_clock_ns();
		show_progress(send, now_ns);
	}
	return 0;
}

/* What is still in flight gets its time to come back; a second interrupt ends that, too. */
static void drain(struct wn_send *send)
{
	const uint32_t patience = wn_load_relaxed(&interrupts) + 1;

	while (send->window.in_flight && wn_load_relaxed(&interrupts) < patience) {
		const int64_t now_ns = wn_clock_ns();

		wn_send_expire(send, now_ns);
		if (!receive_ready(send))
			wait_for_work(send, NULL, 0, now_ns);
	}
	send->counters.lost += wn_window_expire(&send->window, UINT64_MAX);
}

/* -- one packet at a time -- */

static void sleep_for_pace(const struct wn_send *send, struct pace *pace, int64_t now_ns)
{
	if (!pace->rate || due_packets(pace, send->counters.sent, now_ns))
		return;
	wn_os_sleep_until(next_due_ns(pace, send->counters.sent, 1));
}

/*
 * A window of one, so that nothing stands between the packet and its reply but one send and one
 * blocking receive.
 */
static int ping_pong_loop(struct wn_send *send, struct wn_error *error)
{
	struct pace pace = {send->config.rate, 0, send->start_ns};
	int64_t now_ns = wn_clock_ns();

	while (!is_over(send, now_ns)) {
		int sent;

		sleep_for_pace(send, &pace, now_ns);
		sent = wn_send_one(send);
		if (sent < 0)
			return fail_send(send, -sent, error);
		while (send->window.in_flight && wn_load_relaxed(&interrupts) < 2)
			if (!wn_send_receive_one(send))
				wn_send_expire(send, wn_clock_ns());
		now_ns = wn_clock_ns();
		show_progress(send, now_ns);
	}
	return 0;
}

static int is_ping_pong(const struct wn_send_config *config)
{
	return config->awaits_replies && config->window == 1 && config->sources == 1 &&
	       !config->is_gro;
}

int wn_send_loop(struct wn_send *send, struct wn_error *error)
{
	struct sigaction interrupt, terminate;
	int rc;

	catch_signals(&interrupt, &terminate);
	wn_os_sharp_sleeps(); /* between packets */
	getrusage(RUSAGE_SELF, &send->usage_start);
	send->start_ns = send->end_ns = send->progress.ns = wn_clock_ns();
	rc = is_ping_pong(&send->config) ? ping_pong_loop(send, error) : burst_loop(send, error);
	send->was_interrupted = wn_load_relaxed(&interrupts) > 0;
	if (!rc && send->config.awaits_replies)
		drain(send);
	getrusage(RUSAGE_SELF, &send->usage_end);
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGTERM, &terminate, NULL);
	return rc;
}
