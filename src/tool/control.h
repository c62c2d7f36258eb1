/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of `warpnic run`: a unix stream socket (unix(7)) of mode 0600, on which whoever may
 * open it asks, a JSON object a line, and is answered with one, in order:
 *
 *     {"command": "reload"}                            {"ok": true, "reloads": 1, "milliseconds": 312.5}
 *     {"command": "reload", "parameters": ["limit=9"]} {"ok": false, "status": 1, "error": "..."}
 *     {"command": "stats"}                             {"ok": true, "stats": {...}}   as --json writes it
 *     {"command": "stop"}                              {"ok": true}                   then as on SIGTERM
 *
 * status is the one that a command would end with (enum wn_status). Other members of a request are
 * refused, so that a mistake is not taken for a wish that was granted.
 *
 * control.c is the socket, run_control.c what is said on it, control_client.c the other side.
 */
#ifndef WN_TOOL_CONTROL_H
#define WN_TOOL_CONTROL_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "warpnic/status.h"

enum { WN_CONTROL_PATH_BYTES = 108, WN_CONTROL_LINE_BYTES = 65536 };

struct wn_control;

/*
 * Makes the socket. What lies at the path is taken away only where it is a socket that nobody listens
 * to any more. NULL with the reason: WN_UNAVAILABLE where somebody does, or may not be asked.
 */
struct wn_control *wn_control_open(const char *path, struct wn_error *error);

/* Removes it. NULL does nothing. */
void wn_control_close(struct wn_control *control);

const char *wn_control_path(const struct wn_control *control);

/*
 * Waits up to timeout_ms for something to happen and calls `handle` for each whole line; what that
 * writes into `reply` goes back. A client that sends too long a line, or does not take its replies, is
 * hung up on. One thread.
 */
void wn_control_serve(struct wn_control *control, int timeout_ms,
		      void (*handle)(void *context, char *line, FILE *reply), void *context);

/*
 * Where the socket of a process lies when nobody says otherwise: warpnic-PID.sock in $XDG_RUNTIME_DIR,
 * else in /run where that may be written. 0, or -1 where there is no such place.
 */
int wn_control_default(char path[WN_CONTROL_PATH_BYTES], pid_t pid);

/*
 * The socket that a user means by a path, by a process's number, or, with NULL, by there being one only in the
 * place that a run of his would choose.
 * 0 or -errno with the reason.
 */
int wn_control_find(char path[WN_CONTROL_PATH_BYTES], const char *meant, struct wn_error *error);

/* Connects to a path. The descriptor, or -errno. */
int wn_control_connect(const char *path);

#endif
