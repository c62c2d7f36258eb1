/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor finds of the system and of devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "device/device.h"
#include "paths.h"
#include "tool/doctor.h"
#include "warpnic/device.h"

enum { CAP_IPC_LOCK_BIT = 14, DEVICES_MAX = 64 };

/* What an xdp queue of the preset size locks: frames and four rings. */
#define QUEUE_BYTES (UINT64_C(9) << 20)

void wn_doctor_read(const char *path, char *text, uint32_t bytes)
{
	FILE *file = fopen(path, "re");

	text[0] = '\0';
	if (!file)
		return;
	if (!fgets(text, (int)bytes, file))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

/* proc_pid_status(5): CapEff. */
static int has_capability(unsigned int bit)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long effective = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	if (file)
		fclose(file);
	return (effective >> bit & 1) != 0;
}

uint64_t wn_doctor_lockable(void)
{
	struct rlimit limit;

	if (has_capability(CAP_IPC_LOCK_BIT) || getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

static void look_at_kernel(struct wn_findings *findings)
{
	struct wn_finding *finding = wn_finding_add(findings, "system", "kernel");
	struct utsname name;

	if (uname(&name))
		return;
	snprintf(finding->note, sizeof(finding->note), "%.20s %.60s, %.20s, %u processor%s", name.sysname, name.release,
		 name.machine, wn_device_cores(), wn_device_cores() > 1 ? "s" : "");
	if (wn_device_cores() > 1)
		return;
	finding->health = WN_LIMITED;
	snprintf(finding->remedy, sizeof(finding->remedy), "one processor: pumps and programs take turns");
}

static void look_at_locked_memory(struct wn_findings *findings)
{
	struct wn_finding *finding = wn_finding_add(findings, "system", "locked memory");
	const uint64_t bytes = wn_doctor_lockable();

	if (bytes == UINT64_MAX) {
		snprintf(finding->note, sizeof(finding->note), "no limit");
		return;
	}
	snprintf(finding->note, sizeof(finding->note), "%llu KiB may be locked (RLIMIT_MEMLOCK)",
		 (unsigned long long)bytes >> 10);
	if (bytes >= QUEUE_BYTES)
		return;
	finding->health = WN_LIMITED;
	snprintf(finding->remedy, sizeof(finding->remedy),
		 "an xdp queue locks about %llu MiB, a cuda device all its rings: ulimit -l unlimited, or "
		 "LimitMEMLOCK=infinity in a unit", (unsigned long long)QUEUE_BYTES >> 20);
}

static void look_at_huge_pages(struct wn_findings *findings)
{
	struct wn_finding *finding = wn_finding_add(findings, "system", "huge pages");
	char text[128];

	wn_doctor_read("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof(text));
	snprintf(finding->note, sizeof(finding->note), "for shared memory: %.100s", text[0] ? text : "not known");
	if (!strstr(text, "[never]"))
		return;
	finding->health = WN_LIMITED;
	snprintf(finding->remedy, sizeof(finding->remedy),
		 "rings are in small pages; where they are large, some percent: "
		 "echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled");
}

void wn_doctor_system(struct wn_findings *findings)
{
	look_at_kernel(findings);
	look_at_locked_memory(findings);
	look_at_huge_pages(findings);
}

/* -- devices -- */

static void describe_device(struct wn_findings *findings, const struct wn_device_summary *device)
{
	struct wn_finding *finding = wn_finding_add(findings, "device", device->spec);
	const int is_cpu = !strncmp(device->spec, "cpu", 3), is_opencl = !strncmp(device->spec, "opencl", 6);
	const int is_metal = !strncmp(device->spec, "metal", 5);
	struct wn_paths paths;
	const char *worker;

	finding->health = device->usable ? device->note[0] ? WN_LIMITED : WN_HEALTHY : WN_MISSING;
	snprintf(finding->note, sizeof(finding->note), "%.100s%s%.80s", device->name,
		 device->name[0] && device->modes[0] ? "; " : "", device->modes);
	snprintf(finding->remedy, sizeof(finding->remedy), "%.239s", device->note);
	if (!device->usable)
		return;
	snprintf(finding->speed, sizeof(finding->speed), "%s",
		 is_cpu      ? "some ns a packet and the program's own time, on each core"
		 : is_metal  ? "not known: never run on Apple hardware"
		 : is_opencl ? "not known: never run on a GPU; `warpnic bench` measures it"
			     : "some us a packet alone; 50 M/s a queue, 400 M/s in all (one H200)");
	wn_paths_find(&paths);
	worker = is_opencl ? paths.opencl_worker : paths.cuda_worker;
	if (!is_cpu && !is_metal && access(worker, X_OK)) {
		finding->health = WN_MISSING;
		snprintf(finding->remedy, sizeof(finding->remedy),
			 "its worker process is not there: %.150s; install all that was built", worker);
	}
}

void wn_doctor_devices(struct wn_findings *findings)
{
	static struct wn_device_summary list[DEVICES_MAX];
	const int count = wn_device_list(list, DEVICES_MAX);

	for (int i = 0; i < count && i < DEVICES_MAX; i++)
		describe_device(findings, &list[i]);
}
