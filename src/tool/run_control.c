/* SPDX-License-Identifier: Apache-2.0 */
/* What is done for whoever asks on the control socket of `warpnic run`, and on SIGHUP. */
#include "tool/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "tool/control.h"
#include "tool/json.h"
#include "tool/json_read.h"

/* A parameter that a reload brought. The runtime keeps the address. */
struct wn_run_text {
	struct wn_run_text *next;
	char text[];
};

int wn_run_control_open(struct wn_run_control *control, const char *path, struct wn_error *error)
{
	char preset[WN_CONTROL_PATH_BYTES];

	if (path && !strcmp(path, "off"))
		return 0;
	if (!path && wn_control_default(preset, getpid()))
		return 0;
	control->socket = wn_control_open(path ? path : preset, error);
	/* Nobody asked for the preset: a run without it is better than none. */
	return control->socket || !path ? 0 : -1;
}

void wn_run_control_close(struct wn_run_control *control)
{
	wn_control_close(control->socket);
	control->socket = NULL;
	while (control->texts) {
		struct wn_run_text *next = control->texts->next;

		free(control->texts);
		control->texts = next;
	}
}

const char *wn_run_control_path(const struct wn_run_control *control)
{
	return control->socket ? wn_control_path(control->socket) : NULL;
}

/* -- reload -- */

static const char *keep(struct wn_run_control *control, const char *text)
{
	struct wn_run_text *kept = malloc(sizeof(*kept) + strlen(text) + 1);

	if (!kept)
		return NULL;
	memcpy(kept->text, text, strlen(text) + 1);
	kept->next = control->texts;
	control->texts = kept;
	return kept->text;
}

static int same_name(const char *a, const char *b)
{
	const size_t length = strcspn(a, "=");

	return strcspn(b, "=") == length && !strncmp(a, b, length);
}

/* A parameter takes the place of the one of its name, or comes behind them. */
static int set_parameter(struct wn_run_control *control, struct wn_runtime_params *wishes,
			 const char *text, struct wn_error *error)
{
	const char *kept = keep(control, text);
	uint32_t i = 0;

	if (!kept)
		return wn_fail(error, ENOMEM, WN_FAILED, "out of memory");
	while (i < wishes->parameter_count && !same_name(wishes->parameters[i], text))
		i++;
	if (i == WN_WISHES_MAX)
		return wn_fail(error, EINVAL, WN_USAGE, "parameter '%s': more than %d", text, WN_WISHES_MAX);
	wishes->parameters[i] = kept;
	if (i == wishes->parameter_count)
		wishes->parameter_count++;
	return 0;
}

static int reload_with(struct wn_run_control *control, const struct wn_json_member *parameters,
		       struct wn_error *error)
{
	struct wn_runtime_params wishes = *control->params;
	int rc = 0;

	for (uint32_t i = 0; !rc && parameters && i < parameters->count; i++)
		rc = set_parameter(control, &wishes, parameters->list[i], error);
	if (!rc)
		rc = wn_runtime_reload(control->runtime, &wishes, error);
	if (!rc)
		*control->params = wishes;
	return rc;
}

/* Reloads, and says on stderr how it went. 0 or -errno. */
static int reload(struct wn_run_control *control, const struct wn_json_member *parameters,
		  int64_t *took_ns, struct wn_error *error)
{
	const int64_t began = wn_clock_ns();
	const int rc = reload_with(control, parameters, error);

	*took_ns = wn_clock_ns() - began;
	if (rc)
		fprintf(stderr, "warpnic run: reload: %s; the version before goes on\n", error->text);
	else if (!control->is_quiet)
		fprintf(stderr, "warpnic: reloaded %s in %.0f ms\n", wn_runtime_program_name(control->runtime),
			(double)*took_ns * 1e-6);
	return rc;
}

void wn_run_reload(struct wn_run_control *control)
{
	struct wn_error error = {0};
	int64_t took_ns;

	reload(control, NULL, &took_ns, &error);
}

/* -- what is said on the socket -- */

static void refuse(struct wn_json *json, enum wn_status status, const char *text)
{
	wn_json_bool(json, "ok", 0);
	wn_json_number(json, "status", status);
	wn_json_text(json, "error", text);
}

static void answer_reload(struct wn_run_control *control, const struct wn_json_object *request,
			  struct wn_json *json)
{
	const struct wn_json_member *parameters = wn_json_find(request, "parameters");
	struct wn_error error = {0};
	int64_t took_ns;

	if (parameters && parameters->type != WN_JSON_LIST) {
		refuse(json, WN_USAGE, "parameters: must be a list of texts NAME=VALUE");
	} else if (reload(control, parameters, &took_ns, &error)) {
		refuse(json, error.status, error.text);
	} else {
		wn_json_bool(json, "ok", 1);
		wn_json_number(json, "reloads", wn_runtime_reload_count(control->runtime));
		wn_json_real(json, "milliseconds", (double)took_ns * 1e-6);
	}
}

static void answer_stats(struct wn_run_control *control, const struct wn_json_object *request,
			 struct wn_json *json)
{
	struct wn_run_sample now;

	(void)request;
	wn_run_take_sample(control->runtime, &now);
	wn_json_bool(json, "ok", 1);
	wn_run_write_document(json, "stats", control->runtime, control->first, &now, 0);
}

static void answer_stop(struct wn_run_control *control, const struct wn_json_object *request,
			struct wn_json *json)
{
	(void)request;
	wn_json_bool(json, "ok", 1);
	control->wants_stop = 1;
}

static const struct {
	const char *name;
	const char *member;   /* that it may have besides; NULL: none */
	void (*answer)(struct wn_run_control *control, const struct wn_json_object *request,
		       struct wn_json *json);
} requests[] = {
	{"reload", "parameters", answer_reload},
	{"stats", NULL, answer_stats},
	{"stop", NULL, answer_stop},
};

/* The first member that nobody knows; NULL where there is none. */
static const char *stray_member(const struct wn_json_object *request, const char *known)
{
	for (uint32_t i = 0; i < request->count; i++)
		if (strcmp(request->members[i].key, "command") &&
		    (!known || strcmp(request->members[i].key, known)))
			return request->members[i].key;
	return NULL;
}

static void answer(struct wn_run_control *control, const struct wn_json_object *request,
		   struct wn_json *json)
{
	const char *command = wn_json_text_of(request, "command");
	char text[256];

	for (size_t i = 0; command && i < sizeof(requests) / sizeof(requests[0]); i++) {
		const char *stray = stray_member(request, requests[i].member);

		if (strcmp(requests[i].name, command))
			continue;
		if (!stray) {
			requests[i].answer(control, request, json);
			return;
		}
		snprintf(text, sizeof(text), "%s: has no member '%.100s'", command, stray);
		refuse(json, WN_USAGE, text);
		return;
	}
	snprintf(text, sizeof(text), "command '%.100s': there are reload, stats, stop",
		 command ? command : "");
	refuse(json, WN_USAGE, text);
}

static void handle(void *context, char *line, FILE *reply)
{
	struct wn_json_object request;
	struct wn_json json;
	char text[128];

	wn_json_init(&json, reply, 0);
	wn_json_object(&json, NULL);
	if (wn_json_read(&request, line)) {
		snprintf(text, sizeof(text), "column %u: expected %s", request.column, request.wrong);
		refuse(&json, WN_USAGE, text);
	} else {
		answer(context, &request, &json);
	}
	wn_json_end(&json);
	wn_json_finish(&json);
}

void wn_run_control_wait(struct wn_run_control *control, int timeout_ms)
{
	wn_control_serve(control->socket, timeout_ms, handle, control);
}
