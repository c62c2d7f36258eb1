/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor finds of the links of Linux, and of the interfaces they may be opened on. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link/bpf.h"
#include "link/interface.h"
#include "os/os.h"
#include "tool/doctor.h"

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

enum {
	RMEM_WISHED = 4 << 20,          /* bytes of a socket's buffer that ride out a pause of some ms */
	URING_SQPOLL = 1 << 1,          /* linux/io_uring.h: IORING_SETUP_SQPOLL */
	URING_NO_MMAP = 1 << 14,        /* IORING_SETUP_NO_MMAP, Linux 6.5 */
	URING_NO_SQARRAY = 1 << 16      /* IORING_SETUP_NO_SQARRAY, Linux 6.6 */
};

static void look_at_udp(struct wn_finding *finding)
{
	const int fd = wn_os_socket(AF_INET, SOCK_DGRAM);
	const int has_trains = fd >= 0 && !wn_os_receive_trains(fd);
	char rmem[32];

	if (fd >= 0)
		close(fd);
	wn_doctor_read("/proc/sys/net/core/rmem_max", rmem, sizeof(rmem));
	snprintf(finding->speed, sizeof(finding->speed), "1 to 2 us of CPU a packet; %s",
		 has_trains ? "about 30 ns in trains (gro=on)" : "no trains here (Linux 5.0)");
	snprintf(finding->note, sizeof(finding->note), "sockets' buffers up to %.20s bytes", rmem);
	if (rmem[0] && strtoull(rmem, NULL, 10) < RMEM_WISHED)
		wn_finding_say(finding, WN_LIMITED, "bursts are lost in small buffers: sysctl -w net.core.rmem_max=%d",
		    RMEM_WISHED);
}

static void look_at_packet(struct wn_finding *finding)
{
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	snprintf(finding->speed, sizeof(finding->speed), "about 2 us of CPU a frame; any driver");
	if (fd >= 0)
		close(fd);
	else
		wn_finding_say(finding, WN_MISSING, errno == EPERM || errno == EACCES
						 ? "needs CAP_NET_RAW: run as root, or setcap cap_net_raw+ep"
						 : "socket(AF_PACKET): %s", strerror(errno));
}

static void look_at_xdp(struct wn_finding *finding)
{
	const int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), error = errno;
	const int map = fd >= 0 ? wn_bpf_socket_map(1) : -1;

	snprintf(finding->speed, sizeof(finding->speed),
		 "about 0.5 us of CPU a frame in the kernel; with zerocopy millions a second a queue");
	snprintf(finding->note, sizeof(finding->note), "the device drives it, unless --drive host");
	if (fd >= 0)
		close(fd);
	if (map >= 0)
		close(map);
	if (fd < 0 && error == EAFNOSUPPORT)
		wn_finding_say(finding, WN_MISSING, "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS); the packet link does without");
	else if (fd < 0)
		wn_finding_say(finding, WN_MISSING, "needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF: run as root");
	else if (map == -EPERM || map == -EACCES)
		wn_finding_say(finding, WN_MISSING, "its program needs CAP_BPF and CAP_NET_ADMIN: run as root");
	else if (map < 0)
		wn_finding_say(finding, WN_MISSING, "the kernel makes no map of sockets: %s", strerror(-map));
}

/* Whether a ring can be made with these flags. 0 or -errno. */
static int try_ring(uint32_t flags)
{
	uint32_t parameters[30] = {0};   /* struct io_uring_params: flags is the third word */
	int fd;

	parameters[2] = flags;
	fd = (int)syscall(SYS_io_uring_setup, 4, parameters);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static const char *can_write_directly(void)
{
	const int fd = open(".", O_TMPFILE | O_WRONLY | O_DIRECT | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EACCES || errno == EROFS ? "not writable" : "no";
	close(fd);
	return "yes";
}

static void look_at_uring(struct wn_finding *finding)
{
	const int rc = try_ring(URING_SQPOLL);
	char disabled[16];
	/* Without addresses the kernel must refuse: it says EINVAL where it does not know the flag, EFAULT where it does. */
	const int has_no_mmap = try_ring(URING_NO_MMAP) == -EFAULT;
	const int has_no_array = !try_ring(URING_NO_SQARRAY);

	snprintf(finding->speed, sizeof(finding->speed), "1 to 2 us of the kernel's CPU a packet, none of ours");
	wn_doctor_read("/proc/sys/kernel/io_uring_disabled", disabled, sizeof(disabled));
	snprintf(finding->note, sizeof(finding->note),
		 "rings in memory of ours: %s; without an index array: %s; --deliver with O_DIRECT in this folder: %s",
		 has_no_mmap ? "yes" : "no (Linux 6.5)", has_no_array ? "yes" : "no (Linux 6.6)", can_write_directly());
	if (!rc)
		return;
	finding->note[0] = '\0';
	if (rc == -EPERM && disabled[0] && disabled[0] != '0')
		wn_finding_say(finding, WN_MISSING, "io_uring is switched off: sysctl -w kernel.io_uring_disabled=0, or the udp link");
	else if (rc == -ENOSYS)
		wn_finding_say(finding, WN_MISSING, "this kernel has no io_uring; the udp link does without");
	else
		wn_finding_say(finding, WN_MISSING, "io_uring_setup: %s; a container's filter may forbid it; the udp link does without",
		    strerror(-rc));
}

/* The same ring, and a table of files in it as large as the connections. */
static void look_at_tcp(struct wn_finding *finding)
{
	struct rlimit limit = {0, 0};

	look_at_uring(finding);
	snprintf(finding->speed, sizeof(finding->speed), "about 6 us of CPU a request and its answer, nearly all the kernel's");
	if (finding->health == WN_MISSING) {
		char *udp = strstr(finding->remedy, "or the udp link");

		udp = udp ? udp - 2 : strstr(finding->remedy, "; the udp link");
		if (udp)
			*udp = '\0';
		return;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < 10064)
		wn_finding_say(finding, WN_LIMITED, "no more than %llu connections a queue (RLIMIT_NOFILE): ulimit -Hn, LimitNOFILE=",
		    (unsigned long long)limit.rlim_max);
}

void wn_doctor_look_at_link(const char *kind, struct wn_finding *finding)
{
	static const struct {
		const char *kind;
		void (*look)(struct wn_finding *finding);
	} looks[] = {{"udp", look_at_udp}, {"packet", look_at_packet}, {"xdp", look_at_xdp}, {"uring", look_at_uring},
		     {"uring:tcp", look_at_tcp}};

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (!strcmp(looks[i].kind, kind))
			looks[i].look(finding);
}

/* -- interfaces -- */

/* Drivers whose AF_XDP is without a copy (Linux 6.12, XDP_SETUP_XSK_POOL in drivers/net). */
static int has_zerocopy(const char *driver)
{
	static const char *const drivers[] = {"i40e", "ice",  "ixgbe", "igb",  "igc",     "mlx5_core",
					      "nfp",  "gve",  "dwmac", "stmmac", "am65-cpsw-nuss", "virtio_net"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strncmp(driver, drivers[i], strlen(drivers[i])))
			return 1;
	return 0;
}

static void look_at_interface(struct wn_findings *findings, const char *name)
{
	char path[300], target[300], state[32];
	struct wn_interface interface;
	struct wn_finding *finding;
	struct wn_error error;
	const char *driver;
	ssize_t length;

	if (wn_interface_find(&interface, "doctor", name, &error))
		return; /* not one that carries Ethernet frames */
	finding = wn_finding_add(findings, "interface", name);
	snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", name);
	length = readlink(path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	driver = strrchr(target, '/') ? strrchr(target, '/') + 1 : "none (virtual)";
	snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", name);
	wn_doctor_read(path, state, sizeof(state));
	snprintf(finding->note, sizeof(finding->note), "driver %.60s, %u queue%s, MTU %u, %.20s", driver,
		 wn_interface_queues(name), wn_interface_queues(name) > 1 ? "s" : "", interface.mtu, state);
	snprintf(finding->speed, sizeof(finding->speed), "%s",
		 has_zerocopy(driver) ? "xdp: without a copy (needs queues to spare)" : "xdp: the kernel copies");
	if (!strcmp(state, "down"))
		wn_finding_say(finding, WN_LIMITED, "it is down: ip link set %s up", name);
	else if (interface.mtu > 3818 && strcmp(name, "lo"))
		wn_finding_say(finding, WN_LIMITED, "xdp links take frames of up to 3840 bytes: ip link set %s mtu 1500", name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct wn_finding *)a)->name, ((const struct wn_finding *)b)->name);
}

void wn_doctor_interfaces(struct wn_findings *findings)
{
	const uint32_t first = findings->count;
	DIR *folder = opendir("/sys/class/net");
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			look_at_interface(findings, entry->d_name);
	if (folder)
		closedir(folder);
	if (findings->count > first)
		qsort(findings->list + first, findings->count - first, sizeof(*findings->list), by_name);
}
