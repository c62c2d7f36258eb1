/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if WN_HAVE_LIBPCAP
#include <pcap/pcap.h>
#endif

int wn_capture_add(struct wn_capture *capture, const uint8_t *bytes, uint32_t length,
		   uint32_t wire_length, int is_frame)
{
	struct wn_captured *packet;

	if (capture->count == capture->room) {
		const uint32_t room = capture->room ? 2 * capture->room : 256;
		struct wn_captured *moved = realloc(capture->list, room * sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		capture->list = moved;
		capture->room = room;
	}
	packet = &capture->list[capture->count];
	packet->bytes = malloc(length + 1);
	if (!packet->bytes)
		return -ENOMEM;
	memcpy(packet->bytes, bytes, length);
	packet->length = length;
	packet->wire_length = wire_length;
	capture->count++;
	if (length > capture->longest)
		capture->longest = length;
	if (is_frame)
		wn_frame_note_target(&capture->targets, bytes, length);
	return 0;
}

#if WN_HAVE_LIBPCAP

static int read_packets(struct wn_capture *capture, pcap_t *file, const char *path, uint64_t most,
			struct wn_error *error)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int rc;

	while (!most || capture->count < most) {
		rc = pcap_next_ex(file, &header, &bytes);
		if (rc == PCAP_ERROR_BREAK)
			return 0;
		if (rc != 1)
			return wn_fail(error, EIO, WN_FAILED, "%s: packet %u: %s", path, capture->count + 1,
				       pcap_geterr(file));
		if (wn_capture_add(capture, bytes, header->caplen, header->len, 1))
			return wn_fail(error, ENOMEM, WN_FAILED, "%s: out of memory", path);
	}
	return 0;
}

int wn_capture_read(struct wn_capture *capture, const char *path, uint64_t most, struct wn_error *error)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *file = pcap_open_offline(path, why);
	int rc;

	/* libpcap names the file where it cannot be opened, and does not where it cannot be read. */
	if (!file && strstr(why, path))
		return wn_fail(error, ENOENT, WN_NO_INPUT, "%s", why);
	if (!file)
		return wn_fail(error, ENOENT, WN_NO_INPUT, "%s: %s", path, why);
	if (pcap_datalink(file) != DLT_EN10MB)
		rc = wn_fail(error, EINVAL, WN_FAILED, "%s: holds %s, not Ethernet frames", path,
			     pcap_datalink_val_to_description_or_dlt(pcap_datalink(file)));
	else
		rc = read_packets(capture, file, path, most, error);
	pcap_close(file);
	return rc;
}

#else

int wn_capture_read(struct wn_capture *capture, const char *path, uint64_t most, struct wn_error *error)
{
	(void)capture;
	(void)most;
	return wn_fail(error, ENOTSUP, WN_UNAVAILABLE,
		       "%s: this build has no libpcap: install libpcap-dev and build again", path);
}

#endif

void wn_capture_free(struct wn_capture *capture)
{
	for (uint32_t i = 0; i < capture->count; i++)
		free(capture->list[i].bytes);
	free(capture->list);
	memset(capture, 0, sizeof(*capture));
}
