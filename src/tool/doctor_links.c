/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor finds of links: those that this build has not; of the others doctor_linux.c or doctor_posix.c. */
#include <stdarg.h>
#include <stdio.h>

#include "link/link.h"
#include "tool/doctor.h"

void wn_finding_say(struct wn_finding *finding, enum wn_health health, const char *remedy, ...)
{
	va_list arguments;

	finding->health = health;
	va_start(arguments, remedy);
	vsnprintf(finding->remedy, sizeof(finding->remedy), remedy, arguments);
	va_end(arguments);
}

void wn_doctor_links(struct wn_findings *findings)
{
	for (int k = 0; wn_link_kinds[k]; k++) {
		const struct wn_link_ops *ops = wn_link_kinds[k];
		struct wn_finding *finding = wn_finding_add(findings, "link", ops->kind);

		if (ops->missing)
			wn_finding_say(finding, WN_MISSING, "%s", ops->missing);
		else
			wn_doctor_look_at_link(ops->kind, finding);
	}
}
