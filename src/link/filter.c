/* SPDX-License-Identifier: Apache-2.0 */
#include "link/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef WN_HAVE_LIBPCAP
#define WN_HAVE_LIBPCAP 0
#endif

#if WN_HAVE_LIBPCAP

#include <pcap/pcap.h>


enum {
	/* What the program returns for a frame that passes: the bytes to keep of it. */
	KEEP_BYTES = 262144,
};

static int is_blank(const char *text)
{
	return !text || !text[strspn(text, " \t\n")];
}

/*
 * An activated handle of the interface compiles `vlan` to the kernel's metadata words; a dead one
 * to bytes of the frame, which the kernel has taken out by then. Its buffer is as small as it may
 * be: nothing is ever read from it.
 */
static pcap_t *open_interface(const char *interface)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *handle = pcap_create(interface, text);

	if (!handle)
		return NULL;
	pcap_set_snaplen(handle, KEEP_BYTES);
	pcap_set_buffer_size(handle, 1 << 20);
	if (pcap_activate(handle) < 0 || pcap_datalink(handle) != DLT_EN10MB) {
		pcap_close(handle);
		return NULL;
	}
	return handle;
}

static int copy_program(struct wn_filter *filter, const struct bpf_program *program)
{
	filter->code = calloc(program->bf_len, sizeof(*program->bf_insns));
	if (!filter->code)
		return -ENOMEM;
	memcpy(filter->code, program->bf_insns, program->bf_len * sizeof(*program->bf_insns));
	filter->count = program->bf_len;
	return 0;
}

int wn_filter_compile(struct wn_filter *filter, const char *expression, const char *interface,
		      struct wn_error *error)
{
	struct bpf_program program;
	pcap_t *handle = NULL;
	int rc = 0;

	memset(filter, 0, sizeof(*filter));
	if (is_blank(expression))
		return 0;
	if (interface)
		handle = open_interface(interface);
	if (!handle)
		handle = pcap_open_dead(DLT_EN10MB, KEEP_BYTES);
	if (!handle)
		return wn_fail(error, ENOMEM, WN_FAILED, "filter '%s': out of memory", expression);
	if (pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN)) {
		rc = wn_fail(error, EINVAL, WN_USAGE,
			     "filter '%s': %s; it takes the words of pcap-filter(7), for example "
			     "'udp port 53'", expression, pcap_geterr(handle));
		goto close_handle;
	}
	if (copy_program(filter, &program))
		rc = wn_fail(error, ENOMEM, WN_FAILED, "filter '%s': out of memory", expression);
	pcap_freecode(&program);
close_handle:
	pcap_close(handle);
	return rc;
}

int wn_filter_matches(const struct wn_filter *filter, const uint8_t *bytes, uint32_t length,
		      uint32_t wire_length)
{
	return !filter->code || bpf_filter((const struct bpf_insn *)(const void *)filter->code,
					   bytes, wire_length, length) != 0;
}

#else

int wn_filter_compile(struct wn_filter *filter, const char *expression, const char *interface,
		      struct wn_error *error)
{
	(void)interface;
	memset(filter, 0, sizeof(*filter));
	if (!expression || !expression[0])
		return 0;
	return wn_fail(error, ENOTSUP, WN_UNAVAILABLE,
		       "filter '%s': this build has no libpcap; install libpcap-dev and build again "
		       "with -Dlibpcap=enabled", expression);
}

int wn_filter_matches(const struct wn_filter *filter, const uint8_t *bytes, uint32_t length,
		      uint32_t wire_length)
{
	(void)filter;
	(void)bytes;
	(void)length;
	(void)wire_length;
	return 1;
}

#endif

void wn_filter_finish(struct wn_filter *filter)
{
	free(filter->code);
	memset(filter, 0, sizeof(*filter));
}
