/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The twin of a ring, or a piece of one, in memory of the device's: slots go over, answers come back.
 *
 * Whoever calls these is, to the pumps, the device: it reads slots that it has seen published (D), and stores each
 * verdict with a release as the last thing that is done with a slot (V). To the kernels it is the receive
 * pump: it fills, then publishes. Position k of the ring is position k of the twin; a piece has fewer slots.
 */
#ifndef WN_DEVICE_OPENCL_TWIN_H
#define WN_DEVICE_OPENCL_TWIN_H

#include "device/opencl/launch.h"
#include "ring/ring.h"

/* Lays a twin of `slots` slots (a power of two) of such a ring out. Returns its bytes. */
uint64_t wn_twin_lay_out(struct wn_cl_ring *twin, const struct wn_ring_view *ring, uint32_t slots);

/* Where several twins share memory: this one begins `base` bytes into it. */
void wn_twin_move(struct wn_cl_ring *twin, uint64_t base);

/* Its view, where it begins at `memory` in this process. */
struct wn_ring_view wn_twin_view(const struct wn_cl_ring *twin, uint8_t *memory);

/* Bytes from the start of a twin that `count` slots from index 0 on reach. */
uint64_t wn_twin_reach(const struct wn_cl_ring *twin, uint32_t count);

/* Copies one slot over. */
void wn_twin_fill(const struct wn_ring_view *twin, const struct wn_ring_view *ring, uint32_t position);

/* Copies the answer back and stores the verdict. 1, or 0: there is none yet. */
int wn_twin_answer(const struct wn_ring_view *twin, const struct wn_ring_view *ring, uint32_t position);

#endif
