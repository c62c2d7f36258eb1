/* SPDX-License-Identifier: Apache-2.0 */
/* All of the host's side. A packet program includes warpnic/program.h instead. */
#ifndef WARPNIC_WARPNIC_H
#define WARPNIC_WARPNIC_H

#include "warpnic/counters.h"
#include "warpnic/device.h"
#include "warpnic/link.h"
#include "warpnic/runtime.h"
#include "warpnic/status.h"

#endif
