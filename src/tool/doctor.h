/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `warpnic doctor` finds: one finding for each link kind, interface, device and limit of the system that
 * matters. doctor.c prints them; doctor_links.c with doctor_linux.c or doctor_posix.c, and doctor_system.c look.
 */
#ifndef WN_TOOL_DOCTOR_H
#define WN_TOOL_DOCTOR_H

#include <stdint.h>

enum wn_health {
	WN_HEALTHY,         /* works */
	WN_LIMITED,         /* works, with something to know, or to better */
	WN_MISSING          /* does not work as it is */
};

struct wn_finding {
	const char *part;   /* "link", "interface", "device", "system" */
	char name[64];
	enum wn_health health;
	char speed[96];     /* its class, on its own: what docs/performance.md measured; "": says nothing */
	char note[200];     /* what was seen */
	char remedy[240];   /* what to do; "": nothing */
};

struct wn_findings {
	struct wn_finding *list; /* allocated; the caller's */
	uint32_t count, capacity;
};

/* A new finding at the end, healthy and empty but for these; never NULL (memory exhausted ends the process). */
struct wn_finding *wn_finding_add(struct wn_findings *findings, const char *part, const char *name);

/* Its health, and what to do, in printf's words. */
__attribute__((format(printf, 3, 4)))
void wn_finding_say(struct wn_finding *finding, enum wn_health health, const char *remedy, ...);

/* Fills the finding of a link kind that this build has. */
void wn_doctor_look_at_link(const char *kind, struct wn_finding *finding);

/* Each adds what it finds. Nothing is attached, bound or changed; sockets and rings they open are closed. */
void wn_doctor_system(struct wn_findings *findings);
void wn_doctor_links(struct wn_findings *findings);
void wn_doctor_interfaces(struct wn_findings *findings);
void wn_doctor_devices(struct wn_findings *findings);

/* The first line of a small file, without its newline; "" where it cannot be read. */
void wn_doctor_read(const char *path, char *text, uint32_t bytes);

/* Bytes this process may lock; UINT64_MAX: any number (no limit, or CAP_IPC_LOCK). */
uint64_t wn_doctor_lockable(void);

#endif
