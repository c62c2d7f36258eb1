/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor finds of links and interfaces where it is not Linux. */
#include <stdio.h>
#include <string.h>

#include "tool/doctor.h"

void wn_doctor_look_at_link(const char *kind, struct wn_finding *finding)
{
	if (strcmp(kind, "udp"))
		return;
	snprintf(finding->speed, sizeof(finding->speed), "not known: never measured here; a system call a packet");
	snprintf(finding->note, sizeof(finding->note), "no trains (gro=on), and what the kernel drops is not known");
}

void wn_doctor_interfaces(struct wn_findings *findings)
{
	(void)findings;
}
