/* SPDX-License-Identifier: Apache-2.0 */
/* A frame, layer by layer, for people and for JSON. What is cut or lies is said, not followed. */
#ifndef WN_TOOL_DISSECT_H
#define WN_TOOL_DISSECT_H

#include <stdint.h>
#include <stdio.h>

enum { WN_LAYERS_MAX = 12, WN_LAYER_FIELDS_MAX = 10 };

struct wn_layer_field {
	const char *key;
	char text[64];
	int is_number;
};

struct wn_layer {
	const char *name;                /* "ipv4" */
	uint32_t offset;                 /* where it begins in the frame */
	uint32_t count;
	struct wn_layer_field fields[WN_LAYER_FIELDS_MAX];
};

struct wn_layers {
	uint32_t count;
	struct wn_layer list[WN_LAYERS_MAX];
};

void wn_dissect(struct wn_layers *layers, const uint8_t *bytes, uint32_t length);

/* A line a layer, indented by `indent` spaces. */
void wn_layers_print(const struct wn_layers *layers, int indent, FILE *file);

/* An array of objects. */
struct wn_json;
void wn_layers_write(const struct wn_layers *layers, const char *key, struct wn_json *json);

#endif
